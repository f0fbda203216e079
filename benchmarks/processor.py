"""Processor time: what work takes of a machine, however busy that is with other work."""

import time
from pathlib import Path

import psycopg

_SERVER = "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


class Processor:
    """Seconds of processor time of this process and of the server's processes that work for it.

    What a process of the server has used is seen as long as it lives: of parallel workers nothing.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        """connection: of its own, to a server on this machine."""
        self._connection = connection

    def __call__(self) -> float:
        """So far."""
        pids = [row[0] for row in self._connection.execute(_SERVER).fetchall()]
        return time.process_time() + sum(map(_used_by, pids))


def _used_by(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except FileNotFoundError:  # it has ended
        return 0.0
