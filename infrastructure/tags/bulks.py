"""Bulks of tags in Postgres: whom each is about, and what became of everybody."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from application.tags.bulk_ports import (
    Before,
    Bulk,
    BulkState,
    BulkWanted,
    Change,
    Marked,
    UnknownBulk,
    UserState,
)
from domain.user_tier.tags import ADDED, REMOVED
from infrastructure.evaluation.ledger import PostgresEvaluationLedger, undecidable
from infrastructure.evaluation.work import LockedWork
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.runs.shares import bounds_of
from infrastructure.runs.store import add_run
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT, CONTEXT_FINDING

_CHUNK = 5_000
_SHOWN = 20
_ADD = """
insert into bulk_tags (bulk_id, tag, action, value, until, reason, condition, unknown, unknown_first, requested_by,
                       requested_at)
values (%s, %s, %s, %s, %s, %s, %s, 0, '[]', %s, tierline_peek())
"""
_ADD_SUBJECTS = """
insert into bulk_tag_users (bulk_id, subject_id)
select %b, t.id from unnest(%b::uuid[]) t (id) join subjects s on s.subject_id = t.id on conflict do nothing
"""
_ADD_USERS = """
with known as (select user_id, subject_id from user_ids where user_id = any(%b)), added as (
    insert into bulk_tag_users (bulk_id, subject_id) select distinct %b::uuid, subject_id from known
    on conflict do nothing)
select array_agg(user_id) from known
"""
_UNKNOWN = "update bulk_tags set unknown = %s, unknown_first = %s where bulk_id = %s"
_COLUMNS = """
bulk_id, tag, action, value, until, reason, condition, state, unknown, unknown_first, requested_by, requested_at, run_id
"""
_GET = f"select {_COLUMNS} from bulk_tags where bulk_id = %s"
_LATEST = f"select {_COLUMNS} from bulk_tags order by requested_at desc, bulk_id limit %s"
_USERS = "select state, count(*) from bulk_tag_users where bulk_id = %s group by state"
_SAMPLE = f"""
select (select (array_agg(user_id order by user_id))[1] from user_ids u where u.subject_id = b.subject_id) from
    (select subject_id from bulk_tag_users where bulk_id = %s order by subject_id limit {_SHOWN}) b
"""
_MOVE = """
update bulk_tags set state = %s where bulk_id = %s and state = %s and run_id is not distinct from %s
"""
_RUN_BY = "update bulk_tags set run_id = %s where bulk_id = %s"
_LEFT = """
select subject_id from bulk_tag_users
where bulk_id = %b and state = %b and subject_id >= %b and subject_id <= %b order by subject_id limit %b
"""
_COUNT = """
select count(*) from bulk_tag_users where bulk_id = %s and state = %s and subject_id >= %s and subject_id <= %s
"""
_MARK = """
update bulk_tag_users b set state = m.state, changed_at = coalesce(m.changed_at, b.changed_at),
    before = coalesce(m.before, b.before)
from unnest(%b::uuid[], %b::text[], %b::bigint[], %b::bytea[]) m (subject_id, state, changed_at, before)
where b.bulk_id = %b and b.subject_id = m.subject_id
"""
_CHANGED = "select subject_id, changed_at, before from bulk_tag_users where bulk_id = %b and subject_id = any(%b)"
_SINCE = """
select e.originator_id, e.state from events e
join unnest(%b::uuid[], %b::bigint[]) c (subject_id, changed_at)
    on e.originator_id = c.subject_id and e.effective_at > c.changed_at
