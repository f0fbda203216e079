"""Reading for long out of one snapshot of the database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from psycopg import Connection, IsolationLevel

from infrastructure.postgres.pool import Pool

_FACTS_AT_ONCE = 200_000
# The pool's limits are for short work; this holds one snapshot for as long as it takes.
_PATIENT = "set local transaction_timeout = 0; set local idle_in_transaction_session_timeout = 0"


@contextmanager
def one_snapshot(pool: Pool) -> Iterator[Connection]:
    """A connection that sees the database as it is now until the context ends, and writes nothing."""
    with pool.connection() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            connection.execute(_PATIENT)
            yield connection
        finally:
            connection.rollback()
            connection.isolation_level, connection.read_only = None, None


def at_once(rows: Sequence[tuple[Any, ...]], facts: int) -> list[tuple[Any, ...]]:
    """The first of the rows, as many as have no more facts than are read at once; at least one.

    facts: the column that says how many a row has.
    """
    reached = int(np.searchsorted(np.cumsum([row[facts] for row in rows]), _FACTS_AT_ONCE, side="right"))
    return list(rows[: max(reached, 1)])
