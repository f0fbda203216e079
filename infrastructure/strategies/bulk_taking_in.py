"""Many users taken in by one strategy in one transaction: what all share is looked up, encoded and sent once.

What is decided and recorded of each is what taking_in records; a test holds the two together.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg import Connection

from application.strategies.bulk_ports import Taken, Taking
from application.strategies.ports import Started
from domain.strategies.admission import (
    Admission,
    Assigned,
    Live,
    Person,
    Running,
    Skipped,
    admit,
    assign_by_hand,
    assignment_id_of,
    baseline_of,
    is_addressed,
)
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.benefits import holders
from infrastructure.benefits.holders import Holder, Terms
from infrastructure.event_store.catalogue import CATALOGUE
from infrastructure.postgres.arrays import bigints, byteas, integers, uuids
from infrastructure.postgres.commit_with import commit_with
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT, CONTEXT_OBSERVATION, Seal
from infrastructure.strategies.taking_in import (
    ASSIGNED,
    SKIPPED,
    actions_of,
    assigned_data,
    cause_to_json,
    skipped_data,
)
from infrastructure.tier_models.in_force import LOCK_SHARED

# Of everybody: those who change in such a moment are few, and planning for a thousand ids takes longer than this.
_CHANGED = "select subject_id from observations where position > %b"
_BODIES = "select subject_id, body from observations where subject_id = any(%b)"
_LIVE = """
select subject_id, strategy, group_name from assignments
where subject_id = any(%b::uuid[]) and ended_at is null and (strategy = %b or group_name = %b)
"""
_BEFORE = """
select subject_id, assigned_at from assignments
where subject_id = any(%b::uuid[]) and strategy = %b and assigned_at > tierline_peek() - %b
"""
_THERE = "select assignment_id, arm, holdout from assignments where assignment_id = any(%b::uuid[])"
_SKIPPED_BEFORE = f"""
select originator_id from events
where originator_id = any(%b::uuid[]) and command_id = %b and topic = '{SKIPPED}'
"""
_NAMES = """
select subject_id, (array_agg(user_id order by user_id))[1] from user_ids where subject_id = any(%b::uuid[])
group by subject_id order by subject_id
"""
_ASSIGN = f"""
select * from assign_in_bulk(
    %b::text, %b::integer, %b::text, %b::text, %b::uuid, %b::jsonb, %b::text, %b::text, %b::text, %b::text[],
    %b::text[], %b::bigint[], {", ".join(["%b"] * 12)})
"""
_HOLDOUTS = ("", "global", "strategy")
_encode = msgspec.msgpack.Encoder().encode
_to_json = msgspec.json.Encoder().encode


class SeenUser(NamedTuple):
    """Fulfils Seen. data_key: as it was wrapped when the seal was made of it; as_of: a position of the log, behind
    which stands whatever has changed since."""

    subject_id: UUID
    data_key: bytes
    seal: Seal
    as_of: int
    observation: Observation


def see(rows: Sequence[tuple[UUID, bytes, bytes | None]], as_of: int, keyring: Keyring) -> list[SeenUser]:
    """Out of rows of subject, key and body of the observation, read when the log had reached as_of."""
    found = []
    for subject_id, data_key, body in rows:
        seal = keyring.unwrap(subject_id, data_key)
        found.append(SeenUser(subject_id, data_key, seal, as_of, _opened(seal, body)))
    return found


@dataclass(slots=True)
class _Locked:
    """Subjects as they are now. gone: how many were erased or merged meanwhile. changed, live, before: by the number of
    the subject's id, of the few of whom there is any."""

    terms: Terms
    people: list[tuple[Holder, Observation]]
    gone: int
    changed: set[int]
    live: dict[int, list[Live]]
    before: dict[int, list[int]]


class _Decided(NamedTuple):
    """What is to become of one. assignment_id: what the cause leads to for them; now: microseconds."""

    holder: Holder
    observation: Observation
    now: int
    admission: Admission
    assignment_id: UUID


