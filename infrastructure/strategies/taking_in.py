"""Users taken in by strategies, in one transaction: locked and read, each decided, recorded with the commit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from application.strategies.ports import Later, LeftOut, Outcome, Started, TakenIn, Undecided, Wanted
from domain.strategies.admission import (
    Assigned,
    Live,
    Running,
    Skipped,
    admit,
    assign_by_hand,
    assignment_id_of,
    baseline_of,
)
from domain.strategies.cause import Cause
from domain.strategies.spec import action_to_json
from domain.user_tier.decisions import NewEvent
from infrastructure.benefits.holders import Holder
from infrastructure.event_store.rows import EventRow, seal_event
from infrastructure.postgres.commit_with import Statement, commit_with
from infrastructure.security.keyring import Keyring
from infrastructure.strategies.people import People, read_people

ASSIGNED, SKIPPED = "user-tier.strategy-assigned.v1", "user-tier.strategy-skipped.v1"
EXPOSED, ENDED = "user-tier.strategy-exposed.v1", "user-tier.strategy-ended.v1"

PUT_OFF_MICROS = 60_000_000  # who cannot be decided now is looked at again in a minute

_EVENTS = "(%b::uuid[], %b::integer[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::bytea[])"
_TOLD = ("originator_id", "originator_version", "topic", "effective_at", "actor", "command_id", "causation", "state")
_TELL, _TELL_APART = f"select tell_holdings{_EVENTS}", f"select tell_apart{_EVENTS}"
_KEEP = """
insert into assignments (assignment_id, subject_id, strategy, version, campaign, arm, holdout, group_name, assigned_at,
                         ends_at, run_id, cause)
select * from unnest(%b::uuid[], %b::uuid[], %b::text[], %b::integer[], %b::text[], %b::text[], %b::text[], %b::text[],
                     %b::bigint[], %b::bigint[], %b::uuid[], %b::jsonb[])
