"""Bring one version of a read model up to the head of the log: lease, read, project, write, checkpoint."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog

from projections.catalogue import ReadModel
from projections.checkpoint import Lease, Ledger
from projections.parking import ParkingLot
from projections.records import Tail, TailBatch
from projections.target import LaneBatch, LaneLost, Projector, Target

BATCH = 2_000  # records read and written at a time
LEASE_SECONDS = 15.0
SETTLE_SECONDS = 1.0  # while behind, how often what was written is made visible

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Progress:
    """Of one run. positions: lane -> checkpoint; busy: lanes that somebody else holds; records: how many were read.

    head: as the run began; whoever waits for later writes would wait for ever.
    """

    positions: dict[int, int]
    head: int
    busy: frozenset[int] = frozenset()
    records: int = 0

    @property
    def position(self) -> int:
        """How far the whole version has come."""
        return min(self.positions.values(), default=0)

    @property
    def at_head(self) -> bool:
        """Whether every lane has met the head."""
        return self.position >= self.head


@dataclass
class _Run:
    """The state of one run: leases held, where each lane stands, which lanes have more to read."""

    fences: dict[int, int]
    positions: dict[int, int]
    behind: set[int]
    lot: ParkingLot
    leased_at: float = field(default_factory=time.monotonic)
    settled_at: float = field(default_factory=time.monotonic)
    unsettled: bool = False
    records: int = 0

    def lose(self, lane: int) -> None:
        self.fences.pop(lane, None)
        self.positions.pop(lane, None)
        self.behind.discard(lane)


class CatchUp:
    """Projects one version of one read model. Any number may run at once: leases part the lanes."""

    def __init__(
        self,
        model: ReadModel,
        version: int,
        projector: Projector,
        target: Target,
        tail: Tail,
        ledger: Ledger,
        holder: str,
        *,
        batch: int = BATCH,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self.model, self.version = model, version
        self._projector, self._target, self._tail, self._ledger = projector, target, tail, ledger
        self._holder, self._batch, self._lease_seconds = holder, batch, lease_seconds
        self._alone = threading.Lock()

    def run(self, seconds: float, answers: bool, stop: Callable[[], bool] = lambda: False) -> Progress:
        """Go on until every lane has met the head, or time is up. answers: whether readers are pointed here.

        Costs two reads and no write when there is nothing to do. Raises the store's and the database's errors.
        """
        with self._alone:
            self._prepare(answers)
            positions, head = self._positions(), self._tail.head()
            if min(positions.values()) >= head:
                return Progress(positions, head)
            wanted = frozenset(lane for lane, at in positions.items() if at < head)
            run = self._begin(self._acquire(sorted(wanted)))
            try:
                self._rounds(run, time.monotonic() + seconds, stop)
            finally:
                self._ledger.release(self.model.name, self.version, self._holder)
            busy = wanted.difference(run.fences)
            return Progress({**positions, **run.positions}, head, busy, run.records)

    def retry_parked(self, wait_seconds: float = 30.0) -> int:
        """Project parked subjects again, each from its first waiting record. Returns how many were freed.

        Those that fail again stay parked with the new reason.
        """
        with self._alone:
            deadline = time.monotonic() + wait_seconds
            lot = ParkingLot(self._ledger, self.model, self.version, self._projector)
            freed = 0
            for parked in lot.rows():
                lease = self._acquire_one(parked.partition % self.model.lanes, deadline)
                try:
                    operations = lot.project_again(
                        parked, self._tail.read_subject(parked.subject_id, parked.position - 1)
                    )
                    if operations is not None:
                        batch = LaneBatch(lease.lane, lease.fence, None, None, operations)
                        refused = self._target.apply(self.version, batch)
                        self._target.settle(self.version)
                        freed += lot.settle_retry(parked, refused)
                finally:
                    self._ledger.release(self.model.name, self.version, self._holder)
            return freed

    def _prepare(self, answers: bool) -> None:
        if self._target.missing(self.version, answers):
            # Checkpoints first: a crash between the two leaves a missing place, which is found again.
            if not self._ledger.reset(self.model.name, self.version):
                return
            self._target.create(self.version)
            _log.debug("read_model_begins_at_zero", name=self.model.name, version=self.version)
        if answers:
            self._target.point_to(self.version)

    def _positions(self) -> dict[int, int]:
        if self._target.keeps_checkpoints:
            kept = self._target.positions(self.version)
        else:
            kept = self._ledger.positions(self.model.name, self.version)
        return {lane: kept.get(lane, 0) for lane in range(self.model.lanes)}

    def _acquire(self, lanes: Sequence[int]) -> list[Lease]:
        return self._ledger.acquire(self.model.name, self.version, lanes, self._holder, self._lease_seconds)

    def _acquire_one(self, lane: int, deadline: float) -> Lease:
        while True:
            leases = self._acquire((lane,))
            if leases:
                return leases[0]
            if time.monotonic() > deadline:
                raise LaneLost(f"lane {lane} of {self.model.name} is held by another worker: try again")
            time.sleep(0.05)

    def _begin(self, leases: Sequence[Lease]) -> _Run:
        # Known again under the lease: the former holder may have moved on since.
        positions = {lease.lane: lease.position for lease in leases}
        if self._target.keeps_checkpoints:
            kept = self._target.positions(self.version)
            positions = {lane: kept.get(lane, 0) for lane in positions}
        lot = ParkingLot(self._ledger, self.model, self.version, self._projector)
        return _Run({lease.lane: lease.fence for lease in leases}, positions, set(positions), lot)

    def _rounds(self, run: _Run, deadline: float, stop: Callable[[], bool]) -> None:
        while run.behind and time.monotonic() < deadline and not stop():
            for lane in sorted(run.behind):
                self._write(run, lane, self._read(lane, run.positions[lane]))
            if time.monotonic() - run.settled_at >= SETTLE_SECONDS:
                self._settle(run)
            self._prolong(run)
        self._settle(run)

    def _read(self, lane: int, after: int) -> TailBatch:
        model = self.model
        return self._tail.read(
            model.partitions(lane), after, self._batch, events=bool(model.topics), observations=model.observations
        )

    def _write(self, run: _Run, lane: int, batch: TailBatch) -> None:
        operations = run.lot.project(batch.records)
        after = run.positions[lane]
        try:
            refused = self._target.apply(
                self.version, LaneBatch(lane, run.fences[lane], after, batch.position, operations)
            )
        except LaneLost as lost:
            _log.info("lane_lost", name=self.model.name, version=self.version, lane=lane, reason=str(lost))
            run.lose(lane)
            return
        run.lot.park_refused(refused)
        run.positions[lane] = batch.position
        run.records += len(batch.records)
        run.unsettled = True
        if batch.position >= batch.head:
            run.behind.discard(lane)

    def _settle(self, run: _Run) -> None:
        if not run.unsettled:
            return
        self._target.settle(self.version)
        if not self._target.keeps_checkpoints:
            reached = {lane: (fence, run.positions[lane]) for lane, fence in run.fences.items()}
            kept = self._ledger.save(self.model.name, self.version, reached)
            for lane in set(reached) - kept:
                run.lose(lane)
        run.settled_at, run.unsettled = time.monotonic(), False

    def _prolong(self, run: _Run) -> None:
        if time.monotonic() - run.leased_at < self._lease_seconds / 3:
            return
        leases = {lease.lane: lease.fence for lease in self._acquire(tuple(run.fences))}
        for lane, fence in list(run.fences.items()):
            if leases.get(lane) != fence:
                run.lose(lane)
        run.leased_at = time.monotonic()
