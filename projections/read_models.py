"""Everything that can be done with the read models: keep up, see how far they are, rebuild, pause, resume, retry."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec

from projections import rebuild as versions
from projections.catalogue import CATALOGUE, TRANSITIONS, USER_CARD, USER_SEARCH, ReadModel, read_model
from projections.catch_up import CatchUp, Progress
from projections.checkpoint import Ledger, Parked, Standing, Status
from projections.lag import LagReport, ReadModelLag, ReportBoard, measured, read_report, write_report
from projections.reconcile import Findings, Mirror, reconcile
from projections.records import Tail
from projections.target import Projector, Target
from projections.transitions import projector as transitions
from projections.user_card import projector as user_card
from projections.user_search import projector as user_search

_PROJECTORS: dict[str, Projector] = {
    USER_CARD.name: user_card.project,
    USER_SEARCH.name: user_search.project,
    TRANSITIONS.name: transitions.project,
}
SLICE_SECONDS = 2.0
_BUILDING_SLICE_SECONDS = 0.25  # the version in use is looked after again at least this often


class ParkedSubject(msgspec.Struct, frozen=True):
    """A subject that waits, and why. parked_at: RFC 3339."""

    subject_id: UUID
    position: int
    error: str
    parked_at: str


class ReadModelStatus(msgspec.Struct, frozen=True):
    """One read model as `projections status` shows it. building: version and position of a rebuild under way."""

    name: str
    version: int
    status: str
    store: str
    position: int
    head: int
    lag_events: int
    lag_seconds: float
    lanes: dict[int, int]
    parked: list[ParkedSubject]
    building: dict[str, int] | None


@dataclass(frozen=True)
class Kept:
    """What one call of catch_up did. records: read; more: whether to call again at once."""

    records: int
    more: bool
    busy: bool


class ReadModels:
    """The read models over one log. Safe for threads; any number of processes may do the same at once."""

    def __init__(
        self,
        tail: Tail,
        ledger: Ledger,
        targets: Mapping[str, Target],
        mirrors: Mapping[str, Mirror],
        board: ReportBoard,
        holder: str,
    ) -> None:
        """holder: a name that no other process has."""
        self._mirrors = mirrors
        self._tail, self._ledger, self._targets, self._board, self._holder = tail, ledger, targets, board, holder
        self._catch_ups: dict[tuple[str, int], CatchUp] = {}

    def catch_up(self, name: str, seconds: float = SLICE_SECONDS, stop: Callable[[], bool] = lambda: False) -> Kept:
        """Bring the version in use towards the head, then go on with a rebuild; switch when that has caught up."""
        model = read_model(name)
        runs = []
        for version, status in versions.settle_versions(self._ledger, model):
            catch_up = self._catch_up(model, version)
            if status == Status.SERVING and version >= model.version:
                runs.append(catch_up.run(seconds, answers=True, stop=stop))
            elif status == Status.BUILDING:
                runs.append(self._build(model, catch_up, min(seconds, _BUILDING_SLICE_SECONDS), stop))
            elif status == Status.RETIRED:
                versions.drop_retired(self._ledger, model, self._targets[name], self._holder)
        return Kept(
            sum(run.records for run in runs),
            more=any(not run.at_head and not run.busy for run in runs),
            busy=any(run.busy for run in runs),
        )

    def to_head(self, name: str, seconds: float = 60.0) -> bool:
        """Catch up until the version in use has met the head. Returns whether it did in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            kept = self.catch_up(name, min(SLICE_SECONDS, max(0.1, deadline - time.monotonic())))
            if not kept.more and not kept.busy:
                return True
            if kept.busy:
                time.sleep(0.05)
        return False

    def start_rebuild(self, name: str) -> int:
        """Have the next version built beside the one in use; workers do the rest. Returns its number."""
        return versions.start(self._ledger, read_model(name))

    def rebuild(
        self,
        name: str,
        report: Callable[[int, int], None] = lambda position, head: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> int:
        """Build the next version here (and wherever workers run) until it answers. report(position, head) as it goes.

        Returns its number. Interrupted, it is gone on with by the next call or by a worker.
        """
        model = read_model(name)
        version = self.start_rebuild(name)
        catch_up = self._catch_up(model, version)
        while not stop():
            status = next((one.status for one in self._ledger.versions(name) if one.version == version), Status.RETIRED)
            if status != Status.BUILDING:
                return version
            progress = self._build(model, catch_up, SLICE_SECONDS, stop)
            report(progress.position, progress.head)
            if progress.busy:
                time.sleep(0.05)
        return version

    def pause(self, name: str) -> None:
        """The version in use stands still from now on, and goes on answering."""
        self._set_status(read_model(name), Status.PAUSED)

    def resume(self, name: str) -> int:
        """Go on, and try parked subjects again. Returns how many of them were freed."""
        self._set_status(read_model(name), Status.SERVING)
        return self.retry_parked(name)

    def retry_parked(self, name: str) -> int:
        """Project the parked subjects of the version in use again. Returns how many were freed."""
        model = read_model(name)
        return sum(
            self._catch_up(model, one.version).retry_parked() for one in self._ledger.versions(name) if one.answers
        )

    def parked(self, name: str) -> list[Parked]:
        """Parked subjects of the version in use."""
        return [
            row
            for one in self._ledger.versions(read_model(name).name)
            if one.answers
            for row in self._ledger.parked(name, one.version)
        ]

    def status(self) -> list[ReadModelStatus]:
        """Every read model, straight from its checkpoints."""
        overview = self._ledger.overview()
        lags = self._measure(overview, time.time()).models
        statuses = []
        for name, model in CATALOGUE.items():
            lag = lags.get(name)
            if lag is None:  # nothing has projected it yet
                head = self._tail.head()
                lag = ReadModelLag(name, model.version, Status.SERVING, 0, head, caught_up_at=time.time())
            building = [one for one in overview if one.name == name and one.status == Status.BUILDING]
            statuses.append(self._status(model, lag, overview, building))
        return statuses

    def verify(self) -> dict[str, Findings]:
        """Every read model held against the fold of the log, by name."""
        return {
            name: reconcile(self._tail, mirror, lambda name=name: self.to_head(name))  # type: ignore[misc]
            for name, mirror in self._mirrors.items()
        }

    def report(self) -> LagReport:
        """Measure how far everything is, and publish it for those who answer."""
        report = self._measure(self._ledger.overview(), time.time())
        self._board.put(write_report(report))
        return report

    def _catch_up(self, model: ReadModel, version: int) -> CatchUp:
        key = (model.name, version)
        if key not in self._catch_ups:
            target, projector = self._targets[model.name], _PROJECTORS[model.name]
            made = CatchUp(model, version, projector, target, self._tail, self._ledger, self._holder)
            self._catch_ups.setdefault(key, made)  # of two threads one wins, and both take that one
        return self._catch_ups[key]

    def _build(self, model: ReadModel, catch_up: CatchUp, seconds: float, stop: Callable[[], bool]) -> Progress:
        progress = catch_up.run(seconds, answers=False, stop=stop)
        if progress.at_head and not progress.busy:
            target = self._targets[model.name]
            versions.switch(self._ledger, model, target, catch_up.version)
            versions.drop_retired(self._ledger, model, target, self._holder)
        return progress

    def _set_status(self, model: ReadModel, status: Status) -> None:
        for one in versions.settle_versions(self._ledger, model):
            if one.answers:
                self._ledger.set_status(model.name, one.version, status)

    def _positions(self, standing: Standing) -> dict[int, int]:
        target = self._targets[standing.name]
        kept = target.positions(standing.version) if target.keeps_checkpoints else standing.positions
        return {lane: kept.get(lane, 0) for lane in range(CATALOGUE[standing.name].lanes)}

    def _measure(self, overview: list[Standing], at: float) -> LagReport:
        former = read_report(self._board.get())
        found = []
        for one in overview:
            if one.name in CATALOGUE and one.status in (Status.SERVING, Status.PAUSED):
                position = min(self._positions(one).values())
                # The head after the position: what it says can only be too old, never too new.
                found.append(
                    ReadModelLag(one.name, one.version, one.status, position, self._tail.head(), at, 0.0, one.parked)
                )
        return measured(former.models if former else {}, found, at)

    def _status(
        self, model: ReadModel, lag: ReadModelLag, overview: list[Standing], building: list[Standing]
    ) -> ReadModelStatus:
        used = next((one for one in overview if one.name == model.name and one.version == lag.version), None)
        return ReadModelStatus(
            name=model.name,
            version=lag.version,
            status=lag.status,
            store=model.store,
            position=lag.position,
            head=lag.head,
            lag_events=lag.lag_events,
            lag_seconds=lag.lag_seconds,
            lanes=self._positions(used) if used else {},
            parked=[
                ParkedSubject(row.subject_id, row.position, row.error, row.parked_at.isoformat())
                for row in (self._ledger.parked(model.name, lag.version) if lag.parked else [])
            ],
            building={"version": building[0].version, "position": min(self._positions(building[0]).values())}
            if building
            else None,
        )
