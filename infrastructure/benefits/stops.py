"""Stops of granting: their events in the log, and beside them the table that granting looks up."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection

from application.grant_stops.ports import StopView
from domain.benefits.refusals import UnknownBenefit, UnknownBudget
from domain.grant_stops.aggregate import GrantStop
from domain.grant_stops.events import Stopped
from infrastructure.benefits.changing import Changes
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool, transaction

_ALL = "select scope, stopped_by, stopped_at, reason from grant_stops order by stopped_at desc, scope"
_STOP = "insert into grant_stops (scope, stopped_by, stopped_at, reason) values (%s, %s, %s, %s) on conflict do nothing"
_LIFT = "delete from grant_stops where scope = %s"


class PostgresGrantStops:
    """Fulfils GrantStops."""

    def __init__(self, pool: Pool, ledger: Ledger) -> None:
        self._pool, self._ledger, self._changes = pool, ledger, Changes(pool)

    @contextmanager
    def change(self, scope: str) -> Iterator["LockedStop"]:
        """The scope, locked: grants hold the same lock shared until they are recorded."""
        with self._changes.begin(in_force=True) as (connection, now):
            yield LockedStop(connection, self._ledger, scope, now)

    def all(self) -> list[StopView]:
        """What is stopped, the latest first."""
        with transaction(self._pool) as connection:
            return [StopView(*row) for row in connection.execute(_ALL)]


class LockedStop:
    """Fulfils StopChange."""

    def __init__(self, connection: Connection, ledger: Ledger, scope: str, now: int) -> None:
        self._connection, self._ledger, self._scope, self.now = connection, ledger, scope, now
        self.stop: GrantStop | None = ledger.grant_stop(scope)

    def require_known(self) -> None:
        """Raises UnknownBenefit, UnknownBudget."""
        kind, _, name = self._scope.partition(":")
        if kind == "benefit" and not self._is_there("select from benefits where benefit = %s limit 1", name):
            raise UnknownBenefit(name)
        if kind == "budget" and not self._is_there("select from budgets where budget = %s", name):
            raise UnknownBudget(name)

    def save(self, stop: GrantStop) -> int:
        """Table, events and commit."""
        if not stop.pending_events:
            self._connection.rollback()
            return 0
        for event in stop.pending_events:
            if isinstance(event, Stopped):
                self._connection.execute(_STOP, (self._scope, event.actor, event.effective_at, event.reason))
            else:
                self._connection.execute(_LIFT, (self._scope,))
        return self._ledger.save_joined(self._connection, stop)

    def _is_there(self, query: str, name: str) -> bool:
        return self._connection.execute(query.encode(), (name,)).fetchone() is not None
