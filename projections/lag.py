"""How far behind a read model is, and how that is told to those who answer from it.

A worker publishes a report some times a second; a reader adds what has passed since. So a worker that died shows.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

_QUIET_SECONDS = 2.0  # a report as old as this may be between two of a worker's
_CACHED_SECONDS = 0.5


class ReadModelLag(msgspec.Struct, frozen=True):
    """Of the version that answers.

    position: the log up to which everything shows; head: the log's last. lag_events counts positions behind the head;
    lag_seconds is the time since everything was last known to show, 0 while it does. caught_up_at: Unix seconds.
    """

    name: str
    version: int
    status: str
    position: int
    head: int
    caught_up_at: float
    lag_seconds: float = 0.0
    parked: int = 0

    @property
    def lag_events(self) -> int:
        """Positions behind the head."""
        return max(0, self.head - self.position)


class LagReport(msgspec.Struct, frozen=True):
    """What a worker knew at `at`, Unix seconds."""

    at: float
    models: dict[str, ReadModelLag]


class ReportBoard(Protocol):
    """Where the report hangs: one small value."""

    def put(self, report: bytes) -> None:
        """Replace it."""

    def get(self) -> bytes | None:
        """The last one, or None."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(LagReport).decode


def read_report(value: bytes | None) -> LagReport | None:
    """From its bytes."""
    return None if value is None else _decode(value)


def write_report(report: LagReport) -> bytes:
    """To bytes."""
    return _encode(report)


def measured(former: Mapping[str, ReadModelLag], found: list[ReadModelLag], at: float) -> LagReport:
    """The report of what was found at an instant. Whoever is behind keeps the time at which it last was not."""
    models = {}
    for lag in found:
        before = former.get(lag.name)
        if lag.lag_events == 0:
            caught_up_at = at
        elif before is None:
            caught_up_at = lag.caught_up_at
        else:
            caught_up_at = max(before.caught_up_at, lag.caught_up_at)
        models[lag.name] = msgspec.structs.replace(
            lag, caught_up_at=caught_up_at, lag_seconds=round(max(0.0, at - caught_up_at), 3)
        )
    return LagReport(at, models)


def as_of(report: LagReport | None, now: float) -> dict[str, ReadModelLag]:
    """What a report means some time later: while nobody measures, nobody knows that everything shows."""
    if report is None:
        return {}
    age = now - report.at
    if age <= _QUIET_SECONDS:
        return report.models
    return {
        name: msgspec.structs.replace(lag, lag_seconds=round(now - lag.caught_up_at, 3))
        for name, lag in report.models.items()
    }


class LagReader:
    """Reads the report at most twice a second, however often it is asked. Safe for threads."""

    def __init__(self, board: ReportBoard, clock: Callable[[], float] = time.time) -> None:
        self._board, self._clock = board, clock
        self._read_at = float("-inf")
        self._report: LagReport | None = None

    def lags(self) -> dict[str, ReadModelLag]:
        """By read model; empty when nobody has ever reported (or Redis was dropped a moment ago)."""
        now = self._clock()
        if now - self._read_at > _CACHED_SECONDS:
            self._report = read_report(self._board.get())
            self._read_at = now
        return as_of(self._report, now)
