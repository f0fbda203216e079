"""Loops of the worker: each does its work when woken, and looks once a second by itself."""

import threading
import time
from collections.abc import Callable

import structlog

SWEEP_SECONDS = 1.0
_LONGEST_REST_SECONDS = 5.0

_log = structlog.get_logger(__name__)


class Loop:
    """One thread that calls `work` again and again.

    work answers after how many seconds it wants to be called again, at the latest; 0 means at once. A fault is logged
    and tried again, ever more slowly up to five seconds: the servers may be down, and come back.
    gap_seconds: at least this long from one call's beginning to the next, so that a storm of wakes is one call;
    idle_seconds: the same after a call that wants to rest.
    """

    def __init__(
        self, name: str, work: Callable[[], float], gap_seconds: float = 0.0, idle_seconds: float = 0.0
    ) -> None:
        self.name = name
        self._work, self._gap, self._idle = work, gap_seconds, max(gap_seconds, idle_seconds)
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin, with a first call."""
        self._thread.start()

    def wake(self) -> None:
        """There is work. Safe from any thread."""
        self._woken.set()

    def stop(self) -> None:
        """End after the call under way."""
        self._stopped.set()
        self._woken.set()

    def stopping(self) -> bool:
        """For work that is long: whether to break off."""
        return self._stopped.is_set()

    def join(self, seconds: float) -> bool:
        """Wait for the end. Returns whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        faults = 0
        while not self._stopped.is_set():
            began = time.monotonic()
            # Cleared before the work: a wake during it counts for the next call.
            self._woken.clear()
            try:
                rest, faults = self._work(), 0
            except Exception as error:
                faults += 1
                rest = min(_LONGEST_REST_SECONDS, 0.1 * 2**faults)
                _log.error("loop_failed", loop=self.name, error=f"{type(error).__name__}: {error}", again_in=rest)
                self._stopped.wait(rest)
                continue
            if rest > 0:
                self._woken.wait(rest)
            gap = self._idle if rest > 0 else self._gap
            self._stopped.wait(max(0.0, gap - (time.monotonic() - began)))
