"""Which parts answer: one quick question to each, all at once."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import dataclass
from typing import Literal

Check = Callable[[], str]
"""Asks a part; answers in words what it found. Raises whatever shows that the part is off."""

_PATIENCE_SECONDS = 3.0
_LONGEST = 300  # of what a part says


@dataclass(frozen=True)
class PartState:
    """One part. faulty: it answers, and something in it is not as it should be. detail: what it says, or why it is
    off or faulty; remedy: what to do then, empty while it is on."""

    name: str
    status: Literal["on", "faulty", "off", "resting"]
    detail: str
    remedy: str


class PartOff(Exception):
    """A part answered, and what it said is not good enough."""


class PartFaulty(Exception):
    """A part answers, and has found something that somebody should look at."""


class PartMissing(Exception):
    """Without this part nothing works."""

    def __init__(self, name: str, detail: str) -> None:
        self.name, self.detail = name, detail
        super().__init__(f"{name} is off: {detail}")


class Health:
    """The parts of an installation and how to ask them. Safe for threads; `close` it."""

    def __init__(self, checks: Mapping[str, Check], remedies: Mapping[str, str]) -> None:
        """remedies: what to do when a part is off, by part."""
        self._checks, self._remedies = checks, remedies
        self._pool = ThreadPoolExecutor(2 * len(checks), thread_name_prefix="health")

    def parts(self) -> list[PartState]:
        """Every part, in order; one that does not answer within seconds is off."""
        asked = {name: self._pool.submit(check) for name, check in self._checks.items()}
        return [self._state(name, answer) for name, answer in asked.items()]

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _state(self, name: str, answer: "Future[str]") -> PartState:
        try:
            return PartState(name, "on", answer.result(_PATIENCE_SECONDS), "")
        except PartFaulty as fault:
            return PartState(name, "faulty", str(fault)[:_LONGEST], self._remedies[name])
        except TookTooLong:
            return PartState(name, "off", f"no answer within {_PATIENCE_SECONDS:.0f} s", self._remedies[name])
        except Exception as error:  # whatever a driver raises says that its part is off: that is the answer
            lines = str(error).strip().splitlines() or [type(error).__name__]
            return PartState(name, "off", lines[0][:_LONGEST], self._remedies[name])