"""
_TIME = """
insert into strategy_timers (due_at, kind, strategy, subject_id, assignment_id, cause)
select * from unnest(%b::bigint[], %b::text[], %b::text[], %b::uuid[], %b::uuid[], %b::jsonb[])
"""
_JOIN = """
insert into strategy_members (strategy, subject_id) select * from unnest(%b::text[], %b::uuid[]) on conflict do nothing
"""
_PART = """
delete from strategy_members m using unnest(%b::text[], %b::uuid[]) as gone (strategy, subject_id)
where (m.strategy, m.subject_id) = (gone.strategy, gone.subject_id)
"""
_COUNT = """
insert into strategy_skips (strategy, reason, skipped, at)
select *, tierline_peek() from unnest(%b::text[], %b::text[], %b::bigint[])
"""
_RUNG = "delete from strategy_timers where timer_id = any(%b)"


@dataclass(slots=True)
class Plan:
    """What is to be written: rows of assignments and timers, members, timers that are done with, and events."""

    assignments: list[tuple[Any, ...]] = field(default_factory=list)
    timers: list[tuple[Any, ...]] = field(default_factory=list)
    joined: list[tuple[str, UUID]] = field(default_factory=list)
    parted: list[tuple[str, UUID]] = field(default_factory=list)
    rung: list[UUID] = field(default_factory=list)
    skipped: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: list[EventRow] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    """Which of the wanted each event is about."""

    def statements(self) -> list[Statement]:
        """Everything but the events."""
        found: list[Statement] = []
        if self.assignments:
            found.append((_KEEP, _columns(self.assignments)))
        if self.timers:
            found.append((_TIME, _columns(self.timers)))
        if self.joined:
            found.append((_JOIN, _columns(self.joined)))
        if self.parted:
            found.append((_PART, _columns(self.parted)))
        if self.skipped:
            rows = [(strategy, reason, count) for (strategy, reason), count in sorted(self.skipped.items())]
            found.append((_COUNT, _columns(rows)))
        if self.rung:
            found.append((_RUNG, (self.rung,)))
        return found


def take_in(
    connection: Connection,
    keyring: Keyring,
    started: Started,
    wanted: Sequence[Wanted],
    *,
    later: Sequence[Later] = (),
    along: Sequence[Statement] = (),
    whole: bool = False,
    put_off: bool = False,
) -> list[Outcome]:
    """An outcome each, in order; further wishes about one subject see those before them.

    along: statements of the same transaction. whole: when something about anybody is undecided, nothing is written at
    all. put_off: who is undecided is looked at again in a while. Raises SubjectInHistory.
    """
    ids = [assignment_id_of(one.strategy, one.subject_id, one.cause.event_id) for one in wanted]
    capped = {one.name: one.spec.when.at_most for one in started.running.values() if one.spec.when.at_most}
    people = read_people(
        connection,
        keyring,
        [one.subject_id for one in wanted],
        capped=list(capped),
        within=max((often.within.micros for often in capped.values() if often), default=0),
        assignment_ids=ids,
    )
    undecided = {holder.subject_id: holder for holder in people.undecided(one.subject_id for one in wanted)}
    if undecided and whole:
        connection.rollback()
        return [Undecided(holder.user_id) for holder in undecided.values()]
    plan, outcomes = Plan(), list[Outcome]()
    for number, (one, assignment_id) in enumerate(zip(wanted, ids, strict=True)):
        holder = people.holders.get(one.subject_id)
        if holder is not None and holder.subject_id in undecided:
            outcomes.append(Undecided(holder.user_id))
            if put_off:
                due_at = people.terms.now + PUT_OFF_MICROS
                plan.timers.append(_trigger_timer(Later(due_at, one.strategy, one.subject_id, one.cause)))
            continue
        if one.timer_id is not None:
            plan.rung.append(one.timer_id)
        outcomes.append(_decide(number, one, assignment_id, holder, started, people, plan))
    plan.timers += [_trigger_timer(one) for one in later]
    return _written(connection, plan, outcomes, along)


def command_of(one: Wanted) -> str:
    """The name under which it happens once: the caller's own, or one that follows from the cause."""
    return one.command_id or f"strategy/{one.strategy}/{one.cause.event_id}"


def cause_to_json(cause: Cause) -> dict[str, Any]:
    """As events and rows tell it."""
    return cause._asdict()


def _decide(
    number: int,
    one: Wanted,
    assignment_id: UUID,
    holder: Holder | None,
    started: Started,
    people: People,
    plan: Plan,
) -> Outcome:
    running = started.running.get(one.strategy)
    if one.member is False:
        plan.parted.append((one.strategy, one.subject_id))
        return LeftOut()
    if holder is None or holder.seal is None or running is None:
        return LeftOut()
    earlier = people.there.get(assignment_id)
    if earlier is not None:
        return TakenIn(assignment_id, *earlier, due_at=None, replayed=True)
    now, person = holder.instant(people.terms), people.person(holder, one.strategy)
    if one.by_hand:
        admission = assign_by_hand(running, person, one.cause, one.arm, now)
    else:
        admission = admit(running, person, one.cause, started.calendars, now)
    if admission is None:
        return LeftOut()
    if one.member:
        plan.joined.append((one.strategy, one.subject_id))
    if isinstance(admission, Skipped) and one.by_hand:  # whoever asked is told: there is nothing to record
        return LeftOut(admission.reason, admission.detail)
    plan.told.append(number)
    if isinstance(admission, Skipped):
        plan.skipped[running.name, admission.reason] += 1
        data = skipped_data(running, admission, cause_to_json(one.cause))
        plan.events.append(_event(holder, SKIPPED, one, data, now))
        return LeftOut(admission.reason, admission.detail)
    people.live.setdefault(one.subject_id, []).append(Live(running.name, running.spec.group))
    plan.assignments.append(_assignment_row(running, admission, one, now))
    if admission.due_at is not None:
        plan.timers.append((admission.due_at, "actions", running.name, one.subject_id, admission.assignment_id, None))
    actions = [] if admission.arm is None else actions_of(running, admission.arm)
    baseline = baseline_of(people.observation(holder))
    data = assigned_data(running, admission, cause_to_json(one.cause), baseline, actions, None)
    plan.events.append(_event(holder, ASSIGNED, one, data, now))
    return TakenIn(admission.assignment_id, admission.arm, admission.holdout, admission.due_at)


