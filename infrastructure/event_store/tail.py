"""The log's tail: events and observations in position order, of any hash partitions, from any position on."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from domain.user_tier.observation import decode_observation
from infrastructure.event_store.catalogue import CATALOGUE, Catalogue, DataInvalid, SchemaNewerThanCode, TopicUnknown
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import DataKeyUnreadable, Keyring
from infrastructure.security.seal import CONTEXT_EVENT, CONTEXT_OBSERVATION, Seal, SealBroken
from projections.records import (
    BrokenRecord,
    EventRecord,
    LiveAssignment,
    LiveGrant,
    ObservationRecord,
    Record,
    TailBatch,
)

PARTITIONS = 8

GRANTS = msgspec.json.Decoder(tuple[LiveGrant, ...])
ASSIGNMENTS = msgspec.json.Decoder(tuple[LiveAssignment, ...])
_UNREADABLE = (TopicUnknown, SchemaNewerThanCode, DataInvalid, DataKeyUnreadable, SealBroken, msgspec.MsgspecError)

# The columns of an observation stand where an event's of the same type do. No condition and no limit in here: only so
# the planner merges the partitions' position indexes and stops at the outer limit.
_EVENTS = """
select position, originator_id as stream_id, originator_version as version, topic, scheme, scope, from_tier, to_tier,
       effective_at, recorded_at, actor, command_id, causation, state as body
from {table}
"""
_OBSERVATIONS = """
select position, subject_id as stream_id, null::integer, null::text, null::text, null::text, null::text, null::text,
       through, decided_at, null::text, null::text, null::text, body
from {table}
"""

# What was given to a subject changes what is shown of it, and not its observation: for whoever reads observations such
# an event stands for one. The condition is that of the index events_of_holdings.
_HELD = "topic like 'user-tier.benefit-%%' or topic like 'user-tier.strategy-%%'"
_HELD_EVENTS = f"{_EVENTS} where {_HELD}"
# Of the subject tail.stream_id.
LIVE_GRANTS = """
(select json_agg(json_build_array(replace(grant_id::text, '-', ''), benefit, benefit_version, kind, units,
                                  units - redeemed - released, granted_at, expires_at, campaign)
                 order by granted_at, grant_id)::text
 from grants where grants.subject_id = tail.stream_id and status = 'open')
"""
LIVE_ASSIGNMENTS = """
(select json_agg(json_build_array(replace(assignment_id::text, '-', ''), strategy, version, arm, holdout, assigned_at,
                                  ends_at, campaign) order by assigned_at, assignment_id)::text
 from assignments where assignments.subject_id = tail.stream_id and ended_at is null)
"""
_OF_TAIL = _HELD.replace("topic", "tail.topic")
# Looked up one by one: a join might read all observations for the sake of a few.
_SHOWN = f"""
case when tail.topic is null or {_OF_TAIL} then {LIVE_GRANTS} end,
case when {_OF_TAIL} then (
    select row(through, decided_at, body) from observations where observations.subject_id = tail.stream_id
) end,
case when tail.topic is null or {_OF_TAIL} then {LIVE_ASSIGNMENTS} end
"""

_HEAD = "select greatest(0, {})".format(
    ", ".join(
        f"(select max(position) from {kind}_p{part})"
        for kind in ("events", "observations")
        for part in range(PARTITIONS)
    )
)

# One statement, hence one snapshot: whatever stands at or below its head has been committed and is seen. The head
# comes along in a row of its own, also when there is nothing to read. The limit is a literal: with a parameter there
# the planner could come to sort whole partitions.
_READ = """
with tail as materialized (
    select * from ({rows}) as rows where position > %(after)s {only} order by position limit {limit}
), head as materialized ({head} as position)
select head.position as head, tail.*,
       named.user_ids, (select data_key from subjects where subjects.subject_id = tail.stream_id), {shown}, named.shared
