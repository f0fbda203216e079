"""Everything that is decided for a batch of subjects: their events, and the observation each is left with. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Any, get_args
from uuid import UUID

import msgspec
import numpy as np
from msgspec.structs import replace

from domain.facts.seen import FactsSeen
from domain.facts.table import NEVER, FactTable
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.outcome import Kind
from domain.tier_model.receipt import receipt_of
from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force, SchemeInput
from domain.user_tier.decisions import NewEvent, event_id_of
from domain.user_tier.holds import HoldChange, of_place
from domain.user_tier.observation import Observation, Scalar, SchemeObservation, Standing
from domain.user_tier.rollout import as_named, groups_of, is_partial
from domain.user_tier.scheme_order import Order, come_before, in_order, split_at
from domain.user_tier.scheme_walk import LOOK_AHEAD, PLATFORM, Explained, Paths, SchemeWalk, Standers, standers_of
from domain.user_tier.tags import TagSpan

EVALUATOR = "evaluator"
_NOTHING = Observation()
_TOPICS = {kind: f"user-tier.{kind}.v1" for kind in get_args(Kind)}
_CHANGED, _ENROLLED = _TOPICS["tier-changed"], "user-tier.user-enrolled.v1"


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody did to a subject at an instant that is decided: an event to record before that instant's own.

    scheme, scope, tier: of a command on a standing.
    """

    instant: int
    topic: str
    data: dict[str, Any]
    actor: str
    command_id: str
    scheme: str = ""
    scope: str = PLATFORM
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of one subject before the batch. decided_at None: never decided; history_until: decisions before
    it are history (the sealing of the session that brought the subject). tags, changes: all that matter after
    decided_at, those of the commands among them."""

    subject_id: UUID
    stream_version: int
    decided_at: int | None = None
    observation: Observation = _NOTHING
    history_until: int | None = None
    tags: tuple[TagSpan, ...] = ()
    commands: tuple[Command, ...] = ()
    changes: tuple[HoldChange, ...] = ()


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
    subjects: Sequence[Subject],
    table: FactTable,
    forces: Mapping[str, tuple[Force, ...]],
    now: int,
    ahead: int = LOOK_AHEAD,
) -> BatchResult:
    """Decide every subject of the table at every instant after its decided_at and before now, on every scheme.

    forces: per scheme the versions in force, oldest first; one that comes at now or later is of no account. ahead: how
    far beyond now is looked for what is due next and when a tier may drop, microseconds; 0 where nobody asks for these.
    Nothing here reads a clock: the same facts, models and decided_at always give the same events.
    """
    forces = come_before(now, forces)
    if is_partial(forces):
        return _decide_by_rollout(subjects, table, forces, now, ahead)
    order = in_order(forces)
    if order is None:
        return _decide_in_parts(subjects, table, forces, now, ahead)
    batch = _Batch(subjects, table, Order(forces), now, ahead)
    read = frozenset[str]().union(*(force.model.reads_schemes for versions in forces.values() for force in versions))
    for scheme in order:
        batch.run_scheme(scheme, forces[scheme], foreseen=scheme in read)
    return BatchResult([batch.finish(number) for number in range(len(subjects))], batch.instants)


def _decide_by_rollout(
    subjects: Sequence[Subject], table: FactTable, forces: Mapping[str, tuple[Force, ...]], now: int, ahead: int
) -> BatchResult:
    """Not everybody is on the same versions: each group by those that are in force for it."""
    decided: list[Decided | None] = [None] * len(subjects)
    instants = 0
    for numbers, own in groups_of([subject.subject_id for subject in subjects], forces):
        result = decide([subjects[number] for number in numbers], table.of_subjects(numbers), own, now, ahead)
        instants += result.instants
        for number, found in zip(numbers, result.decided, strict=True):
            decided[number] = found
    return BatchResult([found for found in decided if found is not None], instants)


def _decide_in_parts(
    subjects: Sequence[Subject], table: FactTable, forces: Mapping[str, tuple[Force, ...]], now: int, ahead: int
) -> BatchResult:
    """Versions that were never in force together read each other's schemes: decide up to the last activation first."""
    last, before, after = split_at(forces)
    first = decide(subjects, table, before, last, 0)
    reached = [
        replaced(
            subject,
            stream_version=subject.stream_version + len(decided.events),
            decided_at=max(last - 1, subject.decided_at or ALWAYS),
            observation=decided.observation,
        )
        for subject, decided in zip(subjects, first.decided, strict=True)
    ]
    then = decide(reached, table, after, now, ahead)
    both = zip(first.decided, then.decided, strict=True)
    return BatchResult(
        [Decided([*one.events, *two.events], two.observation, two.due_at) for one, two in both],
        first.instants + then.instants,
    )


class _Entry(msgspec.Struct, frozen=True, gc=False):
    """An event to come, in the order of a subject's events: at one instant commands, then schemes as decided."""

    instant: int
    place: int
    scope: str
    topic: str
    scheme: str
    from_tier: str | None
    to_tier: str | None
    actor: str
    command_id: str
    data: dict[str, Any]


