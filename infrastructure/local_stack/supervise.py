"""Keeps `tierline run` running: its servers and its own processes, each started again when it dies."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from infrastructure.local_stack import processes
from infrastructure.local_stack.addresses import locked
from infrastructure.local_stack.server import Progress, ServerStatus, StackStatus
from infrastructure.local_stack.stack import LocalStack

_LAUNCHER = Path(__file__).with_name("launch.py")
# A supervisor's directory: its own record, a record for each child, and an empty file for each server that it started.
_RECORD = "supervisor.json"
_STARTED = ".started"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOK_SECONDS = 0.2
_STOP_SECONDS = 15.0
_QUICK_DEATH_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 30.0
_QUICK_DEATHS_BORNE = 5


class KeepsDying(Exception):
    """A child ends again and again right after its start."""

    def __init__(self, name: str, exit_code: int) -> None:
        super().__init__(f"{name} ended {_QUICK_DEATHS_BORNE} times right after its start (exit code {exit_code})")


@dataclass(frozen=True)
class Child:
    """A process of our own: its name in `stack status`, its command, and its URL if it has one."""

    name: str
    command: Sequence[str]
    url: str | None = None


class Supervisor:
    """Use as a context manager. Inside it Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt; leaving it stops the
    children, and those servers that `up` started, and leaves the others alone.

    What a supervisor of this home that was killed has left is taken over: its children are ended, its servers go on
    and are this one's to stop.
    """

    def __init__(self, home: Path, stack: LocalStack, say: Callable[[str], None]) -> None:
        self._home = home
        self._directory = _directories(home) / uuid4().hex
        self._stack = stack
        self._say = say
        self._kept: list[_KeptChild] = []
        self._started_parts: set[str] = set()
        self._leaving = threading.Event()
        self._mender = threading.Thread(target=self._mend_servers, name="mends-servers", daemon=True)

    def __enter__(self) -> Self:
        self._handlers = {name: signal.getsignal(name) for name in _SIGNALS}
        for name, handler in self._handlers.items():
            # Under nohup a hangup stays ignored; a shell's background job is to hear Ctrl-C all the same.
            if name != signal.SIGHUP or handler != signal.SIG_IGN:
                signal.signal(name, signal.default_int_handler)
        _directories(self._home).mkdir(parents=True, exist_ok=True)
        with locked(_directories(self._home) / "lock"):
            processes.write_record(self._directory / _RECORD, os.getpid(), None)
            self._take_over()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in _SIGNALS:  # a second Ctrl-C would leave servers behind
            signal.signal(name, signal.SIG_IGN)
        self._leaving.set()
        if self._mender.ident:
            self._mender.join()
        for kept in reversed(self._kept):
            kept.stop()
        if self._started_parts:
            self._stack.down(self._started_parts)
        shutil.rmtree(self._directory, ignore_errors=True)  # the home may be gone
        for name, handler in self._handlers.items():
            signal.signal(name, handler)

    def up(self, parts: Collection[str], progress: Progress | None = None) -> StackStatus:
        """Starts the parts that do not run; from then on they are kept running, and stopped in the end."""
        running = {server.name for server in self._stack.status() if server.pid}
        self._own(set(parts) - running)
        return self._stack.up(parts, progress)

    def run(self, children: Sequence[Child], is_ready: Callable[[], bool], when_ready: Callable[[], None]) -> None:
        """Starts the children, in this order, and keeps everything running until a signal ends it. Calls `when_ready`
        once, as soon as `is_ready` says so. Raises KeepsDying."""
        self._kept = [_KeptChild(child, self._directory, self._say) for child in children]
        self._mender.start()
        ready = False
        try:
            while True:
                for kept in self._kept:
                    kept.keep()
                if not ready and is_ready():
                    ready = True
                    when_ready()
                time.sleep(_LOOK_SECONDS)
        except KeyboardInterrupt:
            self._say("Stopping")

    def _own(self, parts: Collection[str]) -> None:
        """Written down before they start, so that no kill can leave a server that nobody stops."""
        self._started_parts |= set(parts)
        for part in parts:
            (self._directory / f"{part}{_STARTED}").touch()

    def _take_over(self) -> None:
        for left in _directories(self._home).glob("*/"):
            if processes.find(left / _RECORD):
                continue
            for record in _child_records(left):
                if process := processes.find(record):
                    self._say(f"Ending the {record.stem} that a killed run has left")
                    processes.stop(process, signal.SIGTERM, _STOP_SECONDS)
            self._own([path.stem for path in left.glob(f"*{_STARTED}")])
            shutil.rmtree(left)

    def _mend_servers(self) -> None:
        failures = 0
        while not self._leaving.wait(_LOOK_SECONDS + _pause_seconds(failures)):
            outcomes = self._stack.restart_dead()
            failures = failures + 1 if any(server.status == "failed" for server in outcomes) else 0
            for server in outcomes:
                if server.status == "running":
                    self._say(f"{server.name} died: it runs again")
                else:
                    self._say(f"{server.name} died and does not start again: {server.detail}")


def child_status(home: Path) -> list[ServerStatus]:
    """The children of every `tierline run` of this home that run now, in the shape of the servers' status."""
    return [
        ServerStatus(record.stem, "running", process.pid, processes.read_url(record), "")
        for directory in sorted(_directories(home).glob("*/"))
        for record in _child_records(directory)
        if (process := processes.find(record))
    ]


class _KeptChild:
    """A child and what keeps it running."""

    def __init__(self, child: Child, directory: Path, say: Callable[[str], None]) -> None:
        self._child = child
        self._record = directory / f"{child.name}.json"
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._quick_deaths = 0

    def keep(self) -> None:
        """Starts it when it does not run; waits longer from one quick death to the next."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            lived = time.monotonic() - self._started
            if lived > _QUICK_DEATH_SECONDS:
                self._quick_deaths = 0
            if lived < _pause_seconds(self._quick_deaths):
                return
            self._quick_deaths += 1
            if self._quick_deaths > _QUICK_DEATHS_BORNE:
                raise KeepsDying(self._child.name, self._process.returncode)
            self._say(f"{self._child.name} died ({_cause(self._process.returncode)}): starting it again")
        self._start()

    def stop(self) -> None:
        """Asks it to end and waits; what it has started itself ends with it."""
        if self._process is None:
            return
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._record.unlink(missing_ok=True)

    def _start(self) -> None:
        # A session of its own: Ctrl-C on the terminal reaches only the supervisor, which stops it in order.
        command = [sys.executable, "-P", str(_LAUNCHER), "attend", str(os.getpid()), *self._child.command]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        self._started = time.monotonic()
        processes.write_record(self._record, self._process.pid, self._child.url)


def _directories(home: Path) -> Path:
    return home.absolute() / "run"


def _child_records(directory: Path) -> list[Path]:
    return [record for record in sorted(directory.glob("*.json")) if record.name != _RECORD]


def _pause_seconds(deaths: int) -> float:
    return min(2.0**deaths - 1, _LONGEST_PAUSE_SECONDS)


def _cause(exit_code: int) -> str:
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
