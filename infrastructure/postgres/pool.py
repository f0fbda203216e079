"""Connections to Postgres: pooled, named, and with every wait finite."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import Connection
from psycopg_pool import ConnectionPool

Pool = ConnectionPool[Connection]


@dataclass(frozen=True)
class Limits:
    """How long a session may wait or hold on, milliseconds.

    transaction_ms is the backstop against a transaction that hangs while it holds the order lock.
    """

    lock_ms: int = 10_000
    transaction_ms: int = 60_000
    idle_in_transaction_ms: int = 15_000


def open_pool(
    dsn: str,
    min_size: int = 1,
    max_size: int = 8,
    *,
    name: str = "tierline",
    limits: Limits | None = None,
    wait_seconds: float = 30.0,
) -> Pool:
    """An open pool; connections are checked when handed out, so a restarted server costs one reconnect.

    Raises psycopg_pool.PoolTimeout when the server does not answer within wait_seconds.
    """
    limits = limits or Limits()
    options = (
        f"-c lock_timeout={limits.lock_ms} -c transaction_timeout={limits.transaction_ms} "
        f"-c idle_in_transaction_session_timeout={limits.idle_in_transaction_ms} -c timezone=UTC"
    )
    pool: Pool = ConnectionPool(
        dsn,
        min_size=min_size,
        max_size=max_size,
        open=False,
        name=name,
        timeout=wait_seconds,
        check=_check,
        kwargs={"application_name": name, "options": options},
    )
    pool.open(wait=True, timeout=wait_seconds)
    return pool


def _check(connection: Connection) -> None:
    """A server that goes away ends its side of the connection, so there is something to read: only then it is asked,
    which is a round trip. Raises OperationalError when nobody answers."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        ConnectionPool.check_connection(connection)


@contextmanager
def transaction(pool: Pool) -> Iterator[Connection]:
    """One read-committed transaction: committed at the end, rolled back by an exception.

    A block may commit before its end (the append does, to send the commit along); nothing may follow then.
    """
    with pool.connection() as connection:
        yield connection