def _when(entry: _Entry) -> tuple[int, int, str]:
    return entry.instant, entry.place, entry.scope


class _Batch:
    """The work on one batch: the schemes' walks, then receipts and observations for what they found."""

    def __init__(self, subjects: Sequence[Subject], table: FactTable, order: Order, now: int, ahead: int) -> None:
        self.subjects, self.table, self.order, self.now, self.ahead = subjects, table, order, now, ahead
        self.instants = 0
        self._seen = FactsSeen(table)
        self._void = table.is_kind("void")
        voids = np.flatnonzero(self._void)
        self._voids = set(zip(table.subject[voids].tolist(), table.known_at[voids].tolist(), strict=True))
        self._decided_at = np.array(
            [ALWAYS if subject.decided_at is None else subject.decided_at for subject in subjects], dtype=np.int64
        )
        self._entries = [self._commanded(subject) for subject in subjects]
        self._schemes: list[dict[str, dict[str, SchemeObservation]]] = [
            {scheme: dict(scopes) for scheme, scopes in subject.observation.schemes.items()} for subject in subjects
        ]
        self._due_at = np.full(len(subjects), NEVER, dtype=np.int64)
        self._paths = Paths({}, {})
        self._forces: dict[str, tuple[Force, ...]] = {}
        self._profiles = _visible_profiles(table, now - 1)
        self._tags = [subject.tags for subject in subjects] if any(subject.tags for subject in subjects) else ()

    def run_scheme(self, scheme: str, forces: tuple[Force, ...], foreseen: bool) -> None:
        """Walk one scheme, after those that it reads, and keep its decisions with their receipts. foreseen: other
        schemes read it, now and in the look ahead."""
        per = forces[-1].model.spec.per
        standers = standers_of(self.table, per, self._scopes(scheme) if per is not None else ())
        decided_at = self._decided_at[standers.owner]
        outside = self._paths.outside(standers, per, self._tags)
        walk = SchemeWalk(forces, standers, outside, self.now, self.ahead, decided_at)
        owners: list[int] = standers.owner.tolist()
        standings = [self._standing(owner, scheme, scope) for owner, scope in zip(owners, standers.scope, strict=True)]
        changes = self._changes(scheme, standers, forces[0].passed)
        result = walk.run(SchemeInput(forces, decided_at, standings, foreseen, changes))
        self.instants += result.instants
        np.minimum.at(self._due_at, standers.owner, result.due_at)
        if foreseen:
            self._paths.keep(scheme, per, standers, result)
        self._forces[scheme] = forces
        for explained, observed in walk.explained(result):
            for item in explained:
                stander = item.decision.subject
                self._keep(item, owners[stander], standers.scope[stander])
            for number, observation in observed.items():
                mine = self._schemes[owners[number]].setdefault(scheme, {})
                mine[standers.scope[number]] = observation

    def _scopes(self, scheme: str) -> Iterator[tuple[int, str]]:
        """Where somebody stands already, or is taken over."""
        for number, subject in enumerate(self.subjects):
            yield from ((number, scope) for scope in subject.observation.schemes.get(scheme, {}))
            yield from ((number, change.scope) for change in subject.changes if change.scheme == scheme)

    def _changes(self, scheme: str, standers: Standers, passed: Sequence[Force]) -> Sequence[Sequence[HoldChange]]:
        if not any(subject.changes for subject in self.subjects):
            return ()
        places = ((self.subjects[owner], scope) for owner, scope in zip(standers.owner, standers.scope, strict=True))
        return [
            [as_named(change, passed, subject.subject_id) for change in of_place(subject.changes, scheme, scope)]
            for subject, scope in places
        ]

    def _standing(self, number: int, scheme: str, scope: str) -> Standing | None:
        seen = self.subjects[number].observation.schemes.get(scheme, {}).get(scope)
        return seen.standing if seen is not None else None

    def _commanded(self, subject: Subject) -> list[_Entry]:
        return [
            _Entry(
                command.instant,
                -1,
                command.scope,
                command.topic,
                command.scheme,
                None,
                command.tier,
                command.actor,
                command.command_id,
                command.data,
            )
            for command in subject.commands
            if (subject.decided_at or ALWAYS) < command.instant < self.now
        ]

    def _keep(self, item: Explained, number: int, scope: str) -> None:
        """number: the subject's."""
        decision, outcome = item.decision, item.decision.outcome
        count = self._seen.count(number, decision.instant)
        receipt = receipt_of(decision, item.row, item.truth, count, self._seen.digest(number, count))
        data: dict[str, Any] = {"cause": self._cause(number, item), "receipt": receipt}
        if outcome.kind == "downgrade-deferred":
            data["grace_until"] = outcome.until
        if outcome.kind == "tier-at-risk":
            data["at_risk_on"] = outcome.until
        if outcome.growth is not None:
            settled = outcome.growth
            data |= {"carried": settled.carried, "earned": settled.earned}
            data |= {"deducted": settled.deducted, "balance": settled.balance}
        if outcome.keeps_since:
            data["keeps_since"] = True
        if outcome.opening is not None:
            taken = outcome.opening
            data["opened"] = {"since": taken.since, "valid_until": taken.valid_until, "growth": taken.growth}
            if taken.named:
                data["opened"]["named"] = taken.named
        actor = EVALUATOR if outcome.opening is None else outcome.opening.actor
        self._entries[number].append(
            _Entry(
                decision.instant,
                self.order.place(decision.model.scheme, decision.instant),
                scope,
                _TOPICS[outcome.kind],
                decision.model.scheme,
                outcome.from_tier,
                outcome.to_tier,
                actor,
                "",
                data,
            )
        )

    def _cause(self, number: int, item: Explained) -> str:
        """Why the decision fell at its instant. A fact of an earlier local day, or a void, makes it a late-fact."""
        decision, subject = item.decision, self.subjects[number]
        if decision.outcome.cause:
            return decision.outcome.cause
        if subject.history_until is not None and decision.instant < subject.history_until:
            return "history"
        if decision.model_change or self._reads_activated(decision.model, decision.instant):
            return "model-change"
        if self._voids_known(number, decision.instant):
            return "late-fact"
        table, calendar = self.table, decision.model.calendar
        rows = self._seen.newest(number, decision.instant)
        rows = [row for row in rows if table.voided_at[row] > decision.instant and not self._void[row]]
        if rows:
            today = calendar.day_of(decision.instant)
            late = any(calendar.day_of(int(table.occurred_at[row])) < today for row in rows)
            return "late-fact" if late else "evaluation"
        if decision.occasion:
            return decision.occasion
        tagged = bool(subject.tags) and any(
            span.start == decision.instant or (span.removed and span.end == decision.instant) for span in subject.tags
        )
        return "evaluation" if tagged else "timer"

    def _reads_activated(self, model: CompiledModel, instant: int) -> bool:
        """Whether a scheme that the model reads, or one that this reads in turn, came into force at the instant."""
        if not model.reads_schemes:
            return False
        for scheme in model.reads_schemes & self._forces.keys():
            force = next((force for force in reversed(self._forces[scheme]) if force.since <= instant), None)
            if force is not None and (force.since == instant or self._reads_activated(force.model, instant)):
                return True
        return False

    def _voids_known(self, number: int, instant: int) -> bool:
        """Whether a void of the subject acts from this instant on: when it is known, whatever it says of its time."""
        return (number, instant) in self._voids

    # ----------------------------------------------------------------------------------------------------- finishing

    def finish(self, number: int) -> Decided:
        """The subject's events in order, and its new observation."""
        subject = self.subjects[number]
        entries = sorted(self._entries[number], key=_when)
        if subject.stream_version == 0 and entries:
            first = entries[0].instant
            entries.insert(0, _Entry(first, -1, PLATFORM, _ENROLLED, "", None, None, EVALUATOR, "", {}))
        events = [
            NewEvent(
                subject.subject_id,
                version,
                entry.topic,
                entry.scheme,
                entry.scope,
                entry.from_tier,
                entry.to_tier,
                entry.instant,
                entry.actor,
                entry.command_id,
                "",
                entry.data,
            )
            for version, entry in enumerate(entries, subject.stream_version + 1)
        ]
        for event in events:
            if event.topic == _CHANGED:
                self._stamp(number, event)
        observation = self._observation(number)
        # A tag's end is a deadline even when no rule reads the tag: it is observed.
        due_at = min(int(self._due_at[number]), *observation.tag_until.values(), NEVER)
        return Decided(events, observation, None if due_at == NEVER else due_at)

    def _stamp(self, number: int, event: NewEvent) -> None:
        """The standing names the transition that it comes from."""
        scopes = self._schemes[number][event.scheme]
        seen = scopes[event.scope]
        stamped = replace(seen.standing, event_id=event_id_of(event.subject_id, event.version))
        scopes[event.scope] = replace(seen, standing=stamped)

    def _observation(self, number: int) -> Observation:
        spans = [span for span in self.subjects[number].tags if span.start < self.now <= span.end]
        return Observation(
            schemes=self._schemes[number],
            attributes=self._attributes(number),
            tags=sorted({span.tag for span in spans}),
            tag_until={span.tag: span.end for span in spans if span.end != NEVER},
            tag_values={span.tag: span.value for span in spans if span.value is not None},
            facts_seen=self._seen.count(number, self.now - 1),
        )

    def _attributes(self, number: int) -> dict[str, Scalar]:
        """The latest of each profile attribute that is visible."""
        attributes: dict[str, Scalar] = {}
        for told in self._profiles.get(number, ()):
            attributes |= {key: value for key, value in told.items() if value is not None}
        return attributes


def _visible_profiles(table: FactTable, at: int) -> dict[int, list[dict[str, Scalar]]]:
    """By subject the attributes of its profile facts that are visible, in their order."""
    visible = (np.maximum(table.occurred_at, table.known_at) <= at) & (at < table.voided_at)
    rows = np.flatnonzero(table.is_kind("profile") & visible)
    profiles: dict[int, list[dict[str, Scalar]]] = {}
    for number, told in zip(table.subject[rows].tolist(), table.attributes[rows].tolist(), strict=True):
        profiles.setdefault(number, []).append(told or {})
    return profiles
