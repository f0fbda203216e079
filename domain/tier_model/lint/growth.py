"""Growth value: what earns, what refunds take back, what the end of validity deducts."""

from collections.abc import Iterator

from domain.tier_model.currency import minor_units
from domain.tier_model.expression import ConditionInvalid
from domain.tier_model.lint.features import fact_condition_faults
from domain.tier_model.lint.places import Places
from domain.tier_model.names import compile_rule
from domain.tier_model.spec import GROWTH, CutScore, Earn, Growth, ModelFault, TierModelSpec
from domain.tier_model.spec.source import Path

_REFUNDS = "refund.amount"


def growth_faults(spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    """Nothing when the model has no growth value."""
    growth = spec.growth
    if growth is None:
        return
    if spec.unordered:
        yield places.error(
            (GROWTH,), None, "needs an ordered model", "Classes have no validity to settle at: leave it out"
        )
    for part, names in (("features", spec.features), ("scores", spec.scores)):
        if GROWTH in names:
            message = "is the name of the growth value in this model"
            yield places.error((part, GROWTH), GROWTH, message, "Choose another name")
    for name, earn in growth.earn.items():
        yield from _earn((GROWTH, "earn", name), earn, spec, places)
    yield from _deduct(growth, spec, places)
    if not _is_read(spec):
        remedy = "Write rules over it, such as growth >= 2000"
        yield places.warning((GROWTH,), None, "is read by no rule and no score", remedy)


def _deduct(growth: Growth, spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    for tier in growth.deduct:
        if tier not in spec.tiers:
            remedy = f"Name one of {', '.join(spec.tiers)}"
            yield places.error((GROWTH, "deduct", tier), tier, "is no tier of this model", remedy)
    if spec.policy.validity is None and not spec.unordered:
        at: Path = (GROWTH, "deduct") if growth.deduct else (GROWTH,)
        remedy = "Give the policy a validity, such as 12 months, if growth is to be settled"
        yield places.warning(at, None, "is never settled: growth settles when validity ends, and there is none", remedy)


def _earn(path: Path, earn: Earn, spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    yield from _each(path, earn, spec.currency, places)
    if earn.minus is not None:
        if str(earn.minus) != _REFUNDS:
            message = "is nothing that growth can be reversed by"
            yield places.error((*path, "minus"), str(earn.minus), message, f"Write {_REFUNDS}")
        elif earn.field != "amount":
            message = f"takes amounts from {earn.of}, which is none"
            remedy = f"Let it earn by {earn.kind}.amount, or leave minus out"
            yield places.error((*path, "minus"), str(earn.minus), message, remedy)
        if earn.at_most is not None:
            message = "does not go together with minus"
            remedy = "A refund reverses exactly what was earned: leave one of them out"
            yield places.error((*path, "at_most"), earn.at_most, message, remedy)
    if earn.where is not None:
        yield from fact_condition_faults((*path, "where"), earn.where, spec, places)


def _each(path: Path, earn: Earn, currency: str, places: Places) -> Iterator[ModelFault]:
    """What a field must reach for the points: an amount of an amount, a whole number of anything else."""
    of_money, sample = earn.field == "amount", "money(1.00)"
    if earn.each is None:
        if of_money:
            message = "earns by money, and does not say for how much"
            yield places.error(path, earn.of, message, f"Add each: {sample}")
        return
    at: Path = (*path, "each")
    written = earn.each.removeprefix("money(").removesuffix(")")
    if earn.field is None:
        message = f"divides nothing: every {earn.kind} earns the points once"
        yield places.error(at, earn.each, message, "Leave each out, or earn by a field of it")
    elif of_money and written == earn.each:
        yield places.error(at, earn.each, "is a bare number beside money", f"Write an amount, such as {sample}")
    elif not of_money and written != earn.each:
        yield places.error(at, earn.each, f"is money, and {earn.of} is none", "Write a whole number")
    elif of_money:
        try:
            nothing = minor_units(written, currency) == 0
        except ValueError as problem:
            yield places.error(at, earn.each, str(problem), f"Write an amount of {currency}")
            return
        if nothing:
            yield places.error(at, earn.each, "is nothing, and cannot divide", f"Write an amount, such as {sample}")


def _is_read(spec: TierModelSpec) -> bool:
    if any(isinstance(score, CutScore) and score.of == GROWTH for score in spec.scores.values()):
        return True
    for rule in spec.rules.values():
        for text in (rule.enter, rule.keep):
            try:
                if text is not None and GROWTH in compile_rule(spec, text).names:
                    return True
            except ConditionInvalid:
                return True  # what is wrong there is told there
    return False
