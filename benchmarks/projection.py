"""What both projection benchmarks stand on: a log written by the event store, read into memory beforehand."""

import gc
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

from infrastructure.event_store.tail import LogTail
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.pool import open_pool
from infrastructure.read_models.ledger import PostgresLedger
from projections.catalogue import ReadModel
from projections.catch_up import CatchUp
from projections.checkpoint import Status
from projections.records import Record, Tail, TailBatch
from projections.target import Projector, Target
from tests.projections.written_log import WrittenLog

TIERS = ("low", "mid", "high")


class ReadLog:
    """A tail whose records are in memory, so that what is measured is projecting and writing."""

    def __init__(self, tail: LogTail, model: ReadModel) -> None:
        self._head = tail.head()
        self._lanes = {}
        for lane in range(model.lanes):
            parts = model.partitions(lane)
            records = tail.read(
                parts, 0, 10_000_000, events=bool(model.topics), observations=model.observations
            ).records
            self._lanes[parts] = (records, [record.position for record in records])

    def read(
        self, partitions: Sequence[int], after: int, limit: int, *, events: bool = True, observations: bool = True
    ) -> TailBatch:
        records, positions = self._lanes[tuple(partitions)]
        start = bisect_right(positions, after)
        found = records[start : start + limit]
        return TailBatch(found, found[-1].position if len(found) == limit else self._head, self._head)

    def read_subject(self, subject_id: UUID, after: int) -> Sequence[Record]:
        raise NotImplementedError

    def head(self) -> int:
        return self._head


@dataclass
class Ground:
    """A written log and the book of versions."""

    log: WrittenLog
    ledger: PostgresLedger

    def seconds(self, model: ReadModel, version: int, projector: Projector, target: Target, tail: Tail) -> float:
        """How long one version takes from position 0 to the head, checkpoints included."""
        self.ledger.register(model.name, version, Status.SERVING, model.lanes)
        catch_up = CatchUp(model, version, projector, target, tail, self.ledger, "bench")
        return timed(lambda: _to_head(catch_up))


@contextmanager
def ground(dsn: str, users: int) -> Iterator[Ground]:
    """Users decided once, in the database of `dsn`, which should be empty."""
    migrate(dsn)
    pool = open_pool(dsn, name="bench-projection")
    try:
        log = WrittenLog(pool)
        log.decide({f"user-{number:08}": TIERS[number % 3] for number in range(users)})
        with like_a_worker():
            yield Ground(log, PostgresLedger(pool))
    finally:
        pool.close()


@contextmanager
def like_a_worker() -> Iterator[None]:
    """The garbage collector as the worker process sets it."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def timed(action: Callable[[], object]) -> float:
    """Seconds that it takes."""
    started = perf_counter()
    action()
    return perf_counter() - started


def _to_head(catch_up: CatchUp) -> None:
    progress = catch_up.run(600, answers=True)
    assert progress.at_head
