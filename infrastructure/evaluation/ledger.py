"""The evaluator's side of the ledger: takes subjects under lock, reads what decides them, writes the outcome."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import structlog
from psycopg import Connection, OperationalError
from psycopg.errors import ProgramLimitExceeded

from application.evaluation.ports import Undecidable, Work
from application.queries import UnknownUser
from domain.facts.history import SubjectInHistory
from domain.facts.table import FactTable
from infrastructure.evaluation.reading import Asked, Found, ask_subjects, found_of, read_subjects
from infrastructure.evaluation.work import BulkWork, LockedWork, TimelineRow
from infrastructure.event_store.bulk import Pace
from infrastructure.facts.packing import pack
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.tier_models.in_force import LAST_GENERATION, LOCK_SHARED, ModelsInForce, ModelsInForceReader

_log = structlog.get_logger(__name__)

_COLUMNS = "subject_id, due_at, last_position, decided_at, stream_version, facts, history_id, chain"
_DUE = f"""
select {_COLUMNS} from timelines
where due_at <= (select tierline_peek()) and subject_id <> all(%b::uuid[]) order by due_at limit %b
for update skip locked
"""
# Subjects that an activation has not reached yet: they are decided anew at its instant. Who is undecided is due anyway.
_WAIT = "history_id is null and decided_at is not null"
_OLDEST = f"select min(generation) from timelines where generation < %b and {_WAIT}"
_BEHIND = f"""
select {_COLUMNS} from timelines
where generation = %b and {_WAIT} and subject_id > %b and subject_id <= %b
  and subject_id <> all(%b::uuid[]) order by subject_id limit %b
"""
_ONE = f"""
select {_COLUMNS}, ({LAST_GENERATION}) from timelines
where subject_id = (select subject_id from user_ids where user_id = %b) and merged_into is null
  and departures = (select departures from user_ids where user_id = %b) for update
"""
_THESE = f"""
select {_COLUMNS} from timelines where subject_id = any(%b) and merged_into is null order by subject_id for update
"""
_KNOWN = "select from user_ids where user_id = %b"
_SESSION = """
select history_id, sealed_at from history_sessions h
where sealed_at is not null
  and exists (select from timelines t where t.history_id = h.history_id and t.subject_id <> all(%b::uuid[]))
