"""Everything that is decided for a batch of subjects: their events, and the observation each is left with. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from msgspec.structs import replace

from domain.facts.table import NEVER, FactTable
from domain.tier_model.compiled import CompiledModel, Evaluated, ModelColumns
from domain.tier_model.receipt import FactsSeen, missing_for_next, receipt_of
from domain.tier_model.spans import Points, points_of
from domain.tier_model.timeline import ALWAYS, Decision, Force, SchemeInput, SchemeResult, walk
from domain.user_tier.decisions import NewEvent, event_id_of
from domain.user_tier.observation import Observation, Scalar, SchemeObservation, Standing

PLATFORM = ""  # the scope of schemes that are kept per platform
EVALUATOR = "evaluator"
DAY = 86_400_000_000
_NOTHING = Observation()
LOOK_AHEAD = 400 * DAY  # how far a card says when a tier may drop


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of one subject before the batch. decided_at None: never decided; history_until: decisions up to
    there are history (the sealing of the session that brought the subject)."""

    subject_id: UUID
    stream_version: int
    decided_at: int | None = None
    observation: Observation = _NOTHING
    history_until: int | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """One subject's outcome: events to append (versions follow stream_version), observation, next due instant."""

    events: list[NewEvent]
    observation: Observation
    due_at: int | None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """One Decided a subject, in their order; instants: how many (scheme, subject, instant) points were decided."""

    decided: list[Decided]
    instants: int


def decide(
    subjects: Sequence[Subject], table: FactTable, forces: Mapping[str, tuple[Force, ...]], now: int
) -> BatchResult:
    """Decide every subject of the table at every instant after its decided_at and before now, on every scheme.

    forces: per scheme the versions in force, oldest first. Nothing here reads a clock: the same facts, models and
    decided_at always give the same events.
    """
    batch = _Batch(subjects, table, now)
    for scheme in sorted(forces):
        batch.run_scheme(scheme, forces[scheme])
    return BatchResult([batch.finish(number) for number in range(len(subjects))], batch.instants)


