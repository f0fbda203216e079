"""The walk of time: at which instants a scheme's subjects are decided, and what each decision says. Pure.

The instants follow from the facts and the model alone. Between two of a subject's points (instants at which a feature
can change) every rule keeps its truth, so only points whose truth differs from the one before, and the policy's own
deadlines, are walked; all others change nothing by construction.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from domain.facts.table import NEVER, FactTable
from domain.tier_model.compiled import CompiledModel, ModelColumns, Truth
from domain.tier_model.policy import Outcome
from domain.tier_model.spans import Bools, Int64s, Points, points_of
from domain.user_tier.observation import Standing

ALWAYS = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Force:
    """A model version in force from an activation's instant on. since ALWAYS: from the beginning (sealed history)."""

    model: CompiledModel
    since: int


@dataclass(frozen=True, slots=True)
class SchemeInput:
    """One scheme's work for a batch of subjects.

    forces: oldest first. decided_at: per subject, up to where it is decided (ALWAYS: nowhere). standings: as of then.
    """

    forces: tuple[Force, ...]
    decided_at: Int64s
    standings: list[Standing | None]


@dataclass(frozen=True, slots=True)
class Decision:
    """One recorded outcome of one decision."""

    subject: int
    instant: int
    model: CompiledModel
    outcome: Outcome
    model_change: bool  # decided because a version came into force
    qualified: str
    before: Standing | None
    after: Standing


@dataclass(slots=True)
class SchemeResult:
    """What a scheme's walk found: decisions in time order per subject, and how each subject then stands."""

    decisions: list[Decision] = field(default_factory=list)
    standings: list[Standing | None] = field(default_factory=list)
    models: list[CompiledModel | None] = field(default_factory=list)
    due_at: Int64s = field(default_factory=lambda: np.empty(0, dtype=np.int64))  # NEVER: none
    may_drop_on: list[int | None] = field(default_factory=list)
    instants: int = 0  # decided points


def walk(table: FactTable, columns: dict[str, ModelColumns], work: SchemeInput, now: int, horizon: int) -> SchemeResult:
    """Decides every subject of the table at every instant after its decided_at and before now; looks ahead to horizon.

    columns: prepared columns of each model version by its content hash. Beyond now nothing is recorded: that part only
    finds the next deadline and when the tier may drop.
    """
    result = SchemeResult(standings=list(work.standings), models=[None] * table.subjects)
    result.due_at = np.full(table.subjects, NEVER, dtype=np.int64)
    result.may_drop_on = [None] * table.subjects
    known_from = _known_from(table)
    for number, force in enumerate(work.forces):
        last = number + 1 == len(work.forces)
        end = horizon if last else min(work.forces[number + 1].since, now)
        stretch = _Stretch(force, columns[force.model.content_hash], work.decided_at, known_from, now, end)
        stretch.run(result, ahead=last)
    return result


def _known_from(table: FactTable) -> Int64s:
    """Per subject, when it was first known of; NEVER without facts."""
    first = np.full(table.subjects, NEVER, dtype=np.int64)
    np.minimum.at(first, table.subject, table.known_at)
    return first


