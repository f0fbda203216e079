"""Tiers and rules: what cannot be read, what nobody meets, what contradicts itself."""

from collections.abc import Iterator

import numpy as np

from domain.tier_model.expression import Condition, ConditionInvalid, tag_column
from domain.tier_model.expression.tree import Compare, Constant, Node, is_fixed, text_of, walk
from domain.tier_model.lint.bounds import bound_faults
from domain.tier_model.lint.cases import Reaches, cases_of
from domain.tier_model.lint.grid import Conditions, grid_faults
from domain.tier_model.lint.places import Places
from domain.tier_model.names import compile_rule
from domain.tier_model.spec import Downgrade, ModelFault, TierModelSpec
from domain.tier_model.spec.source import Path


def rule_faults(spec: TierModelSpec, reaches: Reaches, places: Places) -> Iterator[ModelFault]:
    """Of every rule by itself, then of the rules together. reaches: what the names in them can be."""
    yield from _tiers(spec, places)
    rules: dict[str, tuple[Condition, Condition | None]] = {}
    for tier, rule in spec.rules.items():
        found: list[Condition | None] = []
        for key, text in (("enter", rule.enter), ("keep", rule.keep)):
            if text is None:
                continue
            try:
                condition = compile_rule(spec, text)
            except ConditionInvalid as problem:
                yield places.in_condition(("rules", tier, key), text, problem)
                found.append(None)
                continue
            faults = [*alone_faults(("rules", tier, key), condition, spec, reaches, places)]
            yield from faults
            found.append(None if any(fault.severity == "error" for fault in faults) else condition)
        yield from _keep(spec, tier, found, reaches, places)
        if found[0] is not None:
            rules[tier] = (found[0], found[1] if len(found) > 1 else None)
    yield from _together(spec, rules, reaches, places)


def alone_faults(
    path: Path, condition: Condition, spec: TierModelSpec, reaches: Reaches, places: Places
) -> Iterator[ModelFault]:
    """Of one condition, a rule's or one on facts: what is never true, and what says nothing."""
    if is_fixed(condition.tree) and condition.holds({}) is not True:
        yield places.error(path, condition.text, "is never true", "Compare a feature or a score with a value")
        return
    nulls = [part for part in walk(condition.tree) if isinstance(part, Compare) and _beside_null(part)]
    for part in nulls:
        message = f"compares with null, which is never true: {text_of(part)}"
        yield places.error(path, condition.text, message, "Write is null or is not null")
    cases = cases_of([condition], spec, reaches) if not nulls else None
    if cases is None:
        return
    if not cases.true(condition).any():
        remedy = f"Loosen it: {_reached(condition, reaches)}" if reaches else "Loosen it"
        yield places.warning(path, condition.text, "is true for no values that there can be", remedy)
        return
    for part in _comparisons(condition.tree):
        yield from _says_nothing(path, part, spec, reaches, places)


def _says_nothing(
    path: Path, part: Compare, spec: TierModelSpec, reaches: Reaches, places: Places
) -> Iterator[ModelFault]:
    """A comparison that is the same for everybody."""
    condition = Condition(part)
    cases = cases_of([condition], spec, reaches)
    if cases is None or not condition.names <= reaches.keys():
        return
    true = cases.true(condition)
    if true.all() or not true.any():
        message = f"asks what is {'always' if true.all() else 'never'} true: {condition.text}"
        yield places.warning(path, condition.text, message, f"Leave it out: {_reached(condition, reaches)}")


def _comparisons(tree: Node) -> Iterator[Compare]:
    return (part for part in walk(tree) if isinstance(part, Compare) and not is_fixed(part))


def _beside_null(part: Compare) -> bool:
    return any(isinstance(side, Constant) and side.value is None for side in (part.left, part.right))


def _reached(condition: Condition, reaches: Reaches) -> str:
    known = [f"{name} is {reaches[name]}" for name in sorted(condition.names) if name in reaches]
    return ", ".join(known) or "nobody meets it"


