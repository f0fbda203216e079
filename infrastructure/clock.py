"""The clock as the database keeps it: the system's, or one that stands still until it is set forward."""

from application.clock import LATEST, ClockBackwards, ClockNotManual, ClockTooFar
from infrastructure.postgres.pool import Pool


class Clock:
    """Reads it, and sets a manual one. A manual clock that was never set stands at 1970-01-01T00:00:00Z."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        with pool.connection() as connection:
            row = connection.execute("select manual from clock").fetchone()
        self.manual = bool(row and row[0])

    def make_manual(self) -> None:
        """From now on, and for good: instants already given out could lie ahead of the system's clock."""
        with self._pool.connection() as connection:
            connection.execute("update clock set manual = true where not manual")
        self.manual = True

    def now(self) -> int:
        """Microseconds. Moves nothing."""
        with self._pool.connection() as connection:
            row = connection.execute("select tierline_peek()").fetchone()
        assert row is not None
        return int(row[0])

    def set(self, instant: int) -> int:
        """Move a manual clock forward to this instant; setting it to where it stands is allowed.

        Answers where it stands. Raises ClockNotManual, ClockBackwards, ClockTooFar.
        """
        if not self.manual:
            raise ClockNotManual
        if instant > LATEST:
            raise ClockTooFar(instant)
        with self._pool.connection() as connection:
            row = connection.execute(
                "select setval('clock_floor', %(instant)s) where %(instant)s >= tierline_peek()", {"instant": instant}
            ).fetchone()
        if row is None:
            raise ClockBackwards(instant, self.now())
        return int(row[0])
