"""Where each server of the stack listens, and its password: picked once, kept in the stack's directory."""

import fcntl
import json
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the ranges from which systems give ports to outgoing connections, so that a stopped server's port stays free.
_FIRST_PORT, _LAST_PORT = 20_000, 29_999
_PORT_PATIENCE_SECONDS = 3.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Address:
    """A server's loopback port and password."""

    port: int
    password: str


class Addresses:
    """The stack's addresses, one file for all processes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "addresses.json"

    def known(self, name: str) -> Address | None:
        """The address of a server, or None when it never had one."""
        kept = self._read().get(name)
        return Address(**kept) if kept else None

    def claim(self, name: str) -> Address:
        """The address to start a server on: the one it had, or with another port if its own stays taken. It is waited
        for, because clients keep it and a killed server's last threads may still hold it for a moment."""
        with locked(self._directory / "addresses.lock"):
            addresses = self._read()
            kept = addresses.get(name)
            if kept and _becomes_free(kept["port"]):
                return Address(**kept)
            taken = {address["port"] for address in addresses.values()}
            password = kept["password"] if kept else secrets.token_urlsafe(24)
            address = Address(_free_port(taken), password)
            self._write(addresses | {name: asdict(address)})
            return address

    def _read(self) -> dict[str, dict]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def _write(self, addresses: dict[str, dict]) -> None:
        draft = self._path.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(addresses, indent=2))
        draft.replace(self._path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds a file's lock, which a killed process loses by itself."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _free_port(taken: set[int]) -> int:
    while True:
        port = _FIRST_PORT + secrets.randbelow(_LAST_PORT - _FIRST_PORT + 1)
        if port not in taken and _is_free(port):
            return port


def _becomes_free(port: int) -> bool:
    deadline = time.monotonic() + _PORT_PATIENCE_SECONDS
    while not _is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
