"""The evaluator's side of the ledger: takes subjects under lock, reads what decides them, writes the outcome."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import structlog
from psycopg import Connection, Cursor, OperationalError
from psycopg.errors import ProgramLimitExceeded

from application.evaluation.ports import Undecidable, Work
from application.queries import UnknownUser
from domain.facts.history import SubjectInHistory
from domain.facts.table import FactTable
from domain.user_tier.decide import Subject, columns_read, lines_read
from domain.user_tier.observation import Observation, decode_observation, openings_as_changes
from domain.user_tier.tags import held_tags
from infrastructure.evaluation.work import BulkWork, LockedWork, TimelineRow
from infrastructure.facts.read import facts_of
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION, Seal
from infrastructure.tier_models.in_force import LAST_GENERATION, LOCK_SHARED, ModelsInForce, ModelsInForceReader

_log = structlog.get_logger(__name__)

_COLUMNS = "subject_id, due_at, last_position, decided_at, stream_version, facts, history_id"
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
select {_COLUMNS} from timelines where subject_id = (select subject_id from user_ids where user_id = %b) for update
"""
_THESE = f"select {_COLUMNS} from timelines where subject_id = any(%b) order by subject_id for update"
_SESSION = """
select history_id, sealed_at, generation from history_sessions h
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
_OBSERVATIONS = "select subject_id, body from observations where subject_id = any(%b)"


class _Session(NamedTuple):
    history_id: UUID
    sealed_at: int
    generation: int | None


class PostgresEvaluationLedger:
    """Fulfils EvaluationLedger. Safe for many threads and processes: subjects are locked, or skipped."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._models = ModelsInForceReader()
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
                yield self._locked(connection, models, rows)

    @contextmanager
    def take_user(self, user_id: str) -> Iterator[LockedWork]:
        """The user's subject under lock. Raises UnknownUser, SubjectInHistory."""
        with transaction(self._pool) as connection:
            with connection.pipeline():
                connection.execute(LOCK_SHARED)
                generation = connection.execute(LAST_GENERATION)
                found = connection.execute(_ONE, (user_id,), binary=True)
            models, rows = self._models.as_told(connection, generation), _timelines(found)
            if not rows:
                raise UnknownUser(user_id)
            if rows[0].history_id is not None:
                raise SubjectInHistory(user_id, rows[0].history_id)
            yield self._locked(connection, models, rows)

    def lock_all(self, connection: Connection, subject_ids: Sequence[UUID]) -> LockedWork:
        """Subjects under lock in a caller's transaction, whatever state they are in. In the order of its rows."""
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
                    yield self._in_bulk(connection, rows)

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
        now, subjects, seals = self._subjects(connection, rows, history_until=session.sealed_at)
        forces = models.forces_of_history(session.generation or 0, now)
        work = Work(subjects, self._facts(connection, rows, models), forces, now)
        connection.commit()
        return BulkWork(self._pool, work, rows, seals, models)

    def _in_bulk(self, connection: Connection, rows: list[TimelineRow]) -> BulkWork:
        models = self._begin(connection)
        taken = self._locked(connection, models, rows)
        connection.commit()
        return BulkWork(self._pool, taken.work, rows, taken.seals, models)

    def _left_aside(self) -> list[UUID]:
        now = time.monotonic()
        self._aside = {subject_id: until for subject_id, until in self._aside.items() if until > now}
        return list(self._aside)

    def _begin(self, connection: Connection) -> ModelsInForce:
        connection.execute(LOCK_SHARED)
        return self._models.read(connection)

    def _locked(self, connection: Connection, models: ModelsInForce, rows: list[TimelineRow]) -> LockedWork:
        now, subjects, seals = self._subjects(connection, rows)
        table = self._facts(connection, rows, models)
        work = Work(subjects, table, models.forces(_decided_by_all(rows, table), now), now)
        return LockedWork(connection, work, rows, seals, models)

    def _facts(self, connection: Connection, rows: list[TimelineRow], models: ModelsInForce) -> FactTable:
        ids = [row.subject_id for row in rows]
        kinds, lines = columns_read(models.models), lines_read(models.models)
        return facts_of(connection, ids, self._keyring, kinds, with_lines=lines)

    def _subjects(
        self, connection: Connection, rows: Sequence[TimelineRow], history_until: int | None = None
    ) -> tuple[int, list[Subject], dict[UUID, Seal]]:
        """Now, read under the subjects' locks, and the subjects with their seals. One round trip."""
        ids = [row.subject_id for row in rows]
        with connection.pipeline():
            clock = connection.execute("select tierline_now()")
            keys = self._keyring.ask(connection, ids)
            observed = connection.execute(_OBSERVATIONS, (ids,), binary=True)
        now, seals = _now(clock), self._keyring.unwrap_many(keys.fetchall())
        bodies: dict[UUID, bytes] = dict(observed.fetchall())
        subjects = []
        for row in rows:
            body, seal = bodies.get(row.subject_id), seals.get(row.subject_id)
            observation = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body)) if body and seal else Observation()
            subjects.append(
                Subject(
                    row.subject_id,
                    row.stream_version,
                    row.decided_at,
                    observation,
                    history_until,
                    held_tags(observation),
                    changes=openings_as_changes(observation),
                )
            )
        return now, subjects, seals


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


def _decided_by_all(rows: Sequence[TimelineRow], table: FactTable) -> int:
    """An instant up to which everybody is decided, or was not known yet."""
    undecided = np.array([row.decided_at is None for row in rows])
    known = table.known_at[undecided[table.subject]]
    decided = [row.decided_at for row in rows if row.decided_at is not None]
    return min([*decided, int(known.min()) - 1] if len(known) else decided, default=-1)


def _claim(connection: Connection, function: str, claims: int, bucket: int) -> bool:
    row = connection.execute(f"select {function}(%s, %s)".encode(), (claims, bucket)).fetchone()
    connection.commit()
    return bool(row and row[0])


def _rows(connection: Connection, query: str, parameters: tuple[Any, ...]) -> list[TimelineRow]:
    return _timelines(connection.execute(query, parameters, binary=True))


def _timelines(found: Cursor) -> list[TimelineRow]:
    return [TimelineRow(*row) for row in found.fetchall()]


def _now(clock: Cursor) -> int:
    row = clock.fetchone()
    assert row is not None
    return int(row[0])