@dataclass(slots=True)
class _Outcomes:
    """What became of all, and what is to be told."""

    assigned: list[tuple[str | None, str]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    not_addressed: int = 0
    told: list[_Decided] = field(default_factory=list)


def take_in_bulk(
    connection: Connection,
    keyring: Keyring,
    started: Started,
    taking: Taking,
    asked: Running,
    chosen: Sequence[SeenUser],
) -> Taken:
    """Users by subject, ascending, each once. asked: the strategy with the conditions that were asked of them.

    Commits. Raises SubjectInHistory.
    """
    locked = _lock(connection, keyring, asked, chosen)
    for holder, _ in locked.people:
        if holder.history_id is not None:  # the refusal names them
            holder.user_id = _names_of(connection, [holder.subject_id])[holder.subject_id]
    undecided = {holder.subject_id for holder, _ in locked.people if not holder.is_decided(locked.terms)}
    running = started.running.get(taking.wanted.strategy)
    outcomes = _Outcomes(not_addressed=locked.gone)
    if running is None:  # it was paused meanwhile
        outcomes.not_addressed += len(locked.people) - len(undecided)
    else:
        people = [one for one in locked.people if not undecided or one[0].subject_id not in undecided]
        decided = [_decide(running, taking, asked, started, locked, *one) for one in people]
        _sort_out(connection, taking, decided, outcomes)
    seen_of = {seen.subject_id: seen for seen in chosen} if undecided else {}
    names = _names_of(connection, undecided)
    held = 0.0
    if running is not None and outcomes.told:
        _, held = commit_with(connection, (_ASSIGN, _parameters(running, taking, outcomes.told)))
    connection.commit()
    waiting = [(name, seen_of[subject_id]) for subject_id, name in names.items()]
    return Taken(outcomes.assigned, outcomes.skipped, outcomes.not_addressed, waiting, held)


def command_of(taking: Taking) -> str:
    """How events name what they were recorded for."""
    return f"strategy/{taking.wanted.strategy}/{taking.cause.event_id}"


def _lock(connection: Connection, keyring: Keyring, asked: Running, chosen: Sequence[SeenUser]) -> _Locked:
    """One round trip; the subjects stay locked until the transaction ends."""
    ids, as_of = uuids([seen.subject_id for seen in chosen]), min(seen.as_of for seen in chosen)
    name, group, often = asked.name, asked.spec.group or "", asked.spec.when.at_most
    with connection.pipeline():
        connection.execute(LOCK_SHARED)
        rows = connection.execute(holders.LOCK_MANY.encode(), (ids,), binary=True)
        clock = connection.execute(holders.TERMS, binary=True)
        changed = connection.execute(_CHANGED, (as_of,), binary=True)
        live = connection.execute(_LIVE, (ids, name, group), binary=True)
        before = connection.execute(_BEFORE, (ids, name, often.within.micros), binary=True) if often else None
    terms = clock.fetchone()
    assert terms is not None
    moved = {row[0] for row in changed.fetchall()}
    bodies = _bodies_of(connection, [seen.subject_id for seen in chosen if seen.subject_id in moved] if moved else ())
    people: list[tuple[Holder, Observation]] = []
    ahead = iter(chosen)
    for _, subject_id, data_key, *state in rows.fetchall():
        seen = next(one for one in ahead if one.subject_id == subject_id)  # both ascend
        if data_key is None:
            continue
        seal, observation = seen.seal, seen.observation
        if data_key != seen.data_key:
            seal = keyring.unwrap(subject_id, data_key)
        if bodies and subject_id.int in bodies:
            observation = _opened(seal, bodies[subject_id.int])
        people.append((Holder("", subject_id, seal, *state), observation))
    found = _Locked(Terms(*terms), people, len(chosen) - len(people), set(bodies), {}, {})
    for subject_id, strategy, of_group in live.fetchall():
        found.live.setdefault(subject_id.int, []).append(Live(strategy, of_group))
    for subject_id, at in before.fetchall() if before is not None else ():
        found.before.setdefault(subject_id.int, []).append(at)
    return found


def _names_of(connection: Connection, subject_ids: Collection[UUID]) -> dict[UUID, str]:
    """A user id of each, by subject, ascending."""
    if not subject_ids:
        return {}
    return dict(connection.execute(_NAMES, (list(subject_ids),), binary=True).fetchall())


def _bodies_of(connection: Connection, subject_ids: Collection[UUID]) -> dict[int, bytes]:
    """By the number of the subject's id."""
    if not subject_ids:
        return {}
    rows = connection.execute(_BODIES, (list(subject_ids),), binary=True).fetchall()
    return {subject_id.int: body for subject_id, body in rows}


def _opened(seal: Seal, body: bytes | None) -> Observation:
    return decode_observation(seal.unseal(CONTEXT_OBSERVATION, body)) if body else Observation()


def _decide(
    running: Running,
    taking: Taking,
    asked: Running,
    started: Started,
    locked: _Locked,
    holder: Holder,
    observation: Observation,
) -> _Decided:
    now, number, cause = holder.instant(locked.terms), holder.subject_id.int, taking.cause
    person = Person(holder.subject_id, observation, locked.live.get(number, ()), locked.before.get(number, ()))
    admission: Admission
    if not taking.wanted.by_hand:
        admission = admit(running, person, cause, started.calendars, now)
    elif number in locked.changed and not is_addressed(asked, observation, started.calendars, now):
        admission = None
    else:
        admission = assign_by_hand(running, person, cause, taking.wanted.arm, now)
    if isinstance(admission, Assigned):
        return _Decided(holder, observation, now, admission, admission.assignment_id)
    assignment_id = assignment_id_of(running.name, holder.subject_id, cause.event_id)
    return _Decided(holder, observation, now, admission, assignment_id)


def _sort_out(connection: Connection, taking: Taking, decided: Sequence[_Decided], outcomes: _Outcomes) -> None:
    """What is new is told: the bulk may have been cut off before it remembered what it had done."""
    skipped = [one.holder.subject_id for one in decided if isinstance(one.admission, Skipped)]
    with connection.pipeline():
        there = connection.execute(_THERE, (uuids([one.assignment_id for one in decided]),), binary=True)
        again = connection.execute(_SKIPPED_BEFORE, (uuids(skipped), command_of(taking)), binary=True)
    earlier = {assignment_id.int: (arm, holdout) for assignment_id, arm, holdout in there.fetchall()}
    told_before = {row[0] for row in again.fetchall()}
    for one in decided:
        admission = one.admission
        if earlier and one.assignment_id.int in earlier:
            outcomes.assigned.append(earlier[one.assignment_id.int])
        elif admission is None:
            outcomes.not_addressed += 1
        elif isinstance(admission, Assigned):
            outcomes.assigned.append((admission.arm, admission.holdout))
            outcomes.told.append(one)
        else:
            outcomes.skipped.append(admission.reason)
            if one.holder.subject_id not in told_before:
                outcomes.told.append(one)


def _parameters(running: Running, taking: Taking, told: Sequence[_Decided]) -> list[Any]:
    """Of assign_in_bulk."""
    assigned = [(one, one.admission) for one in told if isinstance(one.admission, Assigned)]
    skips = Counter(one.admission.reason for one in told if isinstance(one.admission, Skipped))
    arms = {name: number for number, name in enumerate(running.spec.treatments, 1)}
    reasons = sorted(skips)
    cause = taking.cause
    shared = (running.name, running.version, running.campaign, running.spec.group, UUID(taking.run_id))
    who = (_to_json(cause_to_json(cause)).decode(), taking.actor, command_of(taking), cause.event_id)
    return [
        *shared,
        *who,
        list(arms),
        reasons,
        bigints([skips[reason] for reason in reasons]),
        uuids([one.holder.subject_id for one in told]),
        integers([one.holder.next_version() for one in told]),
        bigints([one.now for one in told]),
        integers([isinstance(one.admission, Skipped) for one in told]),
        byteas(_states(running, taking, told)),
        uuids([one.holder.subject_id for one, _ in assigned]),
        uuids([admission.assignment_id for _, admission in assigned]),
        integers([0 if admission.arm is None else arms[admission.arm] for _, admission in assigned]),
        integers([_HOLDOUTS.index(admission.holdout) for _, admission in assigned]),
        bigints([admission.due_at or 0 for _, admission in assigned]),
        bigints([one.now for one, _ in assigned]),
        bigints([admission.ends_at for _, admission in assigned]),
    ]


def _states(running: Running, taking: Taking, told: Sequence[_Decided]) -> list[bytes]:
    """Each event's own fields, sealed."""
    trigger = cause_to_json(taking.cause)
    actions: dict[str | None, list[dict[str, Any]]] = {arm: actions_of(running, arm) for arm in running.spec.treatments}
    actions[None] = []
    checked: set[str] = set()
    states = []
    for one in told:
        admission, seal = one.admission, one.holder.seal
        assert admission is not None and seal is not None
        if isinstance(admission, Assigned):
            topic, baseline = ASSIGNED, baseline_of(one.observation)
            data = assigned_data(running, admission, trigger, baseline, actions[admission.arm], taking.run_id)
        else:
            topic, data = SKIPPED, skipped_data(running, admission, trigger)
        if topic not in checked:  # all of a kind have the same shape
            CATALOGUE.check(topic, data)
            checked.add(topic)
        states.append(seal.seal(CONTEXT_EVENT, _encode(data)))
    return states