class _Batch:
    """The work on one batch: the schemes' walks, then receipts and observations for what they found."""

    def __init__(self, subjects: Sequence[Subject], table: FactTable, now: int) -> None:
        self.subjects, self.table, self.now = subjects, table, now
        self.instants = 0
        self._seen = FactsSeen(table)
        self._columns: dict[str, ModelColumns] = {}
        self._decided_at = np.array(
            [ALWAYS if subject.decided_at is None else subject.decided_at for subject in subjects], dtype=np.int64
        )
        self._events: list[list[tuple[int, str, Decision, dict[str, Any]]]] = [[] for _ in subjects]
        self._schemes: list[dict[str, dict[str, SchemeObservation]]] = [
            {scheme: dict(scopes) for scheme, scopes in subject.observation.schemes.items()} for subject in subjects
        ]
        self._due_at = np.full(len(subjects), NEVER, dtype=np.int64)

    def run_scheme(self, scheme: str, forces: tuple[Force, ...]) -> None:
        """Walk one scheme and keep its decisions with their receipts."""
        for force in forces:
            if force.model.content_hash not in self._columns:
                self._columns[force.model.content_hash] = ModelColumns(force.model, self.table)
        standings = [self._standing(number, scheme) for number in range(len(self.subjects))]
        work = SchemeInput(forces, self._decided_at, standings)
        result = walk(self.table, self._columns, work, self.now, self.now + LOOK_AHEAD)
        self.instants += result.instants
        self._due_at = np.minimum(self._due_at, result.due_at)
        self._explain(scheme, result)

    def _standing(self, number: int, scheme: str) -> Standing | None:
        seen = self.subjects[number].observation.schemes.get(scheme, {}).get(PLATFORM)
        return seen.standing if seen is not None else None

    def _explain(self, scheme: str, result: SchemeResult) -> None:
        """Receipts and observations: features once more, at the instants of the decisions and as of now."""
        by_model: dict[str, list[Decision]] = {}
        for decision in result.decisions:
            by_model.setdefault(decision.model.content_hash, []).append(decision)
        in_force: dict[str, list[int]] = {}
        for number, model in enumerate(result.models):
            if model is not None:
                in_force.setdefault(model.content_hash, []).append(number)
        for model_hash in dict.fromkeys([*by_model, *in_force]):
            decisions, current = by_model.get(model_hash, []), in_force.get(model_hash, [])
            columns = self._columns[model_hash]
            wanted = [(d.subject, d.instant) for d in decisions] + [(number, self.now - 1) for number in current]
            points = points_of(
                np.array([subject for subject, _ in wanted], dtype=np.int32),
                np.array([instant for _, instant in wanted], dtype=np.int64),
            )
            rows = {
                pair: row for row, pair in enumerate(zip(points.subject.tolist(), points.instant.tolist(), strict=True))
            }
            evaluated = columns.evaluate(points)
            for decision in decisions:
                self._keep(decision, evaluated, rows[decision.subject, decision.instant])
            self._observe(scheme, columns, points, rows, evaluated, current, result)

    def _keep(self, decision: Decision, evaluated: Evaluated, row: int) -> None:
        features, scores = evaluated.row(row)
        count = self._seen.count(decision.subject, decision.instant)
        digest = self._seen.digest(decision.subject, count)
        truth = evaluated.truths[evaluated.codes[row]]
        receipt = receipt_of(decision, features, scores, truth, count, digest)
        data: dict[str, Any] = {"cause": self._cause(decision), "receipt": receipt}
        if decision.outcome.kind == "downgrade-deferred":
            data["grace_until"] = decision.outcome.until
        if decision.outcome.kind == "tier-at-risk":
            data["at_risk_on"] = decision.outcome.until
        self._events[decision.subject].append((decision.instant, decision.model.scheme, decision, data))

    def _observe(
        self,
        scheme: str,
        columns: ModelColumns,
        points: Points,
        rows: dict[tuple[int, int], int],
        evaluated: Evaluated,
        current: list[int],
        result: SchemeResult,
    ) -> None:
        model = columns.model
        days = columns.days(points)
        for number in current:
            standing = result.standings[number]
            assert standing is not None
            row = rows[number, self.now - 1]
            features, scores = evaluated.row(row)
            truth = evaluated.truths[evaluated.codes[row]]
            next_tier, missing = missing_for_next(model, standing.tier, {**features, **scores})
            self._schemes[number].setdefault(scheme, {})[PLATFORM] = SchemeObservation(
                version=model.version,
                standing=standing,
                qualified=model.tiers[model.qualify(truth, standing)],
                features=features,
                scores=scores,
                next_tier=next_tier,
                missing=missing,
                may_drop_on=result.may_drop_on[number],
                days={name: column.item(row) for name, column in days.items()},  # type: ignore[misc]
            )

    def _cause(self, decision: Decision) -> str:
        """Why the decision fell at its instant. A fact of an earlier local day, or a void, makes it a late-fact."""
        subject = self.subjects[decision.subject]
        if subject.history_until is not None and decision.instant <= subject.history_until:
            return "history"
        if decision.model_change:
            return "model-change"
        rows = self._seen.newest(decision.subject, decision.instant)
        if not len(rows):
            return "timer"
        calendar = decision.model.calendar
        today = calendar.day_of(decision.instant)
        void = self.table.is_kind("void")
        late = (calendar.day(self.table.occurred_at[rows]) < today) | void[rows]
        return "late-fact" if late.any() else "evaluation"

    # ----------------------------------------------------------------------------------------------------- finishing

    def finish(self, number: int) -> Decided:
        """The subject's events in order, and its new observation."""
        subject = self.subjects[number]
        events: list[NewEvent] = []
        version = subject.stream_version
        self._events[number].sort(key=lambda entry: entry[:2])
        if version == 0 and self._events[number]:
            version += 1
            events.append(_enrolled(subject.subject_id, version, self._events[number][0][0]))
        for instant, scheme, decision, data in self._events[number]:
            version += 1
            events.append(_event(subject.subject_id, version, instant, scheme, decision, data))
            if decision.outcome.kind == "tier-changed":
                self._stamp(number, scheme, event_id_of(subject.subject_id, version))
        due_at = int(self._due_at[number])
        return Decided(events, self._observation(number), None if due_at == NEVER else due_at)

    def _stamp(self, number: int, scheme: str, event_id: str) -> None:
        """The standing names the transition that it comes from."""
        seen = self._schemes[number][scheme][PLATFORM]
        self._schemes[number][scheme][PLATFORM] = replace(seen, standing=replace(seen.standing, event_id=event_id))

    def _observation(self, number: int) -> Observation:
        before = self.subjects[number].observation
        return Observation(
            schemes=self._schemes[number],
            attributes=self._attributes(number),
            tags=before.tags,
            facts_seen=self._seen.count(number, self.now - 1),
        )

    def _attributes(self, number: int) -> dict[str, Scalar]:
        """The latest of each profile attribute that is visible."""
        table, latest = self.table, self.now - 1
        if "profile" not in table.kinds:
            return {}
        low, high = table.starts()[number : number + 2]
        rows = low + np.flatnonzero(table.kind[low:high] == table.kinds.index("profile"))
        attributes: dict[str, Scalar] = {}
        for row in rows:
            if max(table.occurred_at[row], table.known_at[row]) <= latest < table.voided_at[row]:
                attributes |= {key: value for key, value in (table.attributes[row] or {}).items() if value is not None}
        return attributes


def _enrolled(subject_id: UUID, version: int, instant: int) -> NewEvent:
    return NewEvent(
        subject_id=subject_id,
        version=version,
        topic="user-tier.user-enrolled.v1",
        scheme="",
        scope="",
        from_tier=None,
        to_tier=None,
        effective_at=instant,
        actor=EVALUATOR,
        command_id="",
        causation="",
        data={},
    )


def _event(
    subject_id: UUID, version: int, instant: int, scheme: str, decision: Decision, data: dict[str, Any]
) -> NewEvent:
    return NewEvent(
        subject_id=subject_id,
        version=version,
        topic=f"user-tier.{decision.outcome.kind}.v1",
        scheme=scheme,
        scope=PLATFORM,
        from_tier=decision.outcome.from_tier,
        to_tier=decision.outcome.to_tier,
        effective_at=instant,
        actor=EVALUATOR,
        command_id="",
        causation="",
        data=data,
    )


def lines_read(models: Sequence[CompiledModel]) -> bool:
    """Whether deciding reads order lines: they are most of a fact, and most models do not."""
    return any(model.reads_lines for model in models)


def columns_read(models: Sequence[CompiledModel]) -> frozenset[str]:
    """Kinds of facts whose attributes deciding reads: those of the models, the profile and what voids name."""
    return frozenset({"profile", "void"}).union(*(model.attribute_kinds for model in models))
