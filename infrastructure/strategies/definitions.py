"""Strategies: their events in the log, and beside them the tables that reactions look up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import BoundedSemaphore
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

from application.strategies.ports import StrategyView, Surroundings
from domain.strategies.aggregate import Strategy
from domain.strategies.events import Started
from domain.strategies.refusals import UnknownStrategy
from domain.strategies.spec import Scheduled, StrategySpec
from domain.strategies.timing import next_round
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.strategies.readability import Readability
from infrastructure.strategies.running import language_of
from infrastructure.tier_models.in_force import ModelsInForceReader

_COLUMNS = """strategy, version, status, spec, content_hash, makers, approved_by, running_version, global_holdout,
    campaign, started_at, changed_at, changed_by"""
_VIEWS = f"select {_COLUMNS} from strategies order by strategy"
_VIEW = f"select {_COLUMNS} from strategies where strategy = %s"
_UPSERT = f"""
insert into strategies ({_COLUMNS}, running_since)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (strategy) do update set version = excluded.version, status = excluded.status, spec = excluded.spec,
    content_hash = excluded.content_hash, makers = excluded.makers, approved_by = excluded.approved_by,
    running_version = excluded.running_version, global_holdout = excluded.global_holdout, campaign = excluded.campaign,
    started_at = excluded.started_at, changed_at = excluded.changed_at, changed_by = excluded.changed_by,
    running_since = excluded.running_since, change = nextval('strategy_changes')
"""
_VERSION = "insert into strategy_versions (strategy, version, spec) values (%s, %s, %s) on conflict do nothing"
_ROUND = """
insert into strategy_rounds (strategy, next_at) values (%s, %s)
on conflict (strategy) do update set next_at = excluded.next_at
"""
_BENEFITS = "select benefit from benefits where status = 'active'"
_LOCKS = 7306
_CHANGES_AT_ONCE = 2


class PostgresStrategies:
    """Fulfils Strategies."""

    def __init__(self, pool: Pool, ledger: Ledger) -> None:
        self._pool, self._ledger = pool, ledger
        self._models, self._readability = ModelsInForceReader(), Readability()
        # A change reads its aggregate over a second connection: many at once would wait for each other for one.
        self._changing = BoundedSemaphore(_CHANGES_AT_ONCE)

    @contextmanager
    def change(self, name: str) -> Iterator["LockedStrategy"]:
        """One change of a strategy at a time."""
        with self._changing, transaction(self._pool) as connection:
            connection.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCKS, f"strategy/{name}"))
            yield LockedStrategy(connection, self._ledger, self._ledger.strategy(name))

    def views(self) -> list[StrategyView]:
        """See Strategies."""
        with transaction(self._pool) as connection:
            found = _views(connection)
            faults = self._readability.faults(connection, lambda: found)
        return [replace(view, fault=faults.get(view.strategy)) for view in found]

    def view(self, name: str) -> StrategyView:
        """See Strategies."""
        with transaction(self._pool) as connection:
            row = connection.execute(_VIEW, (name.replace("\0", ""),)).fetchone()
            faults = self._readability.faults(connection, lambda: _views(connection))
        if row is None:
            raise UnknownStrategy(name, [view.strategy for view in self.views()])
        return replace(StrategyView(*row), fault=faults.get(name))

    def surroundings(self) -> Surroundings:
        """See Strategies."""
        with transaction(self._pool) as connection:
            models = self._models.read(connection).current
            benefits = frozenset(row[0] for row in connection.execute(_BENEFITS))
            compiled = language_of(connection, models)
        tiers = {scheme: model.spec.tiers for scheme, model in models.items()}
        return Surroundings(tiers, benefits, compiled)

    def now(self) -> int:
        """See Strategies."""
        with transaction(self._pool) as connection:
            return instant_of(connection, "select tierline_peek()")


class LockedStrategy:
    """Fulfils StrategyChange."""

    def __init__(self, connection: Connection, ledger: Ledger, strategy: Strategy | None) -> None:
        self._connection, self._ledger = connection, ledger
        self.strategy = strategy
        self.now = instant_of(connection, "select tierline_now()")

    def save(self, strategy: Strategy) -> int:
        """Tables, events and commit."""
        if not strategy.pending_events:
            self._connection.rollback()
            return 0
        actor = str(strategy.pending_events[-1].actor)  # type: ignore[attr-defined]
        self._connection.execute(_UPSERT, (*_row(strategy, self.now, actor), strategy.running_since))
        for event in strategy.pending_events:
            if isinstance(event, Started):
                self._keep(strategy, event)
        return self._ledger.save_joined(self._connection, strategy)

    def _keep(self, strategy: Strategy, event: Started) -> None:
        """What was started stays readable; a schedule begins."""
        self._connection.execute(_VERSION, (strategy.name, event.strategy_version, Jsonb(strategy.spec)))
        spec = StrategySpec.model_validate(strategy.spec)
        if isinstance(spec.trigger, Scheduled):
            first = next_round(spec.trigger, spec.time_zone, event.effective_at)
            self._connection.execute(_ROUND, (strategy.name, first))


def instant_of(connection: Connection, query: str) -> int:
    """The clock, as the query reads it."""
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


def _views(connection: Connection) -> list[StrategyView]:
    return [StrategyView(*row) for row in connection.execute(_VIEWS).fetchall()]


def _row(strategy: Strategy, now: int, actor: str) -> tuple[Any, ...]:
    return (
        strategy.name,
        strategy.content_version,
        strategy.status,
        Jsonb(strategy.spec),
        strategy.content_hash,
        sorted(strategy.makers),
        strategy.approved_by,
        strategy.running_version,
        strategy.global_holdout,
        strategy.campaign,
        strategy.started_at,
        now,
        actor,
    )