from head left join tail on true
left join lateral (
    select array_agg(user_id order by user_id) as user_ids, count(*) > 1 or max(number) > 0 as shared
    from user_ids where user_ids.subject_id = tail.stream_id
) named on true
order by tail.position
"""
_READ_SUBJECT = _READ.format(
    rows=f"{_EVENTS.format(table='events')} union all {_OBSERVATIONS.format(table='observations')}",
    only="and stream_id = %(stream_id)s",
    limit="all",
    head=_HEAD,
    shown=_SHOWN,
)


# The statements are long, always the same, and every row of theirs is found by an index. Planned anew for every
# position, as they are otherwise, they take three times as long to plan as to do; planned once while tables were small,
# and free to read whole tables, they would do so later on.
_PLAN_ONCE = """
select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true)
"""


class LogTail:
    """Reads the log. A row of an erased subject is passed over; one that this code cannot read is a BrokenRecord."""

    def __init__(self, pool: Pool, keyring: Keyring, catalogue: Catalogue = CATALOGUE) -> None:
        self._pool = pool
        self._keyring = keyring
        self._catalogue = catalogue

    def read(
        self, partitions: Sequence[int], after: int, limit: int, *, events: bool = True, observations: bool = True
    ) -> TailBatch:
        """Up to `limit` records of these hash partitions (0 to 7) with position > after, in position order.

        events, observations: a reader that needs only one kind is spared the other.

        The batch is complete up to its position; when the limit did not cut it, that is the head.
        """
        with transaction(self._pool) as connection:
            rows = _rows(connection, _read_statement(partitions, limit, events, observations), {"after": after})
        head: int = rows[0][0]
        found = [row for row in rows if row[1] is not None]
        position = found[-1][1] if len(found) == limit else max(head, after)
        return TailBatch(self._records(found, events, observations), position, head)

    def read_subject(self, subject_id: UUID, after: int) -> list[Record]:
        """All records of one stream with position > after, in position order."""
        with transaction(self._pool) as connection:
            rows = _rows(connection, _READ_SUBJECT, {"after": after, "stream_id": subject_id})
        return self._records([row for row in rows if row[1] is not None], True, True)

    def head(self) -> int:
        """The last committed position of an event or observation; 0 for an empty log."""
        with transaction(self._pool) as connection:
            return int(_rows(connection, _HEAD, {})[0][0])

    def _records(self, rows: Sequence[tuple[Any, ...]], events: bool, observations: bool) -> list[Record]:
        records: list[Record] = []
        for row in rows:
            is_event = row[3] is not None
            if events and is_event:
                records += self._read(self._event, row)
            if observations and (not is_event or row[18] is not None):
                records += self._read(self._observation, row)
        return records

    def _read(self, made: Callable[..., Record | None], row: tuple[Any, ...]) -> list[Record]:
        _, position, stream_id, _, topic, *_ = row
        try:
            seal = None if row[16] is None else self._keyring.unwrap(stream_id, row[16])
            record = made(row, seal, tuple(row[15] or ()))
        except _UNREADABLE as error:
            return [BrokenRecord(position, stream_id, str(error), topic or "")]
        return [] if record is None else [record]

    def _event(self, row: tuple[Any, ...], seal: Seal | None, names: tuple[str, ...]) -> EventRecord | None:
        topic, state = row[4], row[14]
        if self._catalogue.require(topic).sealed:
            if seal is None:
                return None
            state = seal.unseal(CONTEXT_EVENT, state)
        event_type, data = self._catalogue.read(topic, msgspec.msgpack.decode(state))
        _, position, stream_id, version, _, scheme, scope, from_tier, to_tier, *rest = row[:15]
        effective_at, recorded_at, actor, command_id, causation, *_ = rest
        return EventRecord(
            position=position,
            subject_id=stream_id,
            user_ids=names,
            version=version,
            topic=event_type.topic,
            scheme=scheme,
            scope=scope,
            from_tier=from_tier,
            to_tier=to_tier,
            effective_at=effective_at,
            recorded_at=recorded_at,
            actor=actor,
            command_id=command_id,
            causation=causation,
            data=data,
        )

    def _observation(self, row: tuple[Any, ...], seal: Seal | None, names: tuple[str, ...]) -> ObservationRecord | None:
        """Of an observation, or as it stands beside an event that gave something."""
        if seal is None:
            return None
        through, decided_at, body = row[18] if row[3] is not None else (row[9], row[10], row[14])
        observation = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body))
        grants = GRANTS.decode(row[17]) if row[17] else ()
        strategies = ASSIGNMENTS.decode(row[19]) if row[19] else ()
        seen = (through, decided_at, observation)
        return ObservationRecord(row[1], row[2], names, *seen, grants, strategies, shared=bool(row[20]))


def head(connection: Connection) -> int:
    """The last committed position of an event or observation, from the ends of their indexes; 0 for an empty log."""
    row = connection.execute(_HEAD, binary=True).fetchone()
    assert row is not None
    return int(row[0])


def _rows(connection: Connection, statement: str, params: dict[str, Any]) -> list[tuple[Any, ...]]:
    """In one round trip: the transaction, which reads nothing else, ends with it."""
    with connection.pipeline():
        connection.execute(_PLAN_ONCE)
        found = connection.execute(statement.encode(), params, binary=True, prepare=True)
        connection.commit()
    return found.fetchall()


def _read_statement(partitions: Sequence[int], limit: int, events: bool, observations: bool) -> str:
    unknown = [part for part in partitions if not 0 <= part < PARTITIONS]
    if limit < 1:
        raise ValueError(f"limit {limit}: give at least 1")
    if unknown or not partitions:
        raise ValueError(f"partitions {list(partitions)}: give some of 0 to {PARTITIONS - 1}")
    if not events and not observations:
        raise ValueError("events and observations are both off: read at least one of them")
    rows = _EVENTS if events else _HELD_EVENTS
    selects = [rows.format(table=f"events_p{part}") for part in partitions]
    selects += [_OBSERVATIONS.format(table=f"observations_p{part}") for part in partitions if observations]
    shown = _SHOWN if observations else "null, null, null"
    return _READ.format(rows=" union all ".join(selects), only="", limit=limit, head=_HEAD, shown=shown)
