"""Strategies whose conditions the models in force do not let be read any more, and since when."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from psycopg import Connection

from application.strategies.ports import StrategyFault, StrategyView
from domain.strategies.lint import Unread, unread
from domain.strategies.spec import StrategySpec
from domain.tier_model.compiled import CompiledModel
from infrastructure.strategies.running import CHANGED, language_of
from infrastructure.tier_models.in_force import ModelsInForce, ModelsInForceReader

_OVER = ("ended", "retired")


class Readability:
    """Looks again only when a strategy or a model has changed."""

    def __init__(self) -> None:
        self._models = ModelsInForceReader()
        self._found: Mapping[str, StrategyFault] = {}
        self._read_at = (-1, -1)

    def faults(
        self, connection: Connection[Any], views: Callable[[], Iterable[StrategyView]]
    ) -> Mapping[str, StrategyFault]:
        """By strategy. views: all of them."""
        models = self._models.read(connection)
        row = connection.execute(CHANGED).fetchone()
        assert row is not None
        changed = (int(row[0]), models.generation)
        if changed != self._read_at:
            self._found, self._read_at = _faults(connection, models, views()), changed
        return self._found


def unread_by(connection: Connection[Any], models: Mapping[str, CompiledModel], spec: StrategySpec) -> Unread | None:
    """What models leave a strategy without, were they in force."""
    tiers = {scheme: model.spec.tiers for scheme, model in models.items()}
    return unread(spec, language_of(connection, models), tiers)


def _faults(
    connection: Connection[Any], models: ModelsInForce, views: Iterable[StrategyView]
) -> dict[str, StrategyFault]:
    found = {}
    for view in views:
        spec = StrategySpec.model_validate(view.spec)
        problem = None if view.status in _OVER else unread_by(connection, models.current, spec)
        if problem is not None:
            found[view.strategy] = StrategyFault(*problem, _since(connection, models, spec))
    return found


def _since(connection: Connection[Any], models: ModelsInForce, spec: StrategySpec) -> int:
    """When the first of the activations came into force after which it could not be read, up to now."""
    since = 0
    for number in range(len(models.activations), 0, -1):
        then = ModelsInForce(models.activations[:number])
        if unread_by(connection, then.current, spec) is None:
            break
        since = then.activations[-1].activated_at
    return since
