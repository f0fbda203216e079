"""Features of which one can never be more than the other: the same one, over a window within the other's."""

from collections.abc import Sequence
from itertools import permutations

from domain.tier_model.spec import Count, Distinct, Feature, Sum, TierModelSpec


def nested_pairs(names: Sequence[str], spec: TierModelSpec) -> list[tuple[str, str]]:
    """(inner, outer) names of features with inner <= outer for every user."""
    return [
        (inner, outer)
        for inner, outer in permutations([name for name in names if _grows(spec.features.get(name))], 2)
        if _within(spec.features[inner], spec.features[outer])
    ]


def _grows(feature: Feature | None) -> bool:
    """Whether more facts never make it less."""
    if isinstance(feature, Sum):
        return feature.minus is None and feature.sum.is_amount and not feature.sum.of_lines
    return isinstance(feature, Count | Distinct)


def _within(inner: Feature, outer: Feature) -> bool:
    apart = {"within": None, "through": None, "since": None}
    if inner.model_copy(update=apart) != outer.model_copy(update=apart):
        return False
    small, large = inner.window, outer.window
    if small == large:
        return False
    if large.length is None and large.calendar is None and large.since is None:
        return small.through_yesterday or not large.through_yesterday
    if small.through_yesterday is not large.through_yesterday:
        return False
    pairs = ((small.days, large.days), (small.months, large.months))
    return any(mine is not None and other is not None and mine <= other for mine, other in pairs)
