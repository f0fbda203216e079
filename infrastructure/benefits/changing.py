"""How the catalogue is changed: one after the other, in a transaction with an instant of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from psycopg import Connection

from infrastructure.postgres.pool import Pool, transaction
from infrastructure.tier_models.in_force import LOCK_EXCLUSIVE

_AT_ONCE = 2


class Changes:
    """Of one table. Safe for threads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        # A change reads its aggregate over a second connection: many at once would wait for each other for one.
        self._changing = BoundedSemaphore(_AT_ONCE)

    @contextmanager
    def begin(self, *, in_force: bool, name: str = "") -> Iterator[tuple[Connection, int]]:
        """The transaction, and its instant (microseconds); one at a time of a name.

        in_force: what is granted changes. Nothing is decided or granted meanwhile, and what was begun is over: grants
        hold the same lock shared until they are recorded.
        """
        with self._changing, transaction(self._pool) as connection:
            if in_force:
                connection.execute(LOCK_EXCLUSIVE)
            connection.execute("select pg_advisory_xact_lock(7316, hashtext(%s))", (name,))
            row = connection.execute("select tierline_now()").fetchone()
            assert row is not None
            yield connection, int(row[0])
