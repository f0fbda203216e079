"""Bulk assignments in Postgres: whom they are for, what is wanted of them, and the runs that do it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.types.json import Jsonb

from application.strategies.assign_in_bulk import BULK_ASSIGNMENT
from application.strategies.bulk_ports import (
    BulkAssignment,
    BulkState,
    BulkWanted,
    Mode,
    Seen,
    Taken,
    Taking,
    UnknownBulkAssignment,
)
from domain.strategies.admission import Person, Running
from domain.strategies.cause import actor_of
from domain.tier_model.expression import Condition
from infrastructure.event_store.tail import head
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.strategies.bulk_taking_in import SeenUser, see, take_in_bulk
from infrastructure.strategies.definitions import instant_of
from infrastructure.strategies.people import read_people
from infrastructure.strategies.running import StartedReader, language_of
from infrastructure.tier_models.in_force import ModelsInForceReader

_COLUMNS = """bulk_id, strategy, condition, by_list, arm, reason, round, segment, unknown, unknown_first, requested_by,
    requested_at, state, preview_id, run_id, revert_id"""
_ADD = """
insert into bulk_assignments (bulk_id, strategy, condition, by_list, arm, reason, round, segment, unknown,
                              unknown_first, requested_by, requested_at, state)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, tierline_peek(), %s) on conflict do nothing returning bulk_id
"""
_KNOWN = "select user_id, subject_id from user_ids where user_id = any(%s)"
_USERS = """
insert into bulk_assignment_users (bulk_id, subject_id)
select %b, subject_id from unnest(%b::uuid[]) as t (subject_id) on conflict do nothing
"""
_GET = f"select {_COLUMNS} from bulk_assignments where bulk_id = %s"
_LATEST = f"select {_COLUMNS} from bulk_assignments order by requested_at desc, bulk_id limit %s"
_RUN = """
insert into runs (run_id, kind, parameters, requested_by, requested_at) values (%s, %s, %s, %s, tierline_peek())
"""
_PARTS = "insert into run_parts (run_id, part) select %s, generate_series(0, %s::integer - 1)"
_BEGIN: Mapping[Mode, str] = {
    "preview": "update bulk_assignments set preview_id = %s where bulk_id = %s and state = 'previewed'",
    "assign": """
update bulk_assignments set run_id = %s, state = 'running'
where bulk_id = %s and state in ('previewed', 'running', 'cancelled')
""",
    "revert": """
update bulk_assignments set revert_id = %s, state = 'reverting' where bulk_id = %s and state in ('running', 'cancelled')
""",
}
_TURN = "update bulk_assignments set state = %s where bulk_id = %s and state = %s"
# A part that was let go of while the bulk rested is taken up at once.
_WAKE = "update run_parts set lease_until = null where run_id = %s and state = 'waiting'"
_DUE = """
select r.strategy, r.next_at from strategy_rounds r join strategies s using (strategy)
where r.next_at <= tierline_peek() and s.status = 'running' order by r.next_at, r.strategy
"""
_NEXT = "update strategy_rounds set next_at = %s where strategy = %s and next_at = %s"
_NO_NEXT = "delete from strategy_rounds where strategy = %s and next_at = %s"
# Who was erased or merged into another is nobody to take in.
_OF_LIST = """
from bulk_assignment_users u join subjects s using (subject_id) join timelines t using (subject_id)
left join observations o on o.subject_id = u.subject_id
where u.bulk_id = %(bulk)b and u.subject_id > %(after)b and u.subject_id <= %(last)b and s.data_key is not null
  and t.merged_into is null
