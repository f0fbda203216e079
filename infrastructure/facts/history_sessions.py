"""History sessions in Postgres."""

from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection

from domain.facts.history import HistorySession, HistoryStatus, UnknownHistory
from infrastructure.postgres.pool import Pool

_COLUMNS = "history_id, opened_at, opened_by, sealed_at, sealed_by, sealed_position"
SELECT_SESSION = f"select {_COLUMNS} from history_sessions where history_id = %s"
_LEFT_OPEN = f"""
select {_COLUMNS} from history_sessions where opened_by = %s and sealed_at is null order by opened_at desc limit 1
"""
_OPEN = f"""
insert into history_sessions (history_id, opened_at, opened_by) values (%s, tierline_now(), %s) returning {_COLUMNS}
"""
# An activation takes this lock exclusively: what is in force at the instant of sealing is in force already.
_SCHEMES_HOLD_STILL = "select pg_advisory_xact_lock_shared(7305, 2)"
_SEAL = """
update history_sessions set sealed_at = tierline_now(), sealed_by = %s, sealed_position = nextval('positions')
where history_id = %s
"""
_STATUS = "select count(*), coalesce(sum(facts), 0) from timelines where history_id = %s"


def session_of(row: tuple[Any, ...]) -> HistorySession:
    """From a row of `SELECT_SESSION`."""
    return HistorySession(*row)


class PostgresHistorySessions:
    """Fulfils application.facts.ports.HistorySessions."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def open(self, actor: str) -> HistorySession:
        """A new open session."""
        with self._pool.connection() as connection:
            row = connection.execute(_OPEN, (uuid4(), actor)).fetchone()
        assert row is not None
        return session_of(row)

    def left_open(self, actor: str) -> HistorySession | None:
        """The actor's last session that is still open."""
        with self._pool.connection() as connection:
            row = connection.execute(_LEFT_OPEN, (actor,)).fetchone()
        return None if row is None else session_of(row)

    def seal(self, history_id: UUID, actor: str) -> HistorySession:
        """Seal it, once. Imports under way hold the session's row: they come in before, or are refused after."""
        with self._pool.connection() as connection:
            connection.execute(_SCHEMES_HOLD_STILL)
            session = _required(connection, history_id, " for update")
            if session.sealed_at is None:
                connection.execute("select tierline_order_lock()")
                connection.execute(_SEAL, (actor, history_id))
                session = _required(connection, history_id)
        return session

    def status(self, history_id: UUID) -> HistoryStatus:
        """The session and what of it waits for a decision."""
        with self._pool.connection() as connection:
            session = _required(connection, history_id)
            subjects, facts = connection.execute(_STATUS, (history_id,)).fetchone() or (0, 0)
        return HistoryStatus(session, subjects, int(facts))


def _required(connection: Connection, history_id: UUID, locking: str = "") -> HistorySession:
    row = connection.execute(SELECT_SESSION + locking, (history_id,)).fetchone()
    if row is None:
        raise UnknownHistory(history_id)
    return session_of(row)
