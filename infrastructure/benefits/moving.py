"""What becomes of grants, in one transaction: holders locked and read, moves decided and recorded with the commit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection

from application.benefits.ports import MoveWanted, Outcome, Recorded, Undecided
from domain.benefits.grant import Grant, Move, claw_back, expire, redeem, revoke
from domain.benefits.granting import require_entitled, standing_of
from domain.benefits.refusals import UnknownGrant
from domain.refusal import Refusal
from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.benefits import holders
from infrastructure.benefits.catalogue_rows import spec_of
from infrastructure.benefits.grant_rows import COLUMNS, grant_of, uuid_of, uuids_of
from infrastructure.benefits.holders import Holder, holders_of
from infrastructure.event_store.rows import seal_event
from infrastructure.postgres.commit_with import Statement, commit_with
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION
from infrastructure.tier_models.in_force import LOCK_SHARED

EXPIRER = "expiry"

_READ = f"""
select g.subject_id, b.spec::text, {COLUMNS}
from grants g join benefits b on b.benefit = g.benefit and b.version = g.benefit_version where g.grant_id = any(%b)
"""
# Only redemptions that ask for an entitlement look at where the user stands.
_OBSERVED = """
select o.subject_id, o.body from grants g join benefits b on b.benefit = g.benefit and b.version = g.benefit_version
join observations o using (subject_id)
where g.grant_id = any(%b) and (b.spec -> 'redemption' ->> 'while_entitled')::boolean
"""
# Under the name of a command its event is there once.
_DONE = """
select e.originator_id, e.command_id, e.position from events e
where e.originator_id in (select subject_id from grants where grant_id = any(%b)) and e.command_id = any(%b)
  and e.topic like 'user-tier.benefit-%%'
"""
_DUE = """
select grant_id from grants where status = 'open' and expires_at <= (select tierline_peek())
order by expires_at limit %b
"""
_LOCK_ONE = f"""
select user_id, subject_id, data_key, stream_version, last_instant, due_at, decided_at, history_id, generation, instant,
       activated, scheduled, spec, observed, done, {COLUMNS.replace("g.", "(held).")}
from lock_grant(%b, %b)
"""
_MOVE_ONE = f"select move_grant({', '.join(['%b'] * 13)})"
_NAME = 9  # the place of a move's name in a row
_MOVE = """
select move_grants(%b::uuid[], %b::integer[], %b::text[], %b::bigint[], %b::text[], %b::text[], %b::text[], %b::bytea[],
                   %b::uuid[], %b::text[], %b::bigint[], %b::text[], %b::bytea[])
"""


@dataclass(slots=True)
class _Read:
    """All that the moves of one transaction are decided from. grants: with their subject and definition."""

    terms: holders.Terms
    holders: Mapping[UUID, Holder]
    grants: dict[str, tuple[UUID, str, Grant]]
    observations: Mapping[UUID, bytes]
    done: Mapping[tuple[UUID, str], int]


@dataclass(slots=True)
class _Plan:
    """What is to be written. outcomes: by their number, the grants as they then stand and units moved."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    outcomes: list[tuple[int, Recorded]] = field(default_factory=list)
    events: int = 0


class HolderMerged(Exception):
    """The grant's holder was merged into another while we waited for their lock: look again."""


def move_together(connection: Connection, keyring: Keyring, wanted: Sequence[MoveWanted]) -> list[Outcome]:
    """An outcome each, in order; several of one grant see each other. One transaction."""
    outcomes: list[Outcome | None] = [None] * len(wanted)
    ids = list(uuids_of(one.grant_id for one in wanted))
    read = _read_one(connection, keyring, ids[0], wanted[0].command_id) if len(wanted) == len(ids) == 1 else None
    if read is None:
        commands = [one.command_id for one in wanted if one.command_id]
        read = _read(connection, keyring, ids, holders.LOCK_OF_GRANTS, commands)
    plan = _Plan()
    for number, one in enumerate(wanted):
        try:
            outcomes[number] = _decide(number, one, read, plan)
        except Refusal as refusal:
            outcomes[number] = refusal
    last = _write(connection, plan)
    position = last - plan.events
    for number, recorded in plan.outcomes:
        position += 1
        outcomes[number] = Recorded(recorded.user_id, recorded.grant, position, recorded.moved)
    return [outcome for outcome in outcomes if outcome is not None]