order by u.subject_id limit %(limit)b
"""
_OF_ALL = """
from observations u join subjects s using (subject_id) join timelines t using (subject_id)
cross join lateral (select u.body) o
where u.subject_id > %(after)b and u.subject_id <= %(last)b and s.data_key is not null and t.merged_into is null
order by u.subject_id limit %(limit)b
"""
_IDS = "select u.subject_id"
_SEEN = "select u.subject_id, s.data_key, o.body"
_COUNT_LIST = """
select count(*) from bulk_assignment_users
where bulk_id = %(bulk)b and subject_id > %(after)b and subject_id <= %(last)b
"""
_COUNT_ALL = "select count(*) from observations where subject_id > %(after)b and subject_id <= %(last)b"
_ASSIGNED = """
select assignment_id from assignments
where run_id = any(%(runs)b) and ended_at is null and assignment_id > %(after)b and assignment_id <= %(last)b
order by assignment_id limit %(limit)b
"""
_RUNS_OF = "select run_id from runs where kind = %s and parameters @> %s"
_COSTS = """
select benefit, coalesce((spec ->> 'unit_cost')::bigint, 0), spec ->> 'currency' from benefits
where benefit = any(%s) and status = 'active'
"""
_TOLD = 20


class PostgresBulkAssignments:
    """Fulfils BulkLedger."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._started, self._models = StartedReader(), ModelsInForceReader()

    def add(self, wanted: BulkWanted, actor: str, user_ids: Iterable[str]) -> str:
        """See BulkLedger."""
        names = list(dict.fromkeys(user_ids))
        bulk_id = uuid4()
        with transaction(self._pool) as connection:
            usable = [name for name in names if "\0" not in name]
            known: dict[str, UUID] = dict(connection.execute(_KNOWN, (usable,), binary=True).fetchall())
            unknown = [name for name in names if name not in known]
            connection.execute(_ADD, _row(bulk_id, wanted, unknown, actor, "previewed"))
            connection.execute(_USERS, (bulk_id, list(known.values())))
        return str(bulk_id)

    def get(self, bulk_id: str) -> BulkAssignment:
        """See BulkLedger."""
        try:
            asked = UUID(bulk_id)
        except ValueError:
            raise UnknownBulkAssignment(bulk_id) from None
        with transaction(self._pool) as connection:
            row = connection.execute(_GET, (asked,)).fetchone()
        if row is None:
            raise UnknownBulkAssignment(bulk_id)
        return _bulk(row)

    def latest(self, size: int) -> Sequence[BulkAssignment]:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            return [_bulk(row) for row in connection.execute(_LATEST, (size,)).fetchall()]

    def begin(self, bulk: BulkAssignment, mode: Mode, actor: str, parts: int) -> bool:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            return _begin(connection, bulk.bulk_id, mode, actor, parts)

    def turn_to(self, bulk: BulkAssignment, state: BulkState) -> bool:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            turned = connection.execute(_TURN, (state, bulk.bulk_id, bulk.state)).rowcount == 1
            if turned and bulk.run_id is not None:
                connection.execute(_WAKE, (bulk.run_id,))
        return turned

    def begin_round(self, strategy: str, at: int, following: int | None, parts: int) -> None:
        """See BulkLedger."""
        bulk_id, wanted = uuid4(), BulkWanted(strategy, round=at)
        with transaction(self._pool) as connection:
            if connection.execute(_ADD, _row(bulk_id, wanted, [], actor_of(strategy), "previewed")).fetchone():
                _begin(connection, str(bulk_id), "assign", actor_of(strategy), parts)
            if following is None:
                connection.execute(_NO_NEXT, (strategy, at))
            else:
                connection.execute(_NEXT, (following, strategy, at))

    def due_rounds(self) -> list[tuple[str, int]]:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            return [(row[0], row[1]) for row in connection.execute(_DUE).fetchall()]

    def count(self, bulk: BulkAssignment, part: int, parts: int) -> int:
        """See BulkLedger."""
        statement = _COUNT_LIST if bulk.wanted.by_list else _COUNT_ALL
        with transaction(self._pool) as connection:
            row = connection.execute(statement, _share(bulk, None, part, parts)).fetchone()
        return int(row[0]) if row else 0

    def candidates(
        self, bulk: BulkAssignment, after: UUID | None, part: int, parts: int, limit: int
    ) -> Sequence[Person]:
        """See BulkLedger."""
        whom = _OF_LIST if bulk.wanted.by_list else _OF_ALL
        asked = _share(bulk, after, part, parts) | {"limit": limit}
        name = bulk.wanted.strategy
        with transaction(self._pool) as connection:
            ids = [row[0] for row in connection.execute(f"{_IDS} {whom}".encode(), asked, binary=True).fetchall()]
            running = self._started.read(connection).running.get(name)
            often = None if running is None else running.spec.when.at_most
            within = 0 if often is None else often.within.micros
            people = read_people(
                connection, self._keyring, ids, capped=[name] if often else [], within=within, lock=False
            )
        holders = (people.holders.get(subject_id) for subject_id in ids)
        return [people.person(holder, name) for holder in holders if holder is not None and holder.seal is not None]

    def seen(self, bulk: BulkAssignment, after: UUID | None, part: int, parts: int, limit: int) -> Sequence[Seen]:
        """See BulkLedger."""
        whom = _OF_LIST if bulk.wanted.by_list else _OF_ALL
        asked = _share(bulk, after, part, parts) | {"limit": limit}
        with transaction(self._pool) as connection:
            as_of = head(connection)
            rows = connection.execute(f"{_SEEN} {whom}".encode(), asked, binary=True).fetchall()
        return see(rows, as_of, self._keyring)

    def take_in(self, taking: Taking, running: Running, chosen: Sequence[Seen]) -> Taken:
        """See BulkLedger."""
        users = [one for one in chosen if isinstance(one, SeenUser)]
        with transaction(self._pool) as connection:
            started = self._started.read(connection)
            return take_in_bulk(connection, self._keyring, started, taking, running, users)

    def assigned(self, bulk: BulkAssignment, after: UUID | None, part: int, parts: int, limit: int) -> Sequence[UUID]:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            of_bulk = Jsonb({"bulk_id": bulk.bulk_id, "mode": "assign"})
            runs = [row[0] for row in connection.execute(_RUNS_OF, (BULK_ASSIGNMENT, of_bulk), binary=True).fetchall()]
            asked = _share(bulk, after, part, parts) | {"limit": limit, "runs": runs}
            return [row[0] for row in connection.execute(_ASSIGNED, asked, binary=True).fetchall()]

    def condition(self, text: str) -> Condition:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            return language_of(connection, self._models.read(connection).current)(text)

    def unit_costs(self, benefits: Sequence[str]) -> Mapping[str, tuple[int, str]]:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            rows = connection.execute(_COSTS, (list(benefits),)).fetchall()
        return {benefit: (cost, currency) for benefit, cost, currency in rows}

    def now(self) -> int:
        """See BulkLedger."""
        with transaction(self._pool) as connection:
            return instant_of(connection, "select tierline_peek()")


