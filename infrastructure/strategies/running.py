"""The strategies that run, their conditions compiled by the models in force. Read again only when something changed."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import structlog
from psycopg import Connection, Cursor

from application.strategies.ports import Started
from domain.strategies.admission import Running
from domain.strategies.refusals import UnknownStrategy
from domain.strategies.spec import Joined, StrategySpec
from domain.tier_model.calendar import calendar_of
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import Condition, ConditionInvalid, compile_segment
from infrastructure.queries.segments import names_of, valued_tags_of
from infrastructure.tier_models.in_force import LAST_GENERATION, ModelsInForceReader

_log = structlog.get_logger(__name__)

CHANGED = "select coalesce(max(change), 0) from strategies"
_RUNNING = """
select s.strategy, s.running_version, v.spec, s.global_holdout, s.campaign, s.running_since
from strategies s join strategy_versions v on v.strategy = s.strategy and v.version = s.running_version
where s.status = 'running' order by s.strategy
"""
_ANY = "select strategy, version, spec, global_holdout, campaign from strategies where strategy = %s"


class Asked(NamedTuple):
    """Whether anything has changed."""

    generation: Cursor
    changed: Cursor


class StartedReader:
    """Reads what runs; again only when a strategy or a model has changed."""

    def __init__(self) -> None:
        self._models = ModelsInForceReader()
        self._last, self._read_at = Started({}, {}, {}), (-1, -1)

    def read(self, connection: Connection[Any]) -> Started:
        """As committed."""
        with connection.pipeline():
            asked = self.ask(connection)
        return self.as_told(connection, asked)

    def ask(self, connection: Connection[Any]) -> "Asked":
        """The questions alone, in the caller's pipeline."""
        return Asked(connection.execute(LAST_GENERATION), connection.execute(CHANGED))

    def as_told(self, connection: Connection[Any], asked: "Asked") -> Started:
        """What the answers come to."""
        models = self._models.as_told(connection, asked.generation)
        row = asked.changed.fetchone()
        assert row is not None
        changed = (int(row[0]), models.generation)
        if changed != self._read_at:
            self._last, self._read_at = _read(connection, models.current), changed
        return self._last

    def as_if(self, connection: Connection[Any], name: str) -> Running:
        """One that does not run, as it would. Raises UnknownStrategy, ConditionInvalid."""
        row = connection.execute(_ANY, (name,)).fetchone()
        if row is None:
            raise UnknownStrategy(name, [])
        _, version, plain, holdout, campaign = row
        compiled = language_of(connection, self._models.read(connection).current)
        return _running(version, plain, holdout, campaign, compiled)


def language_of(connection: Connection[Any], models: Mapping[str, CompiledModel]) -> Callable[[str], Condition]:
    """Compiles a condition of the segment language. Raises ConditionInvalid."""
    names = names_of(models, 0, valued_tags_of(connection))
    return lambda text: compile_segment(text, names.types, currency=names.currency)


def _read(connection: Connection[Any], models: Mapping[str, CompiledModel]) -> Started:
    compiled = language_of(connection, models)
    running, since = {}, {}
    for name, version, plain, holdout, campaign, started in connection.execute(_RUNNING).fetchall():
        try:
            running[name] = _running(version, plain, holdout, campaign, compiled)
        except ConditionInvalid as error:  # a model that it reads has changed under it: nobody is in its audience now
            _log.error("strategy_unreadable", strategy=name, error=str(error))
            continue
        since[name] = started
    calendars = {scheme: calendar_of(model.spec.time_zone) for scheme, model in models.items()}
    return Started(running, since, calendars)


def _running(
    version: int, plain: Any, holdout: float | None, campaign: str, compiled: Callable[[str], Condition]
) -> Running:
    spec = StrategySpec.model_validate(plain)
    joins = spec.trigger.joins if isinstance(spec.trigger, Joined) else None
    where = None if spec.where is None else compiled(spec.where)
    return Running(spec, version, where, None if joins is None else compiled(joins), holdout or 0.0, campaign)