def expire_together(connection: Connection, keyring: Keyring, limit: int) -> int:
    """Up to `limit` grants whose end has come and whose holders nobody else works on; how many."""
    due = [row[0] for row in connection.execute(_DUE, (limit,), binary=True)]
    if not due:
        connection.rollback()
        return 0
    read = _read(connection, keyring, due, holders.LOCK_UNLOCKED_OF_GRANTS, [])
    plan, expired = _Plan(), 0
    for subject_id, _, grant in read.grants.values():
        holder = read.holders.get(subject_id)
        over = grant.status == "open" and grant.expires_at is not None and grant.expires_at <= read.terms.now
        if holder is None or not over:
            continue
        assert grant.expires_at is not None
        _record(plan, expire(grant), holder, grant.expires_at, MoveWanted("revoke", grant.grant_id, EXPIRER), None)
        expired += 1
    _write(connection, plan)
    return expired


def revoke_together(
    connection: Connection,
    keyring: Keyring,
    grant_ids: Sequence[UUID],
    told: MoveWanted,
    beside: Callable[[int, int], Statement],
) -> None:
    """Revoke what is left of those grants that are open, and commit. told: why, and by whom; its grant_id is not read.

    beside: what is written along, made from how many grants and units are revoked.
    """
    read = _read(connection, keyring, grant_ids, holders.LOCK_OF_GRANTS, [])
    plan, units = _Plan(), 0
    for subject_id, _, grant in read.grants.values():
        holder = read.holders.get(subject_id)
        if holder is None:
            raise HolderMerged
        instant = holder.instant(read.terms)
        if holder.seal is None or grant.status_at(instant) != "open":
            continue
        move = revoke(grant, instant, reason=told.reason)
        _record(plan, move, holder, instant, told, None)
        units += move.units
    _write(connection, plan, beside(len(plan.rows), units))


def _read(connection: Connection, keyring: Keyring, ids: Sequence[UUID], lock: str, commands: Sequence[str]) -> _Read:
    """One round trip. Holders stay locked until the transaction ends."""
    with connection.pipeline():
        connection.execute(holders.PLAN_ONCE)
        connection.execute(LOCK_SHARED)
        locked = connection.execute(lock.encode(), (ids,), binary=True)
        terms = connection.execute(holders.TERMS, binary=True)
        found = connection.execute(_READ, (ids,), binary=True)
        observed = connection.execute(_OBSERVED, (ids,), binary=True)
        done = connection.execute(_DONE, (ids, commands), binary=True) if commands else None
    row = terms.fetchone()
    assert row is not None
    grants = [(row[0], row[1], grant_of(row[2:])) for row in found.fetchall()]
    return _Read(
        holders.Terms(*row),
        {holder.subject_id: holder for holder in holders_of(locked.fetchall(), keyring).values()},
        {grant.grant_id: (subject_id, text, grant) for subject_id, text, grant in grants},
        dict(observed.fetchall()),
        {(row[0], row[1]): row[2] for row in done.fetchall()} if done is not None else {},
    )


def _read_one(connection: Connection, keyring: Keyring, grant_id: UUID, command_id: str) -> _Read | None:
    """The same for one grant, sooner; None when there is none, or its holder was merged into another meanwhile."""
    row = connection.execute(_LOCK_ONE, (grant_id, command_id), binary=True).fetchone()
    if row is None:
        return None
    user_id, subject_id, data_key, *state, now, activated, scheduled, text, observed, done = row[:15]
    seal, grant = None if data_key is None else keyring.unwrap(subject_id, data_key), grant_of(row[15:])
    return _Read(
        holders.Terms(now, activated, scheduled),
        {subject_id: Holder(user_id or "", subject_id, seal, *state)},
        {grant.grant_id: (subject_id, text, grant)},
        {} if observed is None else {subject_id: observed},
        {} if done is None else {(subject_id, command_id): done},
    )


