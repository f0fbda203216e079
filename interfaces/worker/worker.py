"""The worker: decides whoever is due, keeps the read models up, and says how far they are."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from interfaces.worker.loops import SWEEP_SECONDS, Loop
from projections.catalogue import CATALOGUE
from projections.read_models import Kept

_REPORT_SECONDS = 0.5
_BUSY_SECONDS = 0.1  # another worker holds a lane, and may have looked before our wake
_STOP_SECONDS = 20.0
_OTHER_GAP_SECONDS = 0.04  # some together cost little more than one
# OpenSearch pays for every refresh; a card is written at once.
_GAP_SECONDS = {"redis": 0.02, "opensearch": 0.4}


class KeepsReadModels(Protocol):
    """What the worker asks of projections.read_models.ReadModels."""

    def catch_up(self, name: str, *, stop: Callable[[], bool]) -> Kept:
        """Bring one read model towards the head."""

    def report(self) -> object:
        """Publish how far all are."""


class Receiver(Protocol):
    """Where nudges come in."""

    def start(self) -> None:
        """Take them from now on."""

    def stop(self) -> None:
        """Take no more."""


class Evaluates(Protocol):
    """What the worker asks of whoever decides."""

    def __call__(self, *, recorded: Callable[[], None]) -> int:
        """Subjects decided, 0 for nobody due. recorded: called as soon as the log has grown."""


class Upkeep(NamedTuple):
    """What is done bit by bit as the log grows and time passes. step: answers something true when it has done anything.

    idle_seconds: how long it may take until it looks again after it has found nothing, while the log grows.
    """

    step: Callable[[], object]
    idle_seconds: float = 0.0


class Worker:
    """One process's worth of work. After a decision it wakes its own projectors, without the way through the broker."""

    def __init__(
        self,
        evaluate_due: Evaluates,
        read_models: KeepsReadModels,
        beat: Callable[[], None],
        receiver: Callable[[Callable[[], None], Callable[[], None]], Receiver],
        carry_out: Callable[[], Sequence[object]],
        perform_run: Callable[[], bool],
        others: Mapping[str, Upkeep],
    ) -> None:
        """receiver: made from (wake evaluator, wake projectors). carry_out: writes down the scheduled activations that
        came due, and answers them. perform_run: does a part of a long question; False when there is none. others: by
        name.
        """
        self._others = [self._other(name, upkeep) for name, upkeep in others.items()]
        self._perform_run = perform_run
        self._runs = Loop("runs", self._perform)
        self._carry_out = carry_out
        self._schedules = Loop("schedules", self._activate)
        self._evaluate_due, self._read_models, self._beat = evaluate_due, read_models, beat
        self._evaluator = Loop("evaluator", self._evaluate)
        self._projectors = [self._projector(name) for name in CATALOGUE]
        # Apart, for they go to different servers, and either may be down.
        self._reporters = [Loop("heartbeat", self._say_alive), Loop("lag report", self._report)]
        self._receiver = receiver(self._evaluator.wake, self.wake_projectors)

    def run(self, stop: threading.Event) -> None:
        """Work until stop is set, then finish what is under way."""
        for loop in self._loops():
            loop.start()
        self._receiver.start()
        stop.wait()
        self._receiver.stop()
        for loop in self._loops():
            loop.stop()
        for loop in self._loops():
            loop.join(_STOP_SECONDS)

    def wake_projectors(self) -> None:
        """The log has grown: for whoever shows it, and whoever reacts to it."""
        for loop in (*self._projectors, *self._others):
            loop.wake()

    def _loops(self) -> Iterable[Loop]:
        working = [self._evaluator, self._schedules, self._runs, *self._others]
        return [*working, *self._projectors, *self._reporters]

    def _evaluate(self) -> float:
        return 0.0 if self._evaluate_due(recorded=self.wake_projectors) else SWEEP_SECONDS

    def _activate(self) -> float:
        if self._carry_out():
            self._evaluator.wake()
        return SWEEP_SECONDS

    def _perform(self) -> float:
        return 0.0 if self._perform_run() else SWEEP_SECONDS

    def _other(self, name: str, upkeep: Upkeep) -> Loop:
        def work() -> float:
            if not upkeep.step():
                return SWEEP_SECONDS
            self.wake_projectors()
            return 0.0

        return Loop(name, work, _OTHER_GAP_SECONDS, upkeep.idle_seconds)

    def _projector(self, name: str) -> Loop:
        def work() -> float:
            kept = self._read_models.catch_up(name, stop=loop.stopping)
            return _BUSY_SECONDS if kept.busy else 0.0 if kept.more else SWEEP_SECONDS

        loop = Loop(f"projector {name}", work, _GAP_SECONDS[CATALOGUE[name].store])
        return loop

    def _say_alive(self) -> float:
        self._beat()
        return SWEEP_SECONDS

    def _report(self) -> float:
        self._read_models.report()
        return _REPORT_SECONDS
