"""Features: names, units, windows, and the conditions on their facts."""

from collections.abc import Iterator

from domain.tier_model.column import Type
from domain.tier_model.expression import ConditionInvalid, compile_fact_condition
from domain.tier_model.expression.tree import FUNCTIONS, KEYWORDS
from domain.tier_model.lint.places import Places
from domain.tier_model.lint.reach import Reach
from domain.tier_model.lint.rules import alone_faults
from domain.tier_model.spec import Feature, ModelFault, Share, Sum, TierModelSpec, Trend
from domain.tier_model.spec.source import Path

_DAYS_A_MONTH = 30  # at least: a month of 31 days is not told as longer than a history of 30
_DAYS_A_PERIOD = {"month": 28, "quarter": 90, "year": 365}  # at least
_OF_FACTS = {"amount": Reach(Type.money, 0, whole=True)}


def feature_faults(spec: TierModelSpec, history_days: int | None, places: Places) -> Iterator[ModelFault]:
    """history_days: how far back the facts go that there are; None: not known."""
    for name, feature in spec.features.items():
        path: Path = ("features", name)
        yield from name_faults(path, name, places)
        if isinstance(feature, Sum) and feature.minus and feature.minus.is_amount is not feature.sum.is_amount:
            remedy = "Subtract an amount from an amount, or an attribute from an attribute"
            yield places.error((*path, "minus"), str(feature.minus), "has another unit than the sum", remedy)
        if isinstance(feature, Trend) and feature.within is None:
            remedy = "Give it a window: within, such as '30 days'"
            yield places.error((*path, "trend"), feature.trend, "has no window before it", remedy)
        for key, text in (("where", feature.where), ("of", feature.of if isinstance(feature, Share) else None)):
            if text is not None:
                yield from fact_condition_faults((*path, key), text, spec, places)
        days = days_back(feature)
        if history_days is not None and days is not None and days > history_days:
            twice = ", twice as far for its trend" if isinstance(feature, Trend) else ""
            message = f"looks back further than the facts there are{twice}: users look quieter than they were"
            remedy = "Load the history first, or shorten the window"
            yield places.warning((*path, "within"), str(feature.within), message, remedy)


def name_faults(path: Path, name: str, places: Places) -> Iterator[ModelFault]:
    """A name that conditions cannot read."""
    if name.lower() in KEYWORDS | FUNCTIONS:
        yield places.error(path, name, "is a word of the condition language", "Choose another name")


def fact_condition_faults(path: Path, text: str, spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    """Of a condition on one fact."""
    try:
        condition = compile_fact_condition(text, spec.currency)
    except ConditionInvalid as problem:
        yield places.in_condition(path, text, problem)
    else:
        yield from alone_faults(path, condition, spec.model_copy(update={"scores": {}}), _OF_FACTS, places)


def days_back(feature: Feature) -> int | None:
    """How many days a window of a fixed length needs at least; a trend needs the one before it too."""
    window = feature.window
    days = window.days or (window.months * _DAYS_A_MONTH if window.months is not None else None)
    if window.last:
        days = _DAYS_A_PERIOD[window.calendar or "year"]
    return None if days is None else 2 * days if isinstance(feature, Trend) else days