def _tiers(spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    for tier in spec.rules:
        if tier not in spec.tiers:
            remedy = f"Name one of {', '.join(spec.tiers)}"
            yield places.error(("rules", tier), tier, "is no tier of this model", remedy)
    free = spec.default if spec.unordered else spec.tiers[0]
    for tier in spec.tiers:
        if tier not in spec.rules and tier != free:
            message = f"has no rule for {tier}: no user can reach it"
            yield places.error(("rules",), tier, message, "Write when it is entered")
    if not spec.unordered and free in spec.rules:
        remedy = "Everybody qualifies for the lowest tier: leave its rule out"
        yield places.warning(("rules", str(free)), free, "has no effect", remedy)


def _keep(
    spec: TierModelSpec, tier: str, found: list[Condition | None], reaches: Reaches, places: Places
) -> Iterator[ModelFault]:
    """keep beside enter. found: enter, and keep where there is one; None where it is at fault already."""
    keep = spec.rules[tier].keep
    if keep is None:
        return
    path: Path = ("rules", tier, "keep")
    if spec.unordered:
        message = "has no effect in an unordered model"
        yield places.warning(path, keep, message, "Classes are not kept: leave keep out")
        return
    if spec.policy.downgrade == "never" and spec.policy.validity is None:
        message = "has no effect: under downgrade: never nobody falls"
        yield places.warning(path, keep, message, "Leave keep out, or let users fall")
        return
    enter, kept = found
    if enter is None or kept is None:
        return
    cases = cases_of([enter, kept], spec, reaches, () if _reviewed_at_once(spec) else _read(kept) - _read(enter))
    if cases is None:
        return
    stricter = cases.surely(cases.true(enter) & ~cases.true(kept))
    if stricter.any() and cases.true(kept).any():
        remedy = f"Whoever enters keeps the tier: loosen keep. It leaves out {cases.spelled(stricter)}"
        yield places.warning(path, kept.text, "is stricter than enter", remedy)


def _reviewed_at_once(spec: TierModelSpec) -> bool:
    """Whether keep is asked as soon as the tier is entered; at a later review only what enter reads too is compared:
    what else keep reads (last year's spend, the spend since entry) may well have come about by then."""
    fall = spec.policy.downgrade
    return isinstance(fall, Downgrade) and fall.review == "continuous" and fall.grace is None


def _read(condition: Condition) -> frozenset[str]:
    return condition.names.union(map(tag_column, condition.tags))


def _together(spec: TierModelSpec, rules: Conditions, reaches: Reaches, places: Places) -> Iterator[ModelFault]:
    easier = [] if spec.unordered else [*bound_faults(spec, rules, places)]
    yield from (fault for _, fault in easier if fault is not None)
    yield from _shadowed(spec, rules, reaches, places, {lower for lower, _ in easier})
    yield from grid_faults(spec, rules, places)


def _shadowed(
    spec: TierModelSpec, rules: Conditions, reaches: Reaches, places: Places, told: set[str]
) -> Iterator[ModelFault]:
    """Tiers whose rule never decides, because whoever meets it meets the rule of one that comes first."""
    free = spec.default if spec.unordered else spec.tiers[0]
    tried = [
        tier for tier in (spec.tiers if spec.unordered else reversed(spec.tiers)) if tier in rules and tier != free
    ]
    for tier, hiding in _hidden(tried, spec, rules, reaches):
        if tier not in told:
            message = f"never decides: whoever meets it meets the rule of {' or '.join(hiding)}, which comes first"
            remedy = "Put it first, or ask for less here" if spec.unordered else "Ask for more there, or for less here"
            yield places.warning(("rules", tier, "enter"), rules[tier][0].text, message, remedy)


def _hidden(
    tried: list[str], spec: TierModelSpec, rules: Conditions, reaches: Reaches
) -> Iterator[tuple[str, list[str]]]:
    """Each tier with those before it that hide it: all together where these cases can be tried, else its neighbour."""
    whole = cases_of([rules[tier][0] for tier in tried], spec, reaches)
    true = {tier: whole.true(rules[tier][0]) for tier in tried} if whole is not None else {}
    for index, tier in enumerate(tried[1:], 1):
        before = tried[:index] if whole is not None else tried[index - 1 : index]
        if whole is None:
            cases = cases_of([rules[each][0] for each in (*before, tier)], spec, reaches)
            if cases is None:
                continue
            true = {each: cases.true(rules[each][0]) for each in (*before, tier)}
        mine = true[tier]
        if mine.any() and not (mine & ~np.logical_or.reduce([true[each] for each in before])).any():
            alone = [each for each in before if not (mine & ~true[each]).any()]
            yield tier, alone[-1:] or [each for each in before if (mine & true[each]).any()]