order by sealed_at limit 1
"""
_OF_SESSION = f"""
select {_COLUMNS} from timelines
where history_id = %b and subject_id between %b and %b and subject_id <> all(%b::uuid[]) order by subject_id limit %b
"""
_FACTS_AT_ONCE = 100_000  # bounds a batch's memory, and for how long its subjects are locked
_ASIDE_SECONDS = 60.0
_HISTORY_CLAIMS, _BEHIND_CLAIMS = 7307, 7308
_BUCKETS = 16  # of subjects, by the first hex digit of their ids: one process works on a bucket at a time


class _Session(NamedTuple):
    history_id: UUID
    sealed_at: int


class PostgresEvaluationLedger:
    """Fulfils EvaluationLedger. Safe for many threads and processes: subjects are locked, or skipped."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._models, self._pace = ModelsInForceReader(), Pace()
        self._reached: dict[int, UUID] = {}  # by bucket, of whom an activation has to reach
        self._aside: dict[UUID, float] = {}  # until when, on the process's monotonic clock

    def set_aside(self, fault: Undecidable) -> None:
        """Take these subjects no more for a while, in this process: whoever comes after them is to be decided."""
        until = time.monotonic() + _ASIDE_SECONDS
        self._aside |= dict.fromkeys(fault.subject_ids, until)
        ids = [str(subject_id) for subject_id in fault.subject_ids]
        _log.error("subjects_set_aside", subjects=ids, error=str(fault), again_in=_ASIDE_SECONDS)

    def aside(self) -> int:
        """How many subjects are set aside now, in this process."""
        return len(self._left_aside())

    @contextmanager
    def take_due(self, limit: int) -> Iterator[LockedWork | None]:
        """Up to `limit` due subjects under lock; None when there are none. Raises Undecidable."""
        with transaction(self._pool) as connection:
            models, aside = self._begin(connection), self._left_aside()
            rows = _rows(connection, _DUE, (aside, limit))
            if not rows:
                yield None
                return
            rows = _at_once(rows)
            with undecidable([row.subject_id for row in rows]):
                work = self._locked(connection, models, rows)
                yield work
        if work.to_pack:
            pack(self._pool, self._keyring, work.to_pack)

    @contextmanager
    def take_user(self, user_id: str, *, whole: bool = False) -> Iterator[LockedWork]:
        """The user's subject under lock. whole: facts with all that tells them apart.

        Raises UnknownUser, SubjectInHistory.
        """
        with transaction(self._pool) as connection:
            likely = self._models.last
            with connection.pipeline():
                connection.execute(LOCK_SHARED)
                locked = connection.execute(_ONE, (user_id, user_id), binary=True)
                asked: Asked | None = ask_subjects(connection, user_id, likely, whole=whole)
            found = locked.fetchone()
            # Merged into another, or split off, while we waited for the lock: the user id names that one now.
            if found is None and connection.execute(_KNOWN, (user_id,), binary=True).fetchone() is not None:
                found, asked = connection.execute(_ONE, (user_id, user_id), binary=True).fetchone(), None
            if found is None:
                raise UnknownUser(user_id)
            *columns, generation = found
            models, rows = self._models.at(connection, generation), [TimelineRow(*columns)]
            if rows[0].history_id is not None:
                raise SubjectInHistory(user_id, rows[0].history_id)
            if models is likely and asked is not None:
                yield self._work(connection, models, rows, found_of(connection, self._keyring, rows, models, asked))
            else:
                yield self._locked(connection, models, rows, whole=whole)

    def lock_all(self, connection: Connection, subject_ids: Sequence[UUID]) -> LockedWork:
        """Subjects under lock in a caller's transaction, whatever state they are in, but for merged ones.

        In the order of its rows.
        """
        models = self._begin(connection)
        return self._locked(connection, models, _rows(connection, _THESE, (list(subject_ids),)))

    def lock_settled(self, connection: Connection, subject_ids: Sequence[UUID]) -> LockedWork | None:
        """The same of those that belong to no open history; None when nobody is left."""
        models, rows = self._begin(connection), _rows(connection, _THESE, (list(subject_ids),))
        settled = [row for row in rows if row.history_id is None]
        return self._locked(connection, models, settled) if settled else None

    @contextmanager
    def take_behind(self, limit: int) -> Iterator[BulkWork | None]:
        """Subjects that have not seen the latest activation. Read in one transaction, written in others, as history is.

        Raises Undecidable.
        """
        with self._pool.connection() as connection:
            models = self._begin(connection)
            oldest = connection.execute(_OLDEST, (models.generation,), binary=True).fetchone()
            connection.commit()
            if oldest is None or oldest[0] is None:
                yield None
                return

            def waiting(bucket: int) -> list[TimelineRow]:
                return self._behind(connection, oldest[0], bucket, limit)

            with self._claimed(connection, _BEHIND_CLAIMS, waiting) as rows:
                if not rows:
                    yield None
                    return
                with undecidable([row.subject_id for row in rows]):
                    yield self._in_bulk(connection, rows, oldest[0])

    def _behind(self, connection: Connection, generation: int, bucket: int, limit: int) -> list[TimelineRow]:
        """From where the last look at the bucket ended: rows written since lie before it, dead but not yet gone."""
        low, high = UUID(int=max((bucket << 124) - 1, 0)), UUID(int=((bucket + 1) << 124) - 1)
        for after in dict.fromkeys((self._reached.get(bucket, low), low)):
            rows = _at_once(_rows(connection, _BEHIND, (generation, after, high, self._left_aside(), limit)))
            if rows:
                self._reached[bucket] = rows[-1].subject_id
                return rows
        return []

    @contextmanager
    def take_history(self, limit: int) -> Iterator[BulkWork | None]:
        """Subjects of a sealed session. Read in one transaction, written in others: record() notices what moved.

        Nobody else takes subjects of the same bucket meanwhile; the claim ends with the connection, whatever happens.
        Raises Undecidable.
        """
        with self._pool.connection() as connection:
            found = connection.execute(_SESSION, (self._left_aside(),), binary=True).fetchone()
            connection.commit()
            if found is None:
                yield None
                return
            session = _Session(*found)

            def waiting(bucket: int) -> list[TimelineRow]:
                low, high = UUID(int=bucket << 124), UUID(int=((bucket + 1) << 124) - 1)
                bounds = (session.history_id, low, high, self._left_aside(), limit)
                return _at_once(_rows(connection, _OF_SESSION, bounds))

            with self._claimed(connection, _HISTORY_CLAIMS, waiting) as rows:
                if not rows:
                    yield None
                    return
                with undecidable([row.subject_id for row in rows]):
                    yield self._historic(connection, session, rows)

    @contextmanager
    def _claimed(
        self, connection: Connection, claims: int, waiting: Callable[[int], list[TimelineRow]]
    ) -> Iterator[list[TimelineRow]]:
        """Who waits in a bucket that nobody else works on; nobody else does until the context ends."""
        for bucket in random.sample(range(_BUCKETS), _BUCKETS):
            if not _claim(connection, "pg_try_advisory_lock", claims, bucket):
                continue
            try:
                rows = waiting(bucket)
                if rows:
                    yield rows
                    return
            finally:
                connection.rollback()
                _claim(connection, "pg_advisory_unlock", claims, bucket)
        yield []

    def _historic(self, connection: Connection, session: _Session, rows: list[TimelineRow]) -> BulkWork:
        models = self._begin(connection)
        found = read_subjects(connection, self._keyring, rows, models, history_until=session.sealed_at)
        forces = models.forces_of_history(session.sealed_at, found.now)
        work = Work(found.subjects, found.table, forces, found.now)
        connection.commit()
        return BulkWork(self._pool, work, rows, found.seals, models, self._pace)

    def _in_bulk(self, connection: Connection, rows: list[TimelineRow], generation: int) -> BulkWork:
        """generation: the last that the rows have seen."""
        models = self._begin(connection)
        rows = _reaching(rows, models.next_change(generation))
        taken = self._locked(connection, models, rows)
        connection.commit()
        return BulkWork(self._pool, taken.work, rows, taken.seals, models, self._pace)

    def _left_aside(self) -> list[UUID]:
        now = time.monotonic()
        self._aside = {subject_id: until for subject_id, until in self._aside.items() if until > now}
        return list(self._aside)

    def _begin(self, connection: Connection) -> ModelsInForce:
        connection.execute(LOCK_SHARED)
        return self._models.read(connection)

    def _locked(
        self, connection: Connection, models: ModelsInForce, rows: list[TimelineRow], *, whole: bool = False
    ) -> LockedWork:
        found = read_subjects(connection, self._keyring, rows, models, whole=whole)
        return self._work(connection, models, rows, found)

    @staticmethod
    def _work(connection: Connection, models: ModelsInForce, rows: list[TimelineRow], found: Found) -> LockedWork:
        # What was scheduled for this very instant as well: commands are decided at it, and it comes before them. What
        # was in force until then is kept, also for whom all before it is decided: they may be decided no further.
        since = min(_decided_by_all(rows, found.table), found.now - 2)
        forces = models.forces(since, found.now + 1)
        work = Work(found.subjects, found.table, forces, found.now)
        return LockedWork(connection, work, rows, found.seals, models, found.to_pack)


