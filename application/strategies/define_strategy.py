"""Take a strategy file in, first or anew."""

from application.strategies.ports import Strategies, StrategyView, by
from domain.strategies.aggregate import Strategy
from domain.strategies.lint import lint, require_no_circle
from domain.strategies.spec import StrategyInvalid, StrategySpec, read_strategy
from domain.tier_model.spec.faults import Fault


class DefineStrategy:
    """A name that is new is defined; of one that is there the content is revised. The same content is that again."""

    def __init__(self, strategies: Strategies) -> None:
        self._strategies = strategies

    def __call__(self, text: str | bytes, actor: str, *, command_id: str = "") -> StrategyView:
        """Raises StrategyInvalid, StrategiesInCircle, StrategyOver, StrategyStanding, DesignFixed."""
        spec, _ = read_strategy(text)
        others = others_of(self._strategies, spec.strategy)
        require_no_circle(spec, others)
        faults = LintStrategy(self._strategies)(text)
        if faults:
            raise StrategyInvalid(faults)
        with self._strategies.change(spec.strategy) as change:
            strategy = change.strategy
            if strategy is None:
                strategy = Strategy.define(spec, by(change, actor, command_id))
            else:
                strategy.revise(spec, by(change, actor, command_id))
            change.save(strategy)
        return self._strategies.view(spec.strategy)


class LintStrategy:
    """Say what is wrong with a strategy file, beside what there is. Stores nothing."""

    def __init__(self, strategies: Strategies) -> None:
        self._strategies = strategies

    def __call__(self, text: str | bytes) -> list[Fault]:
        """Every fault; what cannot be read is a list of faults too."""
        try:
            spec, source = read_strategy(text)
        except StrategyInvalid as problem:
            return problem.errors
        around = self._strategies.surroundings()
        return lint(
            spec,
            source,
            compile_where=around.compile_where,
            tiers=around.tiers,
            benefits=around.benefits,
            others=others_of(self._strategies, spec.strategy),
        )


def others_of(strategies: Strategies, name: str) -> dict[str, StrategySpec]:
    """The contents of the others that are not over."""
    return {
        view.strategy: StrategySpec.model_validate(view.spec)
        for view in strategies.views()
        if view.strategy != name and view.status not in ("ended", "retired")
    }
