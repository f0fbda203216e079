"""What a server of the stack is, and how its state is told."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

# (part, what is being done, share done 0..1 or None when unknown)
Progress = Callable[[str, str, float | None], None]

State = Literal["running", "starting", "stopped", "dead", "failed", "external"]


class PartBroken(Exception):
    """A part cannot serve. `why` is the cause in its own words, `remedy` what to do."""

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__(f"{why}\n{remedy}")
        self.why = why
        self.remedy = remedy


@dataclass(frozen=True)
class ServerStatus:
    """One server as seen now. `detail` says in words what `status` means here; empty when there is nothing to say."""

    name: str
    status: State
    pid: int | None
    url: str | None
    detail: str


@dataclass(frozen=True)
class StackStatus:
    """Every part asked for."""

    servers: list[ServerStatus]

    @property
    def failed(self) -> list[ServerStatus]:
        """The parts that do not serve."""
        return [server for server in self.servers if server.status not in ("running", "external")]

    @property
    def urls(self) -> dict[str, str]:
        """URL by part, of the parts that serve."""
        return {s.name: s.url for s in self.servers if s.status in ("running", "external") and s.url}


class Server(Protocol):
    """One kind of server at one address, with its data in one directory."""

    directory: Path
    stop_signal: signal.Signals

    @property
    def url(self) -> str:
        """How clients reach it."""

    def prepare(self, progress: Callable[[str, float | None], None]) -> list[str]:
        """Makes what it needs to start and answers the command. Raises PartBroken, ChildProcessError, OSError."""

    def is_ready(self) -> bool:
        """Whether it answers as it should by now."""

    def settle(self) -> None:
        """Once after it got ready: what clients expect to find, such as a database. Idempotent."""
