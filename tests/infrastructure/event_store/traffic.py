"""Traffic against one ledger: writers of mixed batches and bulk appenders, and what they say they wrote."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from random import Random
from uuid import UUID

from psycopg import Connection

from infrastructure.event_store.append import AppendBatch, VersionConflict, append
from infrastructure.event_store.bulk import BulkAppender, Stream
from infrastructure.event_store.small_appends import EventStore
from infrastructure.event_store.subjects import SubjectRef, Subjects
from infrastructure.postgres.pool import Pool, open_pool, transaction
from infrastructure.security.keyring import Keyring
from tests.infrastructure.event_store.world import MASTER_KEY, event, observation


@dataclass(frozen=True)
class Share:
    """One process's part. streams: how many it writes to, in each of its threads."""

    dsn: str
    name: str
    threads: int
    events_each: int
    largest_batch: int
    bulk: bool


@dataclass
class Written:
    """Last version per stream, the observation last written to it, and how often things went wrong as planned."""

    versions: dict[UUID, int]
    observed: dict[UUID, int]
    conflicts: int = 0
    rollbacks: int = 0
    mean_hold: float = 0.0
    longest_hold: float = 0.0


class Planned(Exception):
    """A failure just before the append, on purpose."""


def run(share: Share) -> list[Written]:
    """Write the share; to be called in a process of its own."""
    keyring = Keyring(MASTER_KEY)
    with (
        open_pool(share.dsn, 1, share.threads + 1, name=share.name) as pool,
        ThreadPoolExecutor(share.threads) as threads,
    ):
        store = EventStore(pool)
        writer = _bulk if share.bulk else _mixed
        return list(threads.map(lambda number: writer(share, number, pool, keyring, store), range(share.threads)))


def _mixed(share: Share, number: int, pool: Pool, keyring: Keyring, store: EventStore) -> Written:
    """Batches from one event up: joined with other threads', alone in a transaction, conflicting, or rolled back."""
    random = Random(f"{share.name}-{number}")
    refs = _refs(share, number, pool, keyring, 20)
    written = Written({ref.subject_id: 0 for ref in refs}, {})
    total = 0
    for turn in count(1):
        if total >= share.events_each:
            return written
        size = random.choice([1, 1, 2, 5, 20, share.largest_batch])
        batch, ahead = _batch(random, refs, written, size, turn)
        kind = random.randrange(12)
        if kind == 0:
            written.rollbacks += _rolled_back(pool, batch)
        elif kind == 1 and any(written.versions.values()):
            written.conflicts += _conflicting(pool, refs, written, batch)
        else:
            _write(pool, store, batch, joined=kind < 7)
            written.versions.update(ahead)
            written.observed.update({row.subject_id: turn for row in batch.observations})
            total += len(batch.events)
    raise AssertionError("unreachable")


def _batch(
    random: Random, refs: list[SubjectRef], written: Written, size: int, turn: int
) -> tuple[AppendBatch, dict[UUID, int]]:
    ahead: dict[UUID, int] = {}
    events = []
    for ref in random.choices(refs, k=size):
        version = ahead.get(ref.subject_id, written.versions[ref.subject_id]) + 1
        ahead[ref.subject_id] = version
        events.append(event(ref, version))
    return AppendBatch(events, [observation(ref, turn) for ref in refs if ref.subject_id in ahead]), ahead


def _write(pool: Pool, store: EventStore, batch: AppendBatch, joined: bool) -> None:
    if joined:
        store.append_small(batch)
        return
    with transaction(pool) as connection:
        _touch(connection, batch)
        append(connection, batch)


def _rolled_back(pool: Pool, batch: AppendBatch) -> int:
    """Takes positions and gives them up: a gap."""
    try:
        with transaction(pool) as connection:
            _touch(connection, batch)
            connection.execute("select nextval('positions') from tierline_order_lock()")
            raise Planned
    except Planned:
        return 1


def _conflicting(pool: Pool, refs: list[SubjectRef], written: Written, batch: AppendBatch) -> int:
    taken = next(ref for ref in refs if written.versions[ref.subject_id])
    try:
        with transaction(pool) as connection:
            append(connection, AppendBatch([*batch.events, event(taken, 1)], batch.observations))
    except VersionConflict:
        return 1
    return 0


def _touch(connection: Connection, batch: AppendBatch) -> None:
    ids = sorted({row.originator_id for row in batch.events})
    connection.execute("select 1 from timelines where subject_id = any(%s) order by subject_id for update", (ids,))


def _bulk(share: Share, number: int, pool: Pool, keyring: Keyring, store: EventStore) -> Written:
    """New streams of ten events and an observation each."""
    written = Written({}, {})

    def streams() -> Iterator[Stream]:
        for start in range(0, share.events_each // 10, 1000):
            size = min(1000, share.events_each // 10 - start)
            for ref in _refs(share, number, pool, keyring, size, start):
                written.versions[ref.subject_id], written.observed[ref.subject_id] = 10, 1
                yield Stream([event(ref, version) for version in range(1, 11)], observation(ref, 1))

    appender = BulkAppender(pool, observations_are_new=number % 2 == 0)
    appender.append(streams())
    written.mean_hold = appender.progress.held / appender.progress.chunks
    written.longest_hold = appender.progress.longest_hold
    return written


def _refs(share: Share, number: int, pool: Pool, keyring: Keyring, size: int, start: int = 0) -> list[SubjectRef]:
    user_ids = [f"{share.name}-{number}-{index}" for index in range(start, start + size)]
    with transaction(pool) as connection:
        return list(Subjects(keyring).resolve_or_create(connection, user_ids, now=1).values())
