"""Strategies, segments, rules of tags and entitlements, held against models as they would be."""

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import Connection

from application.tier_models.dependents import Broken
from domain.strategies.lint import unread
from domain.strategies.spec import StrategySpec
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import ConditionInvalid, compile_segment
from domain.tier_model.spec import TierModelSpec
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.queries.segments import SegmentNames, names_of, valued_tags_of
from infrastructure.tier_models.in_force import ModelsInForceReader

_STRATEGIES = "select strategy, spec from strategies where status not in ('ended', 'retired') order by strategy"
_DEFINED = """
select kind, name,
       coalesce(case when kind = 'segment' then spec ->> 'where' else spec -> 'lineage' ->> 'condition' end, '')
from definitions where kind in ('segment', 'tag') and status = 'active' order by kind, name
"""
_BENEFITS = "select benefit, spec -> 'entitlement' from benefits where status = 'active' order by benefit"
_FIELDS = {"segment": "where", "tag": "rule"}


class PostgresDependents:
    """Fulfils Dependents."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._models = ModelsInForceReader()

    def broken_by(self, spec: TierModelSpec) -> list[Broken]:
        """See Dependents."""
        with transaction(self._pool) as connection:
            now = self._models.read(connection).current
            then = {**now, spec.scheme: CompiledModel(spec, 0)}
            before = {(one.kind, one.name) for one in _unread(connection, now)}
            return [one for one in _unread(connection, then) if (one.kind, one.name) not in before]


def _unread(connection: Connection[Any], models: Mapping[str, CompiledModel]) -> Iterator[Broken]:
    """All that these models do not let be read."""
    names = names_of(models, 0, valued_tags_of(connection))
    tiers = {scheme: model.spec.tiers for scheme, model in models.items()}
    for name, plain in connection.execute(_STRATEGIES).fetchall():
        found = unread(StrategySpec.model_validate(plain), lambda text: _compiled(text, names), tiers)
        if found is not None:
            yield Broken("strategy", name, *found)
    for kind, name, condition in connection.execute(_DEFINED).fetchall():
        try:
            if condition:
                _compiled(condition, names)
        except ConditionInvalid as problem:
            yield Broken(kind, name, _FIELDS[kind], str(problem))
    for benefit, entitlement in connection.execute(_BENEFITS).fetchall():
        for scheme, entitled in (entitlement or {}).items():
            gone = [tier for tier in entitled if tier not in tiers.get(scheme, ())]
            if gone:
                yield Broken("benefit", benefit, f"entitlement.{scheme}", f"no tier {', '.join(gone)} in force")


def _compiled(text: str, names: SegmentNames) -> Any:
    return compile_segment(text, names.types, currency=names.currency)