def _begin(connection: Connection, bulk_id: str, mode: Mode, actor: str, parts: int) -> bool:
    run_id = uuid4()
    if connection.execute(_BEGIN[mode].encode(), (run_id, bulk_id)).rowcount == 0:
        return False
    parameters = {"bulk_id": bulk_id, "mode": mode, "actor": actor}
    connection.execute(_RUN, (run_id, BULK_ASSIGNMENT, Jsonb(parameters), actor))
    connection.execute(_PARTS, (run_id, parts))
    return True


def _share(bulk: BulkAssignment, after: UUID | None, part: int, parts: int) -> dict[str, Any]:
    """Bounds of one of equal shares of ids."""
    width = 2**128 // parts
    low = UUID(int=max(part * width - 1, 0))
    return {
        "bulk": UUID(bulk.bulk_id),
        "after": low if after is None else after,
        "last": UUID(int=2**128 - 1 if part == parts - 1 else (part + 1) * width - 1),
    }


def _row(bulk_id: UUID, wanted: BulkWanted, unknown: Sequence[str], actor: str, state: BulkState) -> tuple[Any, ...]:
    return (
        bulk_id,
        wanted.strategy,
        wanted.condition,
        wanted.by_list,
        wanted.arm,
        wanted.reason,
        wanted.round,
        wanted.segment,
        len(unknown),
        Jsonb([name.replace("\0", "") for name in unknown[:_TOLD]]),
        actor,
        state,
    )


def _bulk(row: tuple[Any, ...]) -> BulkAssignment:
    runs = [None if run_id is None else str(run_id) for run_id in row[13:]]
    return BulkAssignment(str(row[0]), BulkWanted(*row[1:8]), *row[8:13], *runs)
