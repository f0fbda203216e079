"""The evaluator's side of the ledger: takes subjects under lock, reads what decides them, writes the outcome."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from application.evaluation.ports import Work
from application.queries import UnknownUser
from domain.facts.history import SubjectInHistory
from domain.user_tier.decide import BatchResult, Decided, Subject, columns_read, lines_read
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.event_store.append import AppendBatch, append
from infrastructure.event_store.bulk import BulkAppender, Stream
from infrastructure.event_store.rows import EventRow, ObservationRow, seal_event, seal_observation
from infrastructure.facts.read import facts_of
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION, Seal
from infrastructure.tier_models.in_force import LOCK_SHARED, ModelsInForce, ModelsInForceReader

_COLUMNS = "subject_id, due_at, last_position, decided_at, stream_version, facts, history_id"
_DUE = f"""
select {_COLUMNS} from timelines where due_at <= (select tierline_peek()) order by due_at limit %b
for update skip locked
"""
# Subjects that an activation has not reached yet: they are decided anew at its instant.
_BEHIND = f"""
select {_COLUMNS} from timelines where generation < %b and history_id is null order by generation limit %b
for update skip locked
"""
_ONE = f"""
select {_COLUMNS} from timelines where subject_id = (select subject_id from user_ids where user_id = %b) for update
"""
_SESSION = """
select history_id, sealed_at, generation from history_sessions h
where sealed_at is not null and exists (select from timelines t where t.history_id = h.history_id)
order by sealed_at limit 1
"""
_OF_SESSION = f"""
select {_COLUMNS} from timelines where history_id = %b and subject_id between %b and %b order by subject_id limit %b
"""
_BUCKETS = 16  # of a session's subjects, by the first hex digit of their ids: one process works on a bucket at a time
_OBSERVATIONS = "select subject_id, body from observations where subject_id = any(%b)"
_UPDATE = """
update timelines t set due_at = d.due_at, decided_at = d.decided_at, stream_version = d.stream_version,
    generation = %(generation)s, last_instant = greatest(t.last_instant, d.decided_at), history_id = null
from unnest(%(subjects)b::uuid[], %(due)b::bigint[], %(decided)b::bigint[], %(versions)b::int[],
            %(read_versions)b::int[], %(read_positions)b::bigint[])
    as d (subject_id, due_at, decided_at, stream_version, read_version, read_position)
where t.subject_id = d.subject_id and t.last_position = d.read_position and t.stream_version = d.read_version
"""


class _Row(NamedTuple):
    subject_id: UUID
    due_at: int | None
    last_position: int
    decided_at: int | None
    stream_version: int
    facts: int
    history_id: UUID | None


class TimelineMoved(Exception):
    """Facts came for a subject while its history was being decided: decide it again."""


class PostgresEvaluationLedger:
    """Fulfils EvaluationLedger. Safe for many threads and processes: subjects are locked, or skipped."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._models = ModelsInForceReader()

    @contextmanager
    def take_due(self, limit: int) -> Iterator["LockedWork | None"]:
        """Up to `limit` due subjects under lock; None when there are none."""
        with transaction(self._pool) as connection:
            models = self._begin(connection)
            rows = _rows(connection, _DUE, (limit,))
            if len(rows) < limit:
                taken = {row.subject_id for row in rows}
                behind = _rows(connection, _BEHIND, (models.generation, limit - len(rows)))
                rows += [row for row in behind if row.subject_id not in taken]
            if not rows:
                yield None
                return
            yield self._locked(connection, models, rows)

    @contextmanager
    def take_user(self, user_id: str) -> Iterator["LockedWork"]:
        """The user's subject under lock. Raises UnknownUser, SubjectInHistory."""
        with transaction(self._pool) as connection:
            models = self._begin(connection)
            rows = _rows(connection, _ONE, (user_id,))
            if not rows:
                raise UnknownUser(user_id)
            if rows[0].history_id is not None:
                raise SubjectInHistory(user_id, rows[0].history_id)
            yield self._locked(connection, models, rows)

    @contextmanager
    def take_history(self, limit: int) -> Iterator["HistoryWork | None"]:
        """Subjects of a sealed session. Read in one transaction, written in others: record() notices what moved.

        Nobody else takes subjects of the same bucket meanwhile; the claim ends with the connection, whatever happens.
        """
        with self._pool.connection() as connection:
            for bucket in random.sample(range(_BUCKETS), _BUCKETS):
                if not _claim(connection, "pg_try_advisory_lock", bucket):
                    continue
                try:
                    work = self._of_session(connection, bucket, limit)
                    connection.commit()
                    if work is not None:
                        yield work
                        return
                finally:
                    connection.rollback()
                    _claim(connection, "pg_advisory_unlock", bucket)
            yield None

    def _of_session(self, connection: Connection, bucket: int, limit: int) -> "HistoryWork | None":
        models = self._begin(connection)
        session = connection.execute(_SESSION).fetchone()
        if session is None:
            return None
        low, high = UUID(int=bucket << 124), UUID(int=((bucket + 1) << 124) - 1)
        rows = _rows(connection, _OF_SESSION, (session[0], low, high, limit))
        if not rows:
            return None
        now = _now(connection)
        subjects, seals = self._subjects(connection, rows, history_until=session[1])
        forces = models.forces_of_history(session[2] or 0)
        table = facts_of(
            connection,
            [row.subject_id for row in rows],
            self._keyring,
            columns_read(models.models),
            with_lines=lines_read(models.models),
        )
        return HistoryWork(self._pool, Work(subjects, table, forces, now), rows, seals, models)

    def _begin(self, connection: Connection) -> ModelsInForce:
        connection.execute(LOCK_SHARED)
        return self._models.read(connection)

    def _locked(self, connection: Connection, models: ModelsInForce, rows: list[_Row]) -> "LockedWork":
        now = _now(connection)
        subjects, seals = self._subjects(connection, rows)
        decided_at = [row.decided_at for row in rows if row.decided_at is not None]
        since = min(decided_at) if len(decided_at) == len(rows) else -1
        table = facts_of(
            connection,
            [row.subject_id for row in rows],
            self._keyring,
            columns_read(models.models),
            with_lines=lines_read(models.models),
        )
        return LockedWork(connection, Work(subjects, table, models.forces(since), now), rows, seals, models)

    def _subjects(
        self, connection: Connection, rows: Sequence[_Row], history_until: int | None = None
    ) -> tuple[list[Subject], dict[UUID, Seal]]:
        ids = [row.subject_id for row in rows]
        seals = self._keyring.seals(connection, ids)
        bodies: dict[UUID, bytes] = dict(connection.execute(_OBSERVATIONS, (ids,), binary=True).fetchall())
        subjects = []
        for row in rows:
            body, seal = bodies.get(row.subject_id), seals.get(row.subject_id)
            observation = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body)) if body and seal else Observation()
            subjects.append(Subject(row.subject_id, row.stream_version, row.decided_at, observation, history_until))
        return subjects, seals