@contextmanager
def undecidable(subject_ids: Sequence[UUID]) -> Iterator[None]:
    """Says whose work it was that failed, unless the fault is the server's and passes by itself."""
    try:
        yield
    except ProgramLimitExceeded as error:
        raise Undecidable(subject_ids, error) from error
    except OperationalError:
        raise
    except Exception as error:
        raise Undecidable(subject_ids, error) from error


def _at_once(rows: list[TimelineRow]) -> list[TimelineRow]:
    """The first of the rows, as many as have no more facts than are read at once; at least one."""
    read = 0
    for number, row in enumerate(rows):
        read += row.facts
        if read > _FACTS_AT_ONCE and number:
            return rows[:number]
    return rows


def _reaching(rows: Sequence[TimelineRow], change: int) -> list[TimelineRow]:
    """The rows as decided up to where something may come of deciding: until it is due, or another version comes into
    force, nothing does."""
    reached = [change if row.due_at is None else min(row.due_at, change) for row in rows]
    return [row._replace(decided_at=max(row.decided_at or 0, at - 1)) for row, at in zip(rows, reached, strict=True)]


def _decided_by_all(rows: Sequence[TimelineRow], table: FactTable) -> int:
    """An instant up to which everybody is decided, or was not known yet."""
    undecided = np.array([row.decided_at is None for row in rows], dtype=np.bool_)
    known = table.known_at[undecided[table.subject]]
    decided = [row.decided_at for row in rows if row.decided_at is not None]
    return min([*decided, int(known.min()) - 1] if len(known) else decided, default=-1)


def _claim(connection: Connection, function: str, claims: int, bucket: int) -> bool:
    row = connection.execute(f"select {function}(%s, %s)".encode(), (claims, bucket)).fetchone()
    connection.commit()
    return bool(row and row[0])


def _rows(connection: Connection, query: str, parameters: tuple[Any, ...]) -> list[TimelineRow]:
    return [TimelineRow(*row) for row in connection.execute(query, parameters, binary=True).fetchall()]
