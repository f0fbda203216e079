"""A `tierline run` of a test's own, as somebody would start it: processes to kill, and nothing left in the end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import psutil
import psycopg

from infrastructure.local_stack import launch
from infrastructure.local_stack.stack import LocalStack
from interfaces.cli.main import command
from tests.support.servers import CHECKOUT
from tests.support.waiting import wait_for

ADMIN_KEY = "an-admin-key-for-tests-0123456789"
PATIENCE_SECONDS = 90.0
_PORTS = range(12_000, 20_000)  # below those of the stack, and of outgoing connections


class OwnRun:
    """Home, port and processes of one `tierline run`. Leave it by `end`, whatever has happened."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {ADMIN_KEY}"}, timeout=30)
        self._said = home.with_name(f"{home.name}.said")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """For every command about this run."""
        own = {
            "TIERLINE_HOME": str(self.home),
            "TIERLINE_ADMIN_KEY": ADMIN_KEY,
            "TIERLINE_OPENSEARCH_HEAP_MB": "256",
            "PYTHONFAULTHANDLER": "1",
        }
        return os.environ | own

    def start(self) -> None:
        """Start it, and wait until it says that it is ready. It ends with this process, even a killed one."""
        before = len(self.said())
        own_command = [sys.executable, "-m", "interfaces.cli.main", "run", "--port", str(self.port)]
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, "-P", launch.__file__, "attend", str(os.getpid()), *own_command],
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
        ready = f"Tierline is ready at {self.url}"
        wait_for(lambda: ready in self.said()[before:] or self._process.poll() is not None, PATIENCE_SECONDS)
        assert self._process.poll() is None, self.said()

    def stop(self, polite: signal.Signals = signal.SIGTERM) -> int:
        """As Ctrl-C does; the exit code."""
        assert self._process
        self._process.send_signal(polite)
        return self._process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """kill -9 of `tierline run` itself, and of nothing else."""
        assert self._process
        self._process.kill()
        self._process.wait(PATIENCE_SECONDS)

    def end(self) -> None:
        """Leave no process, even where the run would. Fails when `tierline run` does not end as it should."""
        self.client.close()
        try:
            if self.is_running:
                assert self.stop() == 0
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGABRT)  # it says where it hangs
            self._process.wait(PATIENCE_SECONDS)
            raise AssertionError(f"it does not end: {self.said()}") from None
        finally:
            LocalStack(self.home).down()
            for process in self.processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def said(self) -> str:
        """What it has printed."""
        return self._said.read_text() if self._said.exists() else ""

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for this home: its commands and children by their environment, servers by where they
        are."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def tierline(self, *arguments: str) -> Any:
        """What a command prints as JSON, run in this process. Fails the test when its exit code is not 0."""
        printed = StringIO()
        with mock.patch.dict(os.environ, self.environment), redirect_stdout(printed):
            exit_code = command([*arguments, "--json"])
        assert exit_code == 0, printed.getvalue()
        return json.loads(printed.getvalue())

    def pid(self, name: str) -> int | None:
        """As `stack status` tells it; None while it does not serve."""
        (server,) = [one for one in self.tierline("stack", "status") if one["name"] == name] or [None]
        if server is None or server["status"] != "running":
            return None
        assert self._is_ours(psutil.Process(server["pid"]))
        return int(server["pid"])

    @property
    def is_running(self) -> bool:
        """Whether `tierline run` itself does."""
        return self._process is not None and self._process.poll() is None

    def wait_ready(self) -> None:
        """Until every part answers."""
        wait_for(self._is_ready, PATIENCE_SECONDS)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Straight from the ledger."""
        with psycopg.connect(LocalStack(self.home).urls["postgres"], autocommit=True) as connection:
            return connection.execute(query, parameters).fetchall()

    def _is_ready(self) -> bool:
        try:
            return self.client.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                return False
            named = process.environ().get("TIERLINE_HOME") == str(self.home)
            return named or Path(process.cwd()).is_relative_to(self.home)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False


def _free_port() -> int:
    start = os.getpid() % len(_PORTS)
    for port in [*_PORTS[start:], *_PORTS[:start]]:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")