@dataclass(frozen=True, slots=True)
class LockedWork:
    """Work whose rows are locked in one transaction, which record() commits."""

    connection: Connection
    work: Work
    rows: Sequence[_Row]
    seals: dict[UUID, Seal]
    models: ModelsInForce

    def record(self, result: BatchResult) -> int:
        """Events, observations and timelines together; answers the last position."""
        batch = _Sealed(self.rows, result, self.seals, self.models, self.work.now)
        self.connection.execute(_UPDATE, batch.timelines(self.rows, result.decided), binary=True)
        events = [event for stream in batch.streams for event in stream.events]
        observations = [stream.observation for stream in batch.streams if stream.observation is not None]
        return append(self.connection, AppendBatch(events, observations))


@dataclass(frozen=True, slots=True)
class HistoryWork:
    """Work on sealed history: written in bulk, in several short transactions, each subject in one of them."""

    pool: Pool
    work: Work
    rows: Sequence[_Row]
    seals: dict[UUID, Seal]
    models: ModelsInForce

    def record(self, result: BatchResult) -> int:
        """In chunks of whole subjects. A subject whose facts have moved on stays for the next batch."""
        batch = _Sealed(self.rows, result, self.seals, self.models, self.work.now)
        by_subject = {row.subject_id: (row, decided) for row, decided in zip(self.rows, result.decided, strict=True)}

        def before(connection: Connection, chunk: Sequence[Stream]) -> None:
            pairs = [by_subject[_subject_of(stream)] for stream in chunk]
            rows, decided = [row for row, _ in pairs], [found for _, found in pairs]
            ids = [row.subject_id for row in rows]
            connection.execute(
                "select from timelines where subject_id = any(%b) order by subject_id for update", (ids,)
            )
            moved = connection.execute(_UPDATE, batch.timelines(rows, decided), binary=True).rowcount
            if moved != len(rows):
                raise TimelineMoved

        try:
            progress = BulkAppender(self.pool, before).append(batch.streams)
        except TimelineMoved:
            return 0
        return progress.last_position


class _Sealed:
    """A batch's outcome as rows to write."""

    def __init__(
        self, rows: Sequence[_Row], result: BatchResult, seals: dict[UUID, Seal], models: ModelsInForce, now: int
    ) -> None:
        self._now, self._generation = now, models.generation
        self.streams = []
        for row, decided in zip(rows, result.decided, strict=True):
            seal = seals.get(row.subject_id)
            if seal is None:
                continue
            events: list[EventRow] = [seal_event(event, seal, now) for event in decided.events]
            through = max(row.last_position, models.position)
            observation: ObservationRow = seal_observation(
                decided.observation, seal, through=through, decided_at=now - 1, due_at=decided.due_at
            )
            self.streams.append(Stream(events, observation))

    def timelines(self, rows: Sequence[_Row], decided: Sequence[Decided]) -> dict[str, Any]:
        """Parameters of the update of these subjects' timelines."""
        return {
            "generation": self._generation,
            "subjects": [row.subject_id for row in rows],
            "due": [found.due_at for found in decided],
            "decided": [self._now - 1] * len(rows),
            "versions": [row.stream_version + len(found.events) for row, found in zip(rows, decided, strict=True)],
            "read_versions": [row.stream_version for row in rows],
            "read_positions": [row.last_position for row in rows],
        }


def _claim(connection: Connection, function: str, bucket: int) -> bool:
    row = connection.execute(f"select {function}(7307, %s)".encode(), (bucket,)).fetchone()
    connection.commit()
    return bool(row and row[0])


def _subject_of(stream: Stream) -> UUID:
    assert stream.observation is not None
    return stream.observation.subject_id


def _rows(connection: Connection, query: str, parameters: tuple[Any, ...]) -> list[_Row]:
    return [_Row(*row) for row in connection.execute(query, parameters, binary=True).fetchall()]


def _now(connection: Connection) -> int:
    row = connection.execute("select tierline_now()").fetchone()
    assert row is not None
    return int(row[0])