where e.originator_id = any(%b) and e.topic = any(%b)
"""


class PostgresBulks:
    """Fulfils BulkLedger."""

    def __init__(self, pool: Pool, keyring: Keyring, evaluation: PostgresEvaluationLedger) -> None:
        self._pool, self._keyring, self._evaluation = pool, keyring, evaluation

    def add(self, wanted: BulkWanted, actor: str, subject_ids: Iterable[str]) -> str:
        """See BulkLedger."""
        bulk_id, waiting = uuid4(), iter(subject_ids)
        with transaction(self._pool) as connection:
            _add(connection, bulk_id, wanted, actor)
            while chunk := [UUID(hex_id) for hex_id in islice(waiting, _CHUNK)]:
                connection.execute(_ADD_SUBJECTS, (bulk_id, chunk), binary=True)
        return str(bulk_id)

    def add_users(self, wanted: BulkWanted, actor: str, user_ids: Iterable[str]) -> str:
        """See BulkLedger."""
        bulk_id, waiting = uuid4(), iter(user_ids)
        unknown, first = 0, list[str]()
        with transaction(self._pool) as connection:
            _add(connection, bulk_id, wanted, actor)
            while chunk := list(islice(waiting, _CHUNK)):
                asked = [user_id for user_id in chunk if "\0" not in user_id]
                row = connection.execute(_ADD_USERS, (asked, bulk_id), binary=True).fetchone()
                known = set(row[0] or ()) if row else set()
                strangers = [user_id for user_id in dict.fromkeys(chunk) if user_id not in known]
                unknown += len(strangers)
                first += [user_id.replace("\0", "") for user_id in strangers[: _SHOWN - len(first)]]
            connection.execute(_UNKNOWN, (unknown, Jsonb(first), bulk_id))
        return str(bulk_id)

    def get(self, bulk_id: str) -> Bulk:
        """See BulkLedger."""
        try:
            asked = UUID(bulk_id)
        except ValueError:
            raise UnknownBulk(bulk_id) from None
        with transaction(self._pool) as connection:
            row = connection.execute(_GET, (asked,)).fetchone()
            if row is None:
                raise UnknownBulk(bulk_id)
            return _bulk(connection, row)

    def latest(self, size: int) -> list[Bulk]:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            return [_bulk(connection, row) for row in connection.execute(_LATEST, (size,)).fetchall()]

    def start(self, bulk: Bulk, to: BulkState, kind: str, parameters: Mapping[str, Any], parts: int) -> bool:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            if not _moved(connection, bulk, to):
                return False
            run_id = add_run(connection, kind, parameters, parameters["actor"], parts)
            connection.execute(_RUN_BY, (run_id, bulk.bulk_id))
        return True

    def cancel(self, bulk: Bulk) -> bool:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            return _moved(connection, bulk, "cancelled")

    def left(self, bulk_id: str, state: UserState, part: int, parts: int, limit: int) -> list[UUID]:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            bounds = (UUID(bulk_id), state, *bounds_of(part, parts), limit)
            return [row[0] for row in connection.execute(_LEFT, bounds, binary=True).fetchall()]

    def count(self, bulk_id: str, state: UserState, part: int, parts: int) -> int:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            row = connection.execute(_COUNT, (bulk_id, state, *bounds_of(part, parts))).fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def take(self, bulk: Bulk, subject_ids: Sequence[UUID]) -> Iterator["LockedUsers"]:
        """See BulkLedger."""
        with transaction(self._pool) as connection, undecidable(subject_ids):
            yield LockedUsers(connection, bulk, self._evaluation.lock_settled(connection, subject_ids))

    def refuse(self, bulk_id: str, subject_ids: Sequence[UUID]) -> None:
        """See BulkLedger."""
        nothing = [None] * len(subject_ids)
        with transaction(self._pool) as connection:
            states = ["refused"] * len(subject_ids)
            connection.execute(_MARK, (list(subject_ids), states, nothing, nothing, UUID(bulk_id)), binary=True)

    def now(self) -> int:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            row = connection.execute("select tierline_peek()").fetchone()
        return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class LockedUsers:
    """Fulfils TakenUsers."""

    connection: Connection
    bulk: Bulk
    taken: LockedWork | None

    def changes(self) -> Mapping[UUID, Change]:
        """See TakenUsers."""
        assert self.taken is not None
        ids, seals = [row.subject_id for row in self.taken.rows], self.taken.seals
        rows = self.connection.execute(_CHANGED, (UUID(self.bulk.bulk_id), ids), binary=True).fetchall()
        since = ([row[0] for row in rows], [row[1] for row in rows], ids, [ADDED, REMOVED])
        touched = {
            subject_id
            for subject_id, state in self.connection.execute(_SINCE, since, binary=True).fetchall()
            if msgspec.msgpack.decode(seals[subject_id].unseal(CONTEXT_EVENT, state))["tag"] == self.bulk.wanted.tag
        }
        found = {}
        for subject_id, _, before in rows:
            told = msgspec.msgpack.decode(seals[subject_id].unseal(CONTEXT_FINDING, before)) if before else None
            found[subject_id] = Change(Before(**told) if told else None, subject_id in touched)
        return found

    def mark(self, marked: Sequence[Marked]) -> None:
        """See TakenUsers."""
        seals = self.taken.seals if self.taken is not None else {}
        now = self.taken.work.now if self.taken is not None else None
        columns: list[list[Any]] = [[], [], [], []]
        for one in marked:
            told = None
            if one.state == "changed" and one.before is not None:
                plain = {"until": one.before.until, "value": one.before.value}
                told = seals[one.subject_id].seal(CONTEXT_FINDING, msgspec.msgpack.encode(plain))
            at = now if one.state == "changed" else None
            for column, value in zip(columns, (one.subject_id, one.state, at, told), strict=True):
                column.append(value)
        self.connection.execute(_MARK, (*columns, UUID(self.bulk.bulk_id)), binary=True)


def _moved(connection: Connection, bulk: Bulk, to: BulkState) -> bool:
    return connection.execute(_MOVE, (to, bulk.bulk_id, bulk.state, bulk.run_id)).rowcount == 1


def _add(connection: Connection, bulk_id: UUID, wanted: BulkWanted, actor: str) -> None:
    value = None if wanted.value is None else Jsonb(wanted.value)
    place = (bulk_id, wanted.tag, wanted.action, value, wanted.until, wanted.reason, wanted.condition)
    connection.execute(_ADD, (*place, actor))


def _bulk(connection: Connection, row: tuple[Any, ...]) -> Bulk:
    bulk_id, tag, action, value, until, reason, condition, state, unknown, first, who, when, run_id = row
    users: dict[str, int] = dict(connection.execute(_USERS, (bulk_id,)).fetchall())
    sample = [found[0] for found in connection.execute(_SAMPLE, (bulk_id,)).fetchall() if found[0] is not None]
    wanted = BulkWanted(tag, action, value, until, reason, condition)
    run = None if run_id is None else str(run_id)
    return Bulk(str(bulk_id), wanted, state, users, unknown, first, sample, who, when, run)
