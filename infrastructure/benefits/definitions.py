"""Versions of benefits: their events in the log, and beside them the tables that granting looks up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from application.benefits.definitions.ports import BenefitView
from domain.benefits.aggregate import Benefit
from domain.benefits.events import Activated
from domain.benefits.lint import Surroundings
from domain.benefits.refusals import StockBelowPromised
from domain.benefits.version import BenefitVersion
from domain.facts.kinds import KindDefinition, all_kinds
from domain.tier_model.version import Review
from infrastructure.benefits.changing import Changes
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool, transaction

_VERSIONS = """
select benefit, version, status, content_hash, spec, created_at, created_by, activated_at, review
from benefits where %(benefit)s::text is null or benefit = %(benefit)s order by benefit, version
"""
_UPSERT = """
insert into benefits (benefit, version, status, spec, content_hash, created_at, created_by, activated_at, review)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (benefit, version) do update set status = excluded.status, spec = excluded.spec,
    content_hash = excluded.content_hash, activated_at = excluded.activated_at, review = excluded.review
"""
_PROMISED = "select reserved + spent from accounts where account = %s for update"
_STOCK = """
insert into accounts (account, allowed) values (%s, %s) on conflict (account) do update set allowed = excluded.allowed
"""
_SURROUNDINGS = """
select (select coalesce(json_agg(json_build_array(scheme, spec->'tiers', spec->>'per')), '[]')
        from tier_models where status = 'active'),
       (select coalesce(json_object_agg(budget, currency), '{}') from budgets), tierline_peek(),
       (select coalesce(json_object_agg(kind, definition), '{}') from fact_kinds)
"""


class PostgresBenefits:
    """Fulfils Benefits."""

    def __init__(self, pool: Pool, ledger: Ledger) -> None:
        self._pool, self._ledger, self._changes = pool, ledger, Changes(pool)

    @contextmanager
    def change(self, benefit: str, *, in_force: bool = False) -> Iterator["LockedBenefit"]:
        """The benefit, locked: one change at a time; what is granted changes while nothing is decided or granted."""
        with self._changes.begin(in_force=in_force, name=benefit) as (connection, now):
            yield LockedBenefit(connection, self._ledger, self._ledger.benefit(benefit), now)

    def versions(self, benefit: str | None = None) -> list[BenefitView]:
        """All versions (of one benefit)."""
        with transaction(self._pool) as connection:
            rows = connection.execute(_VERSIONS, {"benefit": benefit}).fetchall()
        return [BenefitView(*(*row[:8], msgspec.convert(row[8], Review))) for row in rows]

    def surroundings(self) -> Surroundings:
        """The schemes in force and the budgets."""
        with transaction(self._pool) as connection:
            row = connection.execute(_SURROUNDINGS).fetchone()
        assert row is not None
        models, budgets, now, registered = row
        kinds = all_kinds((kind, msgspec.convert(said, KindDefinition)) for kind, said in registered.items())
        tiers: dict[str, list[str]] = {}
        for scheme, its, _ in models:
            tiers.setdefault(scheme, []).extend(its)
        return Surroundings(tiers, {scheme for scheme, _, per in models if per is not None}, budgets, now, kinds)


class LockedBenefit:
    """Fulfils BenefitChange."""

    def __init__(self, connection: Connection, ledger: Ledger, benefit: Benefit | None, now: int) -> None:
        self._connection, self._ledger, self.benefit, self.now = connection, ledger, benefit, now

    def save(self, benefit: Benefit) -> int:
        """Tables, events and commit."""
        if not benefit.pending_events:
            self._connection.rollback()
            return 0
        # One version of a benefit is active at a time: the one before makes room first.
        for version in sorted(benefit.versions.values(), key=lambda version: version.status == "active"):
            self._connection.execute(_UPSERT, _row(benefit.benefit, version))
        if any(isinstance(event, Activated) for event in benefit.pending_events):
            self._keep_stock(benefit.benefit, benefit.active)
        return self._ledger.save_joined(self._connection, benefit)

    def _keep_stock(self, benefit: str, active: BenefitVersion | None) -> None:
        stock = None if active is None else active.spec.get("stock")
        if stock is None:
            return
        account = f"stock:{benefit}"
        row = self._connection.execute(_PROMISED, (account,)).fetchone()
        if row is not None and row[0] > stock:
            raise StockBelowPromised(benefit, stock, row[0])
        self._connection.execute(_STOCK, (account, stock))


def _row(benefit: str, version: BenefitVersion) -> tuple[Any, ...]:
    return (
        benefit,
        version.number,
        version.status,
        Jsonb(version.spec),
        version.content_hash,
        version.drafted_at,
        version.author,
        version.activated_at,
        Jsonb(msgspec.to_builtins(version.review)),
    )