def _written(connection: Connection, plan: Plan, outcomes: list[Outcome], along: Sequence[Statement]) -> list[Outcome]:
    """With the commit; positions of events are consecutive."""
    statements = [*plan.statements(), *along]
    if not plan.events:
        for statement, parameters in statements:
            connection.execute(statement.encode(), parameters)
        connection.commit()
        return outcomes
    (last,) = commit_with(connection, *statements, tell(plan.events))
    position = int(last) - len(plan.events)
    for number in plan.told:
        position += 1
        told = outcomes[number]
        assert not isinstance(told, Undecided)
        outcomes[number] = replace(told, position=position)
    return outcomes


def tell(events: Sequence[EventRow]) -> Statement:
    """The statement that records events of locked subjects: the last of its transaction."""
    return _TELL, _event_columns(events)


def tell_apart(events: Sequence[EventRow]) -> Statement:
    """The same for events that change nothing that is held, so that nobody has to be shown anew."""
    return _TELL_APART, _event_columns(events)


def event_of(
    holder: Holder, topic: str, data: dict[str, Any], now: int, *, actor: str, command_id: str, causation: str
) -> EventRow:
    """A further event of a locked subject that is not erased, ready to be told."""
    assert holder.seal is not None
    version = holder.next_version()
    event = NewEvent(holder.subject_id, version, topic, "", "", None, None, now, actor, command_id, causation, data)
    return seal_event(event, holder.seal, now)


def _event(holder: Holder, topic: str, one: Wanted, data: dict[str, Any], now: int) -> EventRow:
    told = {"actor": one.actor, "command_id": command_of(one), "causation": one.cause.event_id}
    return event_of(holder, topic, data, now, **told)


def assigned_data(
    running: Running,
    admission: Assigned,
    trigger: dict[str, Any],
    baseline: dict[str, Any],
    actions: list[dict[str, Any]],
    run_id: str | None,
) -> dict[str, Any]:
    """The event's own fields."""
    return {
        "strategy": running.name,
        "strategy_version": running.version,
        "assignment_id": admission.assignment_id.hex,
        "arm": admission.arm,
        "holdout": admission.holdout,
        "trigger": trigger,
        "baseline": baseline,
        "actions": actions,
        "due_at": admission.due_at,
        "ends_at": admission.ends_at,
        "campaign": running.campaign,
        "run_id": run_id,
    }


def skipped_data(running: Running, skipped: Skipped, trigger: dict[str, Any]) -> dict[str, Any]:
    """The event's own fields."""
    return {
        "strategy": running.name,
        "strategy_version": running.version,
        "reason": skipped.reason,
        "detail": skipped.detail,
        "trigger": trigger,
        "assignment_id": "",
        "actions": [],
    }


def _assignment_row(running: Running, admission: Assigned, one: Wanted, now: int) -> tuple[Any, ...]:
    return (
        admission.assignment_id,
        one.subject_id,
        running.name,
        running.version,
        running.campaign,
        admission.arm,
        admission.holdout,
        running.spec.group,
        now,
        admission.ends_at,
        None,
        _json(cause_to_json(one.cause)),
    )


def _trigger_timer(one: Later) -> tuple[Any, ...]:
    return one.due_at, "trigger", one.strategy, one.subject_id, None, _json(cause_to_json(one.cause))


def actions_of(running: Running, arm: str) -> list[dict[str, Any]]:
    """What an arm does, as plain values."""
    return [action_to_json(action) for action in running.spec.treatments[arm].do]


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _event_columns(events: Sequence[EventRow]) -> list[list[Any]]:
    return _columns([tuple(getattr(row, name) for name in _TOLD) for row in events])


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
