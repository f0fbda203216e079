"""Thresholds that do not rise with the tiers: of rules that are comparisons joined by `and`, name by name.

Where a higher tier and a lower one bound the same name from the same side, and some users meet both rules, the higher
tier's bound must be at least as hard. Rules that nobody meets both of are bands or cells, not rungs: left alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.tier_model.expression import Condition
from domain.tier_model.expression.condition import constant_value
from domain.tier_model.expression.tree import MIRRORED, And, Compare, Name, affirmed, is_fixed, text_of
from domain.tier_model.lint.places import Places
from domain.tier_model.spec import ModelFault, TierModelSpec

Number = int | float


@dataclass(frozen=True, slots=True)
class _Bound:
    """The hardest bound of a name from one side. open: the value itself does not do."""

    value: Number
    open: bool
    text: str


@dataclass(slots=True)
class _Bounds:
    low: dict[str, _Bound]
    high: dict[str, _Bound]


def bound_faults(
    spec: TierModelSpec, rules: Mapping[str, tuple[Condition, Condition | None]], places: Places
) -> Iterator[tuple[str, ModelFault | None]]:
    """Of an ordered model, each lower tier that a higher one is easier than, with a warning for the nearest of them."""
    bounds = {tier: _bounds(rules[tier][0]) for tier in spec.tiers[1:] if tier in rules}
    for rank, tier in enumerate(spec.tiers):
        told: set[tuple[str, str]] = set()
        for lower in reversed(spec.tiers[:rank]):
            mine, other = bounds.get(tier), bounds.get(lower)
            if mine is None or other is None or _apart(mine, other):
                continue
            for side, name, bound, harder in _easier(mine, other):
                message = f"asks less of {name} than the lower tier {lower}: {bound.text}, beside {harder.text}"
                remedy = f"Ask for {harder.text} or more, or lower the bar of {lower}"
                fault = places.warning(("rules", tier, "enter"), rules[tier][0].text, message, remedy)
                yield lower, None if (side, name) in told else fault
                told.add((side, name))


def _bounds(condition: Condition) -> _Bounds | None:
    """None when the condition is anything but comparisons joined by `and`."""
    tree = affirmed(condition.tree)
    found = _Bounds({}, {})
    for part in tree.parts if isinstance(tree, And) else (tree,):
        if not isinstance(part, Compare) or not _take(part, found):
            return None
    return found


def _take(part: Compare, found: _Bounds) -> bool:
    op, name, other = part.op, part.left, part.right
    if not isinstance(name, Name):
        op, name, other = MIRRORED[op], other, name
    value = constant_value(other) if is_fixed(other) else None
    if not isinstance(name, Name) or not isinstance(value, int | float) or isinstance(value, bool):
        return False
    bound = _Bound(value, op in ("<", ">"), text_of(Compare(op, name, other)))
    if op in (">", ">=", "="):
        held = found.low.get(name.name)
        found.low[name.name] = bound if held is None else max(held, bound, key=lambda each: (each.value, each.open))
    if op in ("<", "<=", "="):
        held = found.high.get(name.name)
        found.high[name.name] = (
            bound if held is None else min(held, bound, key=lambda each: (each.value, not each.open))
        )
    return op != "<>"


def _apart(mine: _Bounds, other: _Bounds) -> bool:
    """Whether some name keeps the two rules apart."""
    return any(
        _crossed(one.low[name], two.high[name])
        for one, two in ((mine, other), (other, mine), (mine, mine), (other, other))
        for name in one.low.keys() & two.high.keys()
    )


def _crossed(low: _Bound, high: _Bound) -> bool:
    return low.value > high.value or (low.value == high.value and (low.open or high.open))


def _easier(mine: _Bounds, other: _Bounds) -> Iterator[tuple[str, str, _Bound, _Bound]]:
    for side, sign, own, theirs in (("low", 1, mine.low, other.low), ("high", -1, mine.high, other.high)):
        for name in sorted(own.keys() & theirs.keys()):
            bound, harder = own[name], theirs[name]
            if (sign * bound.value, bound.open) < (sign * harder.value, harder.open):
                yield side, name, bound, harder
