"""Many writers, bulk appenders and readers at once: none missed, none doubled, position order is commit order."""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from uuid import UUID

import pytest

from infrastructure.event_store.tail import LogTail
from projections.records import EventRecord, ObservationRecord
from tests.infrastructure.event_store.traffic import Share, Written, run
from tests.infrastructure.event_store.world import ALL, World


@dataclass
class Seen:
    """What one reader met, in its order."""

    positions: list[int] = field(default_factory=list)
    events: list[tuple[UUID, int]] = field(default_factory=list)
    observed: dict[UUID, int] = field(default_factory=dict)
    batches: int = 0


def read_on(tail: LogTail, partitions: Sequence[int], limit: int, over: Event) -> Seen:
    """Tail until the writers are over and nothing is left."""
    seen, after = Seen(), 0
    while True:
        last_round = over.is_set()
        batch = tail.read(partitions, after, limit)
        seen.batches += bool(batch.records)
        for record in batch.records:
            assert isinstance(record, EventRecord | ObservationRecord), record
            assert record.position > after
            seen.positions.append(record.position)
            after = record.position
            if isinstance(record, EventRecord):
                seen.events.append((record.subject_id, record.version))
            else:
                seen.observed[record.subject_id] = record.observation.facts_seen
        assert batch.position >= after
        after = batch.position
        if last_round and not batch.records:
            return seen


def under_traffic(world: World, shares: list[Share], limit: int) -> tuple[list[Written], list[Seen]]:
    """Run the shares, each in a process, with a reader of everything and one of two partitions beside them."""
    over = Event()
    with (
        ThreadPoolExecutor(2) as readers,
        ProcessPoolExecutor(len(shares), multiprocessing.get_context("spawn")) as writers,
    ):
        reading = [readers.submit(read_on, world.tail, part, limit, over) for part in (ALL, [2, 5])]
        try:
            writing: list[Future[list[Written]]] = [writers.submit(run, share) for share in shares]
            written = [thread for share in writing for thread in share.result()]
        finally:
            over.set()
        return written, [reader.result() for reader in reading]


def check(world: World, written: list[Written], seen: list[Seen]) -> None:
    everything, two_lanes = seen
    expected = {
        (stream, version)
        for thread in written
        for stream, last in thread.versions.items()
        for version in range(1, last + 1)
    }
    assert len(everything.events) == len(set(everything.events)), "doubled"
    assert set(everything.events) == expected, "missed, or what was rolled back was seen"
    for reader in seen:
        assert reader.positions == sorted(set(reader.positions))
        assert reader.batches > 1, "the reader did not run beside the writers"
    of_stream: dict[UUID, int] = {}
    for stream, version in everything.events:
        assert version == of_stream.get(stream, 0) + 1
        of_stream[stream] = version
    assert everything.observed == {stream: turn for thread in written for stream, turn in thread.observed.items()}
    lanes = world.tail.read([2, 5], 0, 10_000_000, observations=False)
    assert two_lanes.events == [(r.subject_id, r.version) for r in lanes.records]  # type: ignore[union-attr]
    assert sum(thread.conflicts for thread in written) > 0
    assert sum(thread.rollbacks for thread in written) > 0


def shares(dsn: str, small: int, bulk: int, largest_batch: int) -> list[Share]:
    """Sixteen writers in four processes and two bulk appenders in one; small and bulk: events each."""
    return [
        *(Share(dsn, f"writer-{number}", 4, small, largest_batch, bulk=False) for number in range(4)),
        Share(dsn, "bulk", 2, bulk, 0, bulk=True),
    ]


def test_sixteen_writers_and_two_bulk_appenders(world: World) -> None:
    written, seen = under_traffic(world, shares(world.dsn, small=800, bulk=10_000, largest_batch=100), limit=2_000)
    check(world, written, seen)
    assert len(seen[0].events) >= 16 * 800 + 2 * 10_000


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_million_events(world: World) -> None:
    started = time.perf_counter()
    written, seen = under_traffic(world, shares(world.dsn, small=20_000, bulk=340_000, largest_batch=300), limit=5_000)
    seconds = time.perf_counter() - started
    check(world, written, seen)
    events = len(seen[0].events)
    assert events >= 1_000_000
    mean, longest = (max(getattr(t, name) for t in written) * 1000 for name in ("mean_hold", "longest_hold"))
    conflicts, rollbacks = (sum(getattr(t, name) for t in written) for name in ("conflicts", "rollbacks"))
    print(
        f"\n{events} events and {len(seen[0].positions) - events} observations written and read in {seconds:.0f} s "
        f"({events / seconds:.0f} events/s), {conflicts} conflicts, {rollbacks} rollbacks, "
        f"bulk holds of {mean:.0f} ms, {longest:.0f} ms at the longest"
    )
