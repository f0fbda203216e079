"""The walk of time: at which instants a scheme's subjects are decided, and what each decision says. Pure.

The instants follow from the facts and the model alone. Between two of a subject's points (instants at which a feature
can change) every rule keeps its truth, so only points whose truth differs from the one before, and the policy's own
deadlines, are walked; all others change nothing by construction.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from domain.facts.table import NEVER, FactTable
from domain.tier_model.compiled import Truth
from domain.tier_model.holding import adopted, held
from domain.tier_model.model_columns import ModelColumns
from domain.tier_model.outcome import Outcome, Settlement
from domain.tier_model.spans import ALWAYS, Bools, Int64s, PointIndex, Points, points_of, starts_of
from domain.tier_model.timeline import Decision, Force, Move, SchemeInput, SchemeResult, bases_of, basis_of
from domain.tier_model.walker import UNTOUCHED, Held, Steps, Walker
from domain.user_tier.observation import Standing


def walk(table: FactTable, columns: dict[str, ModelColumns], work: SchemeInput, now: int, horizon: int) -> SchemeResult:
    """Decides every subject of the table at every instant after its decided_at and before now; looks ahead to horizon.

    columns: prepared columns of each model version by its content hash. Beyond now nothing is recorded: that part only
    finds the next deadline and when the tier may drop.
    """
    result = SchemeResult(standings=list(work.standings), models=[None] * table.subjects)
    result.due_at = np.full(table.subjects, NEVER, dtype=np.int64)
    result.may_drop_on = [None] * table.subjects
    if work.foreseen:
        result.moves = [Move(n, ALWAYS, held.tier) for n, held in enumerate(work.standings) if held is not None]
    known_from = _known_from(table, work)
    for number, force in enumerate(work.forces):
        last = number + 1 == len(work.forces)
        end = horizon if last else min(work.forces[number + 1].since, now)
        _Stretch(force, columns[force.model.content_hash], work, known_from, now, end, last).run(result)
    return result


def _known_from(table: FactTable, work: SchemeInput) -> Int64s:
    """Per subject, when it was first known of, or was taken over: whoever stands somewhere was, fact or no fact."""
    first = np.full(table.subjects, NEVER, dtype=np.int64)
    if len(table):
        starts = starts_of(table.subject)
        first[table.subject[starts]] = np.minimum.reduceat(table.known_at, starts)
    first[[standing is not None for standing in work.standings]] = ALWAYS
    for subject, changes in enumerate(work.changes):
        first[subject] = next((change.instant for change in changes if change.opening is not None), first[subject])
    return first


class _Stretch:
    """One version in force over one stretch of time, for the whole batch. ahead: it reaches beyond now."""

    def __init__(
        self,
        force: Force,
        columns: ModelColumns,
        work: SchemeInput,
        known_from: Int64s,
        now: int,
        end: int,
        ahead: bool,
    ) -> None:
        self.force, self.columns, self.now, self.end, self.ahead = force, columns, now, end, ahead
        self.model, self.foreseen = force.model, work.foreseen
        self.turning = force.model.reads_standing
        self.decided_at = decided_at = work.decided_at
        self.known_from = known_from
        # A subject known before the activation is decided at its instant; the others when they come.
        self.activates = (known_from <= force.since) & (decided_at < force.since) & (force.since < min(now, end))
        self.lower = np.maximum(decided_at, force.since - 1 if force.since > ALWAYS else ALWAYS)
        self.changes = [
            {
                change.instant: [c for c in mine if c.instant == change.instant]
                for change in mine
                if change.instant < end
            }
            for mine in work.changes
        ]
        self.based = ~self.activates & (decided_at >= force.since) & (decided_at < end) & (decided_at != ALWAYS)
        # Of one subject after another a list is asked sooner than an array.
        self.activating: list[bool] = self.activates.tolist()
        self.floors: list[int] = self.lower.tolist()

    def run(self, result: SchemeResult) -> None:
        subjects, instants = self.columns.instants(np.full(len(self.decided_at), self.end, dtype=np.int64))
        known = instants >= self.known_from[subjects]  # what else is read may have moved before somebody came
        subjects, instants = subjects[known], instants[known]
        if self.ahead:
            beyond = instants >= self.end
            np.minimum.at(result.due_at, subjects[beyond], instants[beyond])
        points = self._points(subjects, instants)
        decidable = points.instant > self.lower[points.subject]
        result.instants += int(np.count_nonzero(decidable & (points.instant < self.now)))
        if self.ahead:
            _lower_to_next(result.due_at, points, decidable & (points.instant >= self.now))
        walkers = {subject: self._walker(subject, result) for subject in points.subjects.tolist()}
        while len(points):
            turns = self._walk_points(points, walkers, result)
            if not turns:
                break
            result.instants += sum(turn < self.now for turn in turns.values())
            self._turn_over(walkers, turns)
            points = self._points_from(turns, subjects, instants)

    # ---------------------------------------------------------------------------------------------------------- points

    def _points(self, subjects: npt.NDArray[np.int32], instants: Int64s) -> Points:
        wanted = (instants > self.lower[subjects]) & (instants < self.end)
        extra = np.flatnonzero(self.activates)
        based = np.flatnonzero(self.based)
        changed = np.array([pair for pair in self._changed_at() if pair[1] > self.lower[pair[0]]], dtype=np.int64)
        changed = changed.reshape(-1, 2)
        return points_of(
            np.concatenate([subjects[wanted], extra, based, changed[:, 0]]).astype(np.int32),
            np.concatenate(
                [instants[wanted], np.full(len(extra), self.force.since), self.decided_at[based], changed[:, 1]]
            ),
        )

    def _changed_at(self) -> Iterator[tuple[int, int]]:
        """(subject, instant) pairs at which people did something to a standing."""
        return ((subject, instant) for subject, mine in enumerate(self.changes) for instant in mine)

    def _points_from(self, turns: dict[int, int], subjects: npt.NDArray[np.int32], instants: Int64s) -> Points:
        """The points of the subjects from their turns on."""
        turned_at = np.full(len(self.decided_at), NEVER, dtype=np.int64)
        turned_at[list(turns.keys())] = list(turns.values())
        wanted = (instants > turned_at[subjects]) & (instants < self.end)
        later = [(subject, instant) for subject, instant in self._changed_at() if instant > turned_at[subject]]
        here = np.array([*turns.items(), *later], dtype=np.int64).reshape(-1, 2)
        return points_of(
            np.concatenate([subjects[wanted], here[:, 0]]).astype(np.int32),
            np.concatenate([instants[wanted], here[:, 1]]),
        )

    def _walk_points(self, points: Points, walkers: dict[int, Walker], result: SchemeResult) -> dict[int, int]:
        """Walks every subject along its points. By subject, where what it stands upon turns before the end."""
        everybody = points.subjects.tolist()
        if self.model.reads_standing:
            mine = {subject: walkers[subject] for subject in everybody}
            standings = {subject: held for subject, walker in mine.items() if (held := walker.standing) is not None}
            points = bases_of(self.model, points, standings, {n: walker.basis_at for n, walker in mine.items()})
        codes, truths = self._evaluated(points)
        floors = np.full(len(self.decided_at), ALWAYS, dtype=np.int64)
        floors[list(walkers)] = [walker.floor for walker in walkers.values()]
        changed = _changed(points, codes, points.instant > floors[points.subject])
        kept = np.flatnonzero(changed | _among(points, self._changed_at()))
        edges = np.searchsorted(points.subject[kept], np.arange(len(self.decided_at) + 1)).tolist()
        when, kinds = points.instant[kept].tolist(), codes[kept].tolist()
        turns = {}
        for subject in everybody:
            rows = range(edges[subject], edges[subject + 1])
            steps = [(when[row], truths[kinds[row]]) for row in rows]
            turn = self._advance(walkers[subject], steps, result)
            if turn is not None:
                turns[subject] = turn
        return turns

    def _evaluated(self, points: Points) -> tuple[Int64s, list[Truth]]:
        """What the rules say at the points. How everybody stands now is asked afterwards: it is evaluated along."""
        if self.turning or not self.ahead:
            evaluated = self.columns.evaluate(points)
            return evaluated.codes, evaluated.truths
        everybody = points.subjects
        asked = points_of(
            np.concatenate([points.subject, everybody]),
            np.concatenate([points.instant, np.full(len(everybody), self.now - 1, dtype=np.int64)]),
        )
        evaluated = self.columns.evaluate(asked)
        self.columns.walked = asked, evaluated
        return evaluated.codes[PointIndex(asked).first_at(points.subject, points.instant)], evaluated.truths

    # --------------------------------------------------------------------------------------------------------- walking

    def _walker(self, subject: int, result: SchemeResult) -> Walker:
        standing = result.standings[subject]
        floor = self.floors[subject]
        walker = Walker(subject, standing, floor, floor, self.changes[subject] if self.changes else {})
        if self.activating[subject] and standing is not None:
            since = self.force.since
            walker.standing, renamed = adopted(self.model.policy, standing, since, self.force.migration)
            walker.held = Held(since, standing, renamed)
        return walker

    def _advance(self, walker: Walker, steps: Steps, result: SchemeResult) -> int | None:
        """Decides at the steps, and between them at the policy's deadlines, which depend on what was decided before.

        The instant at which the walker must be evaluated anew; None when it is done.
        """
        for number, (instant, truth) in enumerate(steps):
            following = steps[number + 1][0] if number + 1 < len(steps) else self.end
            if following <= walker.floor:
                continue
            at = instant if instant > walker.floor else None
            if self._rests(walker, truth):
                if at is not None and at >= self.now and not (walker.told or self._tell(walker, result)):
                    return None
                walker.truth = truth
                continue
            if at is None:
                walker.truth = truth
            reached = max(instant, walker.floor)
            while True:
                if at is None:
                    at = self._deadline(walker.standing, truth, reached, following)
                if self.turning:
                    turn = self._turn(walker)
                    if turn is not None and turn <= (following - 1 if at is None else at):
                        return turn if turn < self.now or self._tell(walker, result) else None
                if at is None:
                    break
                if at >= self.now and not (walker.told or self._tell(walker, result)):
                    return None
                walker.truth = truth
                if self._decide(walker, at, truth, result):
                    return None
                reached, at = at, None
        self._tell(walker, result)
        return None

    def _rests(self, walker: Walker, truth: Truth) -> bool:
        """Whether nothing can come of deciding where the rules say this, now or later: most decisions are of that."""
        standing, model = walker.standing, self.model
        if standing is None or walker.held is not None or walker.changes or self.turning:
            return False
        return model.policy.rests(standing, model.qualify(truth, standing))

    def _deadline(self, standing: Standing | None, truth: Truth, after: int, before: int) -> int | None:
        """The policy's next deadline between two instants."""
        if standing is None:
            return None
        deadline = self.model.policy.next_instant(standing, self.model.qualify(truth, standing), after)
        return deadline if deadline is not None and deadline < before else None

    def _decide(self, walker: Walker, at: int, truth: Truth, result: SchemeResult) -> bool:
        """One decision; recorded when it lies before now. Whether all that is looked for ahead is found."""
        policy, upon = self.model.policy, walker.standing
        if walker.held is None and not walker.changes and (upon is None or not (upon.pin or upon.frozen)):
            before, done = upon, UNTOUCHED
        else:
            done = self._hold(walker, at)
            before, upon = done.before, walker.standing
        qualified = self.model.qualify(truth, upon)
        after, outcomes = policy.decide(upon, qualified, at, done.missed)
        walker.standing, walker.held = after, None
        if self.foreseen and (before is None or before.tier != after.tier):
            result.moves.append(Move(walker.subject, at, after.tier))
        if at < self.now:
            model_change = self.activating[walker.subject] and at == self.force.since
            tier = self.model.tiers[qualified]
            result.decisions += [
                Decision(
                    walker.subject, at, self.model, outcome, model_change, tier, before, after, upon, done.occasion
                )
                for outcome in (*done.outcomes, *outcomes)
            ]
            return False
        stands = result.standings[walker.subject]  # now: what first rises, or is pinned, may fall and not be lower
        if stands is not None and not policy.unordered and policy.rank[after.tier] < policy.rank[stands.tier]:
            if result.may_drop_on[walker.subject] is None:
                result.may_drop_on[walker.subject] = at
            return not self.foreseen
        return False

    def _hold(self, walker: Walker, at: int) -> Held:
        """Brings the standing to the instant, once: what people did to it then, and which holds end."""
        done = walker.held
        if done is None or done.at != at:
            done = walker.held = Held(at, walker.standing, [])
        elif done.complete:
            return done
        standing = walker.standing
        if at in walker.changes or (standing is not None and (standing.pin or standing.frozen)):
            found = held(self.model.policy, standing, walker.changes.get(at, ()), at)
            walker.standing = found.standing
            done.outcomes += found.outcomes
            done.missed, done.occasion = found.missed, found.occasion
        done.complete = True
        return done

    def _tell(self, walker: Walker, result: SchemeResult) -> bool:
        """Say how the subject stands, once: now, or at the end of the version. Whether to look on ahead."""
        if walker.told:
            return True
        walker.told, standing, subject = True, walker.standing, walker.subject
        result.standings[subject] = standing
        if standing is None:
            return False
        result.models[subject] = self.model
        if not self.ahead:
            return False
        assert walker.truth is not None
        deadline = self.model.policy.next_instant(standing, self.model.qualify(walker.truth, standing), self.now - 1)
        turn = self._turn(walker) if self.turning else None
        for instant in (deadline, turn):  # also beyond the horizon
            if instant is not None:
                result.due_at[subject] = min(int(result.due_at[subject]), instant)
        return self.foreseen or not self.model.policy.unordered

    # --------------------------------------------------------------------------------------------------------- turning

    def _turn(self, walker: Walker) -> int | None:
        """When what the features stand upon turns next: a window since standing restarts, growth value is settled."""
        standing, policy = walker.standing, self.model.policy
        turns = list(walker.changes)
        if standing is not None:
            turns += [
                hold.until for hold in (standing.pin, standing.frozen) if hold is not None and hold.until is not None
            ]
            turns += [policy.restart(standing)] if self.model.restarts else []
            if self.model.growth is not None and standing.validity_until is not None and not policy.is_still(standing):
                turns.append(policy.validity_end(standing))
        return min((turn for turn in turns if turn > walker.basis_at), default=None)

    def _turn_over(self, walkers: dict[int, Walker], turns: dict[int, int]) -> None:
        """Brings the walkers to their turns: the next points are evaluated upon what holds from there."""
        for subject, turn in turns.items():
            walker = walkers[subject]
            walker.basis_at, walker.floor = turn, turn - 1
            done, standing, policy = self._hold(walker, turn), walker.standing, self.model.policy
            if self.model.growth is None or standing is None or standing.validity_until is None:
                continue
            ends = policy.validity_end(standing) == turn and not policy.is_still(standing)
            if ends and not policy.is_settled(standing):
                found = self._settlement(subject, standing, turn)
                tier = standing.tier
                done.outcomes.append(Outcome("growth-settled", "validity-ended", tier, tier, growth=found))
                walker.standing = replace(
                    standing,
                    growth_carried=found.balance,
                    growth_settled_at=turn,
                    validity_settled=True,
                    last_decided=turn,
                )

    def _settlement(self, subject: int, standing: Standing, at: int) -> Settlement:
        assert self.model.growth is not None and self.columns.growth is not None
        _, carried, settled_at = basis_of(self.model, standing, at)
        here = np.array([subject, subject], dtype=np.int32)
        before, until = self.columns.growth.earned(here, np.array([settled_at, at], dtype=np.int64)).tolist()
        balance = carried + until - before
        left = self.model.growth.settled(balance, standing.tier)
        return Settlement(carried, until - before, balance - left, left)


def _changed(points: Points, codes: Int64s, decidable: Bools) -> Bools:
    """Points worth walking: each subject's first (a base, too), and those whose truth differs from the one before."""
    changed = np.ones(len(points), dtype=np.bool_)
    changed[1:] = (points.subject[1:] != points.subject[:-1]) | (codes[1:] != codes[:-1])
    # The first decidable point after a base is decided even when the base said the same: it may be an activation.
    changed[1:] |= decidable[1:] & ~decidable[:-1]
    return changed


def _among(points: Points, pairs: Iterator[tuple[int, int]]) -> Bools:
    """Which points are one of the (subject, instant) pairs."""
    found = np.zeros(len(points), dtype=np.bool_)
    for subject, instant in pairs:
        low, high = np.searchsorted(points.subject, [subject, subject + 1])
        row = int(low + np.searchsorted(points.instant[low:high], instant))
        found[row : row + 1] |= bool(row < high and points.instant[row] == instant)
    return found


def _lower_to_next(due_at: Int64s, points: Points, ahead: Bools) -> None:
    np.minimum.at(due_at, points.subject[ahead], points.instant[ahead])
