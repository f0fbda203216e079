"""The embedded stack: what `tierline stack up|down|status` and every command without URLs of its own use."""

import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import psutil

from infrastructure.local_stack import processes
from infrastructure.local_stack.addresses import Address, Addresses, locked
from infrastructure.local_stack.jars import default_cache
from infrastructure.local_stack.opensearch import OpenSearch
from infrastructure.local_stack.postgres import Postgres
from infrastructure.local_stack.redis import Redis
from infrastructure.local_stack.server import PartBroken, Progress, Server, ServerStatus, StackStatus

PARTS = ("postgres", "redis", "broker", "opensearch")

_READY_SECONDS = 120.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.05
_TRIES = 5
_TRY_AGAIN_SECONDS = 0.5
# What a second try cures: somebody took the port in between; what a killed server left is not all gone yet.
_PASSING = ("ddress already in use", "shared memory block", "failed to obtain node lock", "BindException")


class LocalStack:
    """The servers whose data lies under `home`/stack, shared by every process that names the same home.

    A server has a record from its start until it is stopped, so one with a record and no process has died.
    """

    def __init__(self, home: Path, cache: Path | None = None, opensearch_heap_mb: int = 512) -> None:
        self._directory = home.absolute() / "stack"
        self._cache = (cache or default_cache()).absolute()
        self._heap_mb = opensearch_heap_mb
        self._addresses = Addresses(self._directory)

    @property
    def urls(self) -> dict[str, str]:
        """URL by part, of every part that was ever started. It may not be running: `up` says."""
        return {name: server.url for name in PARTS if (server := self._known(name))}

    def up(self, parts: Collection[str] | None = None, progress: Progress | None = None) -> StackStatus:
        """Starts what is not running, in parallel, and waits until it answers. A broken part is told in its status
        and keeps no other from coming up."""
        tell = progress or (lambda part, what, share: None)
        wanted = _in_order(parts)
        self._directory.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(len(PARTS)) as pool:
            return StackStatus(list(pool.map(lambda name: self._up(name, tell), wanted)))

    def down(self, parts: Collection[str] | None = None) -> StackStatus:
        """Stops what runs, in parallel, and leaves no process."""
        with ThreadPoolExecutor(len(PARTS)) as pool:
            return StackStatus(list(pool.map(self._down, _in_order(parts))))

    def status(self) -> list[ServerStatus]:
        """Every part as it is now."""
        return [self._status(name) for name in PARTS]

    def dead(self) -> list[str]:
        """The parts that were started, were not stopped, and run no more."""
        return [name for name in PARTS if self._is_dead(name)]

    def restart_dead(self, progress: Progress | None = None) -> list[ServerStatus]:
        """Starts again what died, in parallel; answers what it started."""
        tell = progress or (lambda part, what, share: None)
        with ThreadPoolExecutor(len(PARTS)) as pool:
            outcomes = pool.map(lambda name: self._revive(name, tell), self.dead())
            return [outcome for outcome in outcomes if outcome]

    def _up(self, name: str, tell: Progress) -> ServerStatus:
        processes.make_directory(self._directory / name)
        with self._locked(name):
            return self._served(name, tell)

    def _revive(self, name: str, tell: Progress) -> ServerStatus | None:
        with self._locked(name):
            # It may have been stopped, or started again, while this waited.
            return self._served(name, tell) if self._is_dead(name) else None

    def _served(self, name: str, tell: Progress) -> ServerStatus:
        try:
            return self._running(name, tell)
        except PartBroken as broken:
            detail = f"{broken.why}\n{broken.remedy}"
        except (OSError, ChildProcessError) as error:
            detail = f"{error}\n{_remedy(name)}"
        tell(name, "failed", None)
        return ServerStatus(name, "failed", None, None, detail)

    def _running(self, name: str, tell: Progress) -> ServerStatus:
        process, server = processes.find(self._record(name)), self._known(name)
        if process and server:
            self._wait(name, server, process, since=0)
        else:
            process, server = self._start(name, tell)
        server.settle()
        tell(name, "running", 1.0)
        return ServerStatus(name, "running", process.pid, server.url, "")

    def _start(self, name: str, tell: Progress) -> tuple[psutil.Process, Server]:
        for attempt in range(1, _TRIES + 1):
            server = self._server(name, self._addresses.claim(name))
            command = server.prepare(lambda what, share: tell(name, what, share))
            tell(name, "starting", None)
            log = self._log(name)
            since = log.stat().st_size if log.exists() else 0
            process = processes.start_detached(command, self._record(name), log)
            try:
                return self._wait(name, server, process, since), server
            except PartBroken as broken:
                if attempt == _TRIES or not any(sign in broken.why for sign in _PASSING):
                    raise
                time.sleep(_TRY_AGAIN_SECONDS)
        raise AssertionError("unreachable")

    def _wait(self, name: str, server: Server, process: psutil.Process | None, since: int) -> psutil.Process:
        deadline = time.monotonic() + _READY_SECONDS
        while process is None or not server.is_ready():
            lines = processes.last_lines(self._log(name), since)
            if process is None or not processes.is_alive(process):
                raise PartBroken(f"{name} ended while starting. Its log ends:\n{lines}", _remedy(name))
            if time.monotonic() > deadline:
                raise PartBroken(
                    f"{name} gave no answer in {_READY_SECONDS:.0f} s. Its log ends:\n{lines}", _remedy(name)
                )
            time.sleep(_POLL_SECONDS)
        return process

    def _down(self, name: str) -> ServerStatus:
        if self._record(name).exists():
            with self._locked(name):
                process, server = processes.find(self._record(name)), self._known(name)
                if process and server:
                    processes.stop(process, server.stop_signal, _STOP_SECONDS)
                self._record(name).unlink(missing_ok=True)
        return self._status(name)

    def _status(self, name: str) -> ServerStatus:
        server, process = self._known(name), processes.find(self._record(name))
        if server is None:
            return ServerStatus(name, "stopped", None, None, "never started")
        if self._is_dead(name):
            lines = processes.last_lines(self._log(name), since=0)
            return ServerStatus(name, "dead", None, server.url, f"It died. Its log ends:\n{lines}")
        if process is None:
            return ServerStatus(name, "stopped", None, server.url, "")
        ready = server.is_ready()
        return ServerStatus(name, "running" if ready else "starting", process.pid, server.url, "")

    def _is_dead(self, name: str) -> bool:
        record = self._record(name)
        return record.exists() and processes.find(record) is None

    def _known(self, name: str) -> Server | None:
        address = self._addresses.known(name)
        return self._server(name, address) if address else None

    def _server(self, name: str, address: Address) -> Server:
        directory = self._directory / name
        match name:
            case "postgres":
                return Postgres(directory, address)
            case "redis" | "broker":
                return Redis(directory, address, f"TIERLINE_{name.upper()}_URL")
            case "opensearch":
                return OpenSearch(directory, address, self._cache, self._heap_mb)
            case _:
                raise ValueError(f"{name!r} is no part of the stack: {', '.join(PARTS)}")

    def _locked(self, name: str) -> AbstractContextManager[None]:
        return locked(self._directory / f"{name}.lock")

    def _record(self, name: str) -> Path:
        return self._directory / name / "process.json"

    def _log(self, name: str) -> Path:
        return self._directory / name / "server.log"


def _in_order(parts: Collection[str] | None) -> list[str]:
    unknown = set(parts or ()) - set(PARTS)
    if unknown:
        raise ValueError(f"{sorted(unknown)[0]!r} is no part of the stack: {', '.join(PARTS)}")
    return [name for name in PARTS if parts is None or name in parts]


def _remedy(name: str) -> str:
    variable = {"postgres": "DATABASE"}.get(name, name.upper())
    return (
        f"Mend what the log says and run `tierline stack up` again, "
        f"or set TIERLINE_{variable}_URL to a server of your own."
    )
