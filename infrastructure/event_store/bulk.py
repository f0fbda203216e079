"""Bulk append: whole streams by COPY, in short transactions that hold the order lock for some 50 ms at most."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from psycopg import Connection
from psycopg.errors import UniqueViolation

from infrastructure.event_store.append import conflict_of
from infrastructure.event_store.copy_rows import (
    COPY_EVENTS,
    COPY_OBSERVATIONS,
    encode_events,
    encode_observations,
    framed,
)
from infrastructure.event_store.rows import EventRow, ObservationRow
from infrastructure.postgres.commit_with import Statement, commit_with
from infrastructure.postgres.pool import Pool, transaction

_STAGE = """
create temporary table if not exists staged_observations (
    subject_id uuid not null, through bigint not null, decided_at bigint not null, due_at bigint, body bytea not null
) on commit delete rows
"""
_COPY_STAGED = COPY_OBSERVATIONS.replace("copy observations", "copy staged_observations")
_UPSERT: Statement = (
    """
insert into observations (subject_id, through, decided_at, due_at, body)
select subject_id, through, decided_at, due_at, body from staged_observations
on conflict (subject_id) do update set position = excluded.position, through = excluded.through,
    decided_at = excluded.decided_at, due_at = excluded.due_at, body = excluded.body
""",
    (),
)
_LAST_POSITION: Statement = ("select currval('positions')", ())

_FIRST_CHUNK_ROWS = 1_000
_SMALLEST_CHUNK_ROWS = 100
_LARGEST_CHUNK_ROWS = 20_000


@dataclass(slots=True)
class Stream:
    """What is to be appended for one subject: events in the order of their versions, and its observation."""

    events: Sequence[EventRow]
    observation: ObservationRow | None = None

    @property
    def rows(self) -> int:
        """How many rows it writes."""
        return len(self.events) + (self.observation is not None)


Before = Callable[[Connection, Sequence[Stream]], Sequence[Stream]]


@dataclass(slots=True)
class BulkProgress:
    """What has been committed so far. held, longest_hold: of the order lock, over all chunks and in one, seconds."""

    events: int = 0
    observations: int = 0
    chunks: int = 0
    last_position: int = 0
    held: float = 0.0
    longest_hold: float = 0.0


@dataclass(slots=True)
class Pace:
    """How many rows fit into the order lock's hold, as measured so far. Whoever appends again and again keeps it.

    hold_seconds: for how long the lock may be held.
    """

    hold_seconds: float = 0.05
    rows: int = _FIRST_CHUNK_ROWS

    def learn(self, rows: int, held: float) -> None:
        """So many rows took that long, seconds. Grows slowly, shrinks at once: the bound is on the worst chunk, not on
        the average. What took little time shrinks nothing: much of it is the commit, whatever the rows."""
        aim = 0.6 * self.hold_seconds
        fitting = rows * aim / max(held, 0.001)
        if held <= aim:
            fitting = max(fitting, self.rows)
        self.rows = int(min(max(min(fitting, self.rows * 1.5), _SMALLEST_CHUNK_ROWS), _LARGEST_CHUNK_ROWS))


@dataclass(slots=True)
class BulkAppender:
    """Appends streams in chunks of whole streams; each chunk is one transaction.

    before: runs in each chunk's transaction, before the order lock, with the streams of the chunk: what must be written
    with them (timelines, for instance) is written there, and row locks are taken there. It answers the streams that are
    to be appended.
    observations_are_new: no subject has an observation yet, so that they need no staging.
    pace: what the size of chunks follows from.
    """

    pool: Pool
    before: Before | None = None
    observations_are_new: bool = False
    pace: Pace = field(default_factory=Pace)
    progress: BulkProgress = field(default_factory=BulkProgress)

    def append(self, streams: Iterable[Stream]) -> BulkProgress:
        """Append all of them and answer the progress, which callers may also watch.

        Raises VersionConflict (nothing of that chunk is written, earlier chunks stay), or what `before` raises.
        """
        for chunk in self._chunks(streams):
            self._append_chunk(chunk)
        return self.progress

    def _chunks(self, streams: Iterable[Stream]) -> Iterator[list[Stream]]:
        """Whole streams, up to the rows that fit the hold; a longer stream is a chunk of its own."""
        chunk: list[Stream] = []
        rows = 0
        for stream in streams:
            if chunk and rows + stream.rows > self.pace.rows:
                yield chunk
                chunk, rows = [], 0
            chunk.append(stream)
            rows += stream.rows
        if chunk:
            yield chunk

    def _append_chunk(self, chunk: list[Stream]) -> None:
        with transaction(self.pool) as connection:
            streams = chunk if self.before is None else self.before(connection, chunk)
            events = [event for stream in streams for event in stream.events]
            observations = [stream.observation for stream in streams if stream.observation is not None]
            event_bytes = framed(encode_events(events)) if events else b""
            observation_bytes = framed(encode_observations(observations)) if observations else b""
            if not events and not observations:
                return
            if observations and not self.observations_are_new:
                connection.execute(_STAGE)
                _copy(connection, _COPY_STAGED, observation_bytes)
            try:
                held, last_position = self._append_locked(connection, event_bytes, observation_bytes)
            except UniqueViolation as violation:
                raise conflict_of(violation) from violation
        self._account(len(events), len(observations), held, last_position)

    def _append_locked(self, connection: Connection, events: bytes, observations: bytes) -> tuple[float, int]:
        """Write under the order lock and commit. Answers the seconds held and the last position."""
        connection.execute("select tierline_order_lock()")
        started = time.perf_counter()
        if events:
            _copy(connection, COPY_EVENTS, events)
        if observations and self.observations_are_new:
            _copy(connection, COPY_OBSERVATIONS, observations)
        upsert = [_UPSERT] if observations and not self.observations_are_new else []
        row = commit_with(connection, *upsert, _LAST_POSITION)
        return time.perf_counter() - started, int(row[0])

    def _account(self, events: int, observations: int, held: float, last_position: int) -> None:
        progress = self.progress
        progress.events += events
        progress.observations += observations
        progress.chunks += 1
        progress.last_position = last_position
        progress.held += held
        progress.longest_hold = max(progress.longest_hold, held)
        self.pace.learn(events + observations, held)


def _copy(connection: Connection, statement: str, content: bytes) -> None:
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write(content)