def _decide(number: int, wanted: MoveWanted, read: _Read, plan: _Plan) -> Outcome | None:
    """The outcome, or None when it is in the plan. Raises the refusals of domain.benefits."""
    grant_id = uuid_of(wanted.grant_id).hex
    if grant_id not in read.grants:
        raise UnknownGrant(wanted.grant_id)
    subject_id, text, grant = read.grants[grant_id]
    holder, spec = read.holders.get(subject_id), spec_of(text)
    if holder is None:
        raise HolderMerged(wanted.grant_id)
    if holder.seal is None:
        raise UnknownGrant(wanted.grant_id)
    done = read.done.get((subject_id, wanted.command_id)) if wanted.command_id else None
    if done is not None:
        return Recorded(holder.user_id, grant, done, replayed=True)
    instant = holder.instant(read.terms)
    if wanted.name == "redeem":
        if spec.redemption.while_entitled:
            if not holder.is_decided(read.terms):
                return Undecided(holder.user_id)
            body = read.observations.get(subject_id)
            seen = decode_observation(holder.seal.unseal(CONTEXT_OBSERVATION, body)) if body else Observation()
            require_entitled(spec, standing_of(seen))
        move: Move | None = redeem(grant, spec, wanted.units, instant, order_id=wanted.order_id)
    elif wanted.name == "revoke":
        move = revoke(grant, instant, reason=wanted.reason)
    else:
        move = claw_back(grant, instant, reclaim=wanted.reclaim, reason=wanted.reason)
    if move is None:
        return Recorded(holder.user_id, grant, 0, replayed=True)
    order_key = holder.seal.digest(wanted.order_id.encode()) if wanted.order_id else None
    _record(plan, move, holder, instant, wanted, order_key)
    read.grants[grant_id] = (subject_id, text, move.after)
    plan.outcomes.append((number, Recorded(holder.user_id, move.after, 0, move.units)))
    return None


def _record(plan: _Plan, move: Move, holder: Holder, instant: int, wanted: MoveWanted, order_key: bytes | None) -> None:
    """A row for each move in the order of the function's arrays; the event goes with the first. What is left of an
    erased subject's grant is released without one, for nothing can be sealed any more."""
    version, state = 0, None
    told = (wanted.actor, wanted.command_id, wanted.causation)
    if holder.seal is not None:
        version = holder.next_version()
        event = NewEvent(holder.subject_id, version, move.topic, "", "", None, None, instant, *told, move.data)
        state = seal_event(event, holder.seal, instant).state
        plan.events += 1
    moves = [(move.name, move.units), ("reclaimed", move.reclaimed)]
    for name, units in moves:
        if not units:
            continue
        grant_id, status = UUID(move.after.grant_id), move.after.status
        row = (holder.subject_id, version, move.topic, instant, *told, state, grant_id, name, units, status, order_key)
        plan.rows.append(row)
        state = None


def _write(connection: Connection, plan: _Plan, *before: Statement) -> int:
    """With the commit; the position of the last event. before: what is written along, also where nothing moves."""
    if not plan.rows:
        for statement, parameters in before:
            connection.execute(statement.encode(), parameters)
        (connection.commit if before else connection.rollback)()
        return 0
    if len(plan.rows) == 1 and plan.rows[0][_NAME] != "reclaimed":
        return int(commit_with(connection, *before, (_MOVE_ONE, plan.rows[0]))[0] or 0)
    columns = [list(column) for column in zip(*plan.rows, strict=True)]
    return int(commit_with(connection, *before, (_MOVE, columns))[0] or 0)
