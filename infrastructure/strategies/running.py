"""The strategies that run, their conditions compiled by the models in force. Read again only when something changed."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from psycopg import Connection

from application.strategies.ports import Started
from domain.strategies.admission import Running
from domain.strategies.spec import Joined, StrategySpec
from domain.tier_model.calendar import calendar_of
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import Condition, ConditionInvalid, compile_segment
from infrastructure.queries.segments import names_of
from infrastructure.tier_models.in_force import ModelsInForceReader

_log = structlog.get_logger(__name__)

CHANGED = "select coalesce(max(change), 0) from strategies"
_RUNNING = """
select s.strategy, s.running_version, v.spec, s.global_holdout, s.campaign, s.running_since
from strategies s join strategy_versions v on v.strategy = s.strategy and v.version = s.running_version
where s.status = 'running' order by s.strategy
"""


class StartedReader:
    """Reads what runs; again only when a strategy or a model has changed."""

    def __init__(self) -> None:
        self._models = ModelsInForceReader()
        self._last, self._read_at = Started({}, {}, {}), (-1, -1)

    def read(self, connection: Connection[Any]) -> Started:
        """As committed."""
        models = self._models.read(connection)
        row = connection.execute(CHANGED).fetchone()
        assert row is not None
        changed = (int(row[0]), models.generation)
        if changed != self._read_at:
            self._last, self._read_at = _read(connection, models.current), changed
        return self._last


def language_of(models: Mapping[str, CompiledModel], now: int) -> Callable[[str], Condition]:
    """Compiles a condition of the segment language. Raises ConditionInvalid."""
    names = names_of(models, now)
    return lambda text: compile_segment(text, names.types, currency=names.currency)


def _read(connection: Connection[Any], models: Mapping[str, CompiledModel]) -> Started:
    compiled = language_of(models, 0)
    running, since = {}, {}
    for name, version, plain, holdout, campaign, started in connection.execute(_RUNNING).fetchall():
        spec = StrategySpec.model_validate(plain)
        joins = spec.trigger.joins if isinstance(spec.trigger, Joined) else None
        try:
            where = None if spec.where is None else compiled(spec.where)
            joined = None if joins is None else compiled(joins)
        except ConditionInvalid as error:  # a model that it reads has changed under it: nobody is in its audience now
            _log.error("strategy_unreadable", strategy=name, error=str(error))
            continue
        running[name] = Running(spec, version, where, joined, holdout or 0.0, campaign)
        since[name] = started
    calendars = {scheme: calendar_of(model.spec.time_zone) for scheme, model in models.items()}
    return Started(running, since, calendars)