class _Stretch:
    """One version in force over one stretch of time, for the whole batch."""

    def __init__(
        self, force: Force, columns: ModelColumns, decided_at: Int64s, known_from: Int64s, now: int, end: int
    ) -> None:
        self.force, self.columns, self.now, self.end = force, columns, now, end
        self.model = force.model
        self.decided_at = decided_at
        # A subject known before the activation is decided at its instant; the others when they come.
        self.activates = (known_from <= force.since) & (decided_at < force.since) & (force.since < min(now, end))
        self.lower = np.maximum(decided_at, force.since - 1 if force.since > ALWAYS else ALWAYS)
        self.based = ~self.activates & (decided_at >= force.since) & (decided_at < end) & (decided_at != ALWAYS)

    def run(self, result: SchemeResult, ahead: bool) -> None:
        subjects, instants = self.columns.instants(np.full(len(self.decided_at), self.end, dtype=np.int64))
        if ahead:
            beyond = instants >= self.end
            np.minimum.at(result.due_at, subjects[beyond], instants[beyond])
        points = self._points(subjects, instants)
        if not len(points):
            return
        evaluated = self.columns.evaluate(points)
        decidable = points.instant > self.lower[points.subject]
        result.instants += int(np.count_nonzero(decidable & (points.instant < self.now)))
        if ahead:
            _lower_to_next(result.due_at, points, decidable & (points.instant >= self.now))
        changed = _changed(points, evaluated.codes, decidable)
        edges = np.searchsorted(points.subject, np.arange(len(self.decided_at) + 1))
        when, codes = points.instant.tolist(), evaluated.codes.tolist()
        kept = np.flatnonzero(changed)
        bounds = np.searchsorted(kept, edges).tolist()
        kept_rows = kept.tolist()
        for subject in range(len(self.decided_at)):
            rows = kept_rows[bounds[subject] : bounds[subject + 1]]
            if rows:
                steps = [(when[row], evaluated.truths[codes[row]]) for row in rows]
                self._walk_subject(subject, steps, result, ahead)

    def _points(self, subjects: npt.NDArray[np.int32], instants: Int64s) -> Points:
        wanted = (instants > self.lower[subjects]) & (instants < self.end)
        extra = np.flatnonzero(self.activates)
        based = np.flatnonzero(self.based)
        return points_of(
            np.concatenate([subjects[wanted], extra, based]).astype(np.int32),
            np.concatenate([instants[wanted], np.full(len(extra), self.force.since), self.decided_at[based]]),
        )

    def _walk_subject(self, subject: int, steps: list[tuple[int, Truth]], result: SchemeResult, ahead: bool) -> None:
        standing = result.standings[subject]
        if self.activates[subject] and standing is not None:
            standing = self.model.policy.adopt(standing, self.force.since)
        floor = int(self.lower[subject])
        for instant, truth in _with_deadlines(self, standing_of := _Holder(standing), steps, floor):
            if instant >= self.now:
                break
            before = standing_of.standing
            qualified = self.model.qualify(truth, before)
            after, outcomes = self.model.policy.decide(before, qualified, instant)
            standing_of.standing = after
            for outcome in outcomes:
                result.decisions.append(
                    Decision(
                        subject,
                        instant,
                        self.model,
                        outcome,
                        bool(self.activates[subject]) and instant == self.force.since,
                        self.model.tiers[qualified],
                        before,
                        after,
                    )
                )
        result.standings[subject] = standing_of.standing
        if standing_of.standing is not None:
            result.models[subject] = self.model
        if ahead:
            self._look_ahead(subject, steps, result)

    def _look_ahead(self, subject: int, steps: list[tuple[int, Truth]], result: SchemeResult) -> None:
        """The next policy deadline, and the first future instant at which the tier drops if nothing else happens."""
        standing = result.standings[subject]
        if standing is None:
            return
        policy, decided = self.model.policy, self.now - 1
        rank = policy.rank
        truth = next(truth for instant, truth in reversed(steps) if instant <= decided)
        deadline = policy.next_instant(standing, self.model.qualify(truth, standing), decided)
        if deadline is not None:  # also beyond the horizon
            result.due_at[subject] = min(int(result.due_at[subject]), deadline)
        for instant, truth in _with_deadlines(self, holder := _Holder(standing), steps, decided):
            qualified = self.model.qualify(truth, holder.standing)
            after, _ = policy.decide(holder.standing, qualified, instant)
            assert holder.standing is not None
            if not policy.unordered and rank[after.tier] < rank[holder.standing.tier]:
                result.may_drop_on[subject] = instant
                return
            holder.standing = after


@dataclass(slots=True)
class _Holder:
    """The standing of the subject being walked, shared between the walk and its deadlines."""

    standing: Standing | None


def _with_deadlines(
    stretch: _Stretch, holder: _Holder, steps: list[tuple[int, Truth]], floor: int
) -> Iterator[tuple[int, Truth]]:
    """(instant, truth) to decide after `floor`: the steps, and between them the policy's deadlines, which depend on
    what the decisions before have left in the holder."""
    policy, qualify = stretch.model.policy, stretch.model.qualify
    for number, (instant, truth) in enumerate(steps):
        following = steps[number + 1][0] if number + 1 < len(steps) else stretch.end
        if following <= floor:
            continue
        if instant > floor:
            yield instant, truth
        reached = max(instant, floor)
        while holder.standing is not None:
            deadline = policy.next_instant(holder.standing, qualify(truth, holder.standing), reached)
            if deadline is None or deadline >= following:
                break
            yield deadline, truth
            reached = deadline


def _changed(points: Points, codes: Int64s, decidable: Bools) -> Bools:
    """Points worth walking: each subject's first (a base, too), and those whose truth differs from the one before."""
    changed = np.ones(len(points), dtype=np.bool_)
    changed[1:] = (points.subject[1:] != points.subject[:-1]) | (codes[1:] != codes[:-1])
    # The first decidable point after a base is decided even when the base said the same: it may be an activation.
    changed[1:] |= decidable[1:] & ~decidable[:-1]
    return changed


def _lower_to_next(due_at: Int64s, points: Points, ahead: Bools) -> None:
    np.minimum.at(due_at, points.subject[ahead], points.instant[ahead])
