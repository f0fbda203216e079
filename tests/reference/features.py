"""Features, scores and the qualified tier of one subject at one instant. Rules: "Windows", "Features", "Scores",
"Rules".

A fact is a dict: position, fact_id, source, kind, occurred_at, known_at, amount, currency, attributes, lines.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from tests.reference.conditions import Value, holds
from tests.reference.windows import Window, days_of_window, window, window_before
from tests.reference.zones import Zone, zone

Fact = dict
Model = dict


def in_currency(facts: list[Fact], currency: str) -> list[Fact]:
    """A fact in another currency is one without an amount here, and so are its lines: minor units of two currencies are
    never added."""

    def without_amounts(fact: Fact) -> Fact:
        lines = [{name: value for name, value in line.items() if name != "amount"} for line in fact["lines"]]
        return {**fact, "amount": None, "lines": lines}

    return [fact if fact["currency"] in (None, currency) else without_amounts(fact) for fact in facts]


def visible(facts: list[Fact], at: int) -> list[Fact]:
    """Rule: "exactly the subject's facts with occurred_at <= t, known_at <= t, not voided by then, ordered by
    occurred_at, then position". A void names a fact of its own source unless it says another; it is a fact itself,
    and not voided by others."""
    voided = {
        (fact["attributes"].get("source", fact["source"]), fact["attributes"]["fact_id"])
        for fact in facts
        if fact["kind"] == "void" and fact["known_at"] <= at
    }
    seen = [
        fact
        for fact in facts
        if fact["occurred_at"] <= at
        and fact["known_at"] <= at
        and (fact["kind"] == "void" or (fact["source"], fact["fact_id"]) not in voided)
    ]
    seen = [{**fact, "order_at": _order_at(fact, seen)} if fact["kind"] == "refund" else fact for fact in seen]
    return sorted(seen, key=lambda fact: (fact["occurred_at"], fact["position"]))


def _order_at(refund: Fact, seen: list[Fact]) -> int | None:
    """When the order that a refund names occurred: the earliest by position of those that are visible. None without
    one."""
    named = [
        fact for fact in seen if fact["kind"] == "order" and fact["fact_id"] == refund["attributes"].get("order_id")
    ]
    return min(named, key=lambda fact: fact["position"])["occurred_at"] if named else None


@dataclass(slots=True)
class View:
    """What one decision sees. anchor: the entry or requalification that windows since standing start after. tiers:
    scheme to the tier there, for the schemes that have one."""

    seen: list[Fact]
    at: int
    standing_on: str | None = None
    anchor: int | None = None
    growth: int | None = None
    tiers: dict[str, str] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()


def evaluate(model: Model, view: View) -> tuple[dict[str, Value], str]:
    """Every feature's and score's value (growth among them), and the qualified tier."""
    local = zone(model["time_zone"])
    values: dict[str, Value] = {
        name: feature_value(feature, view.seen, view.at, local, model["currency"], view.anchor)
        for name, feature in model.get("features", {}).items()
    }
    if view.growth is not None:
        values["growth"] = view.growth
    for name, score in model.get("scores", {}).items():
        values[name] = _score(score, values)
    return values, _qualified(model, values, view)


def feature_value(
    feature: dict, seen: list[Fact], at: int, local: Zone, currency: str, anchor: int | None = None
) -> Value:
    """The table of "Features". A name in `where` is the fact's amount or an attribute; no attribute is null."""
    first = seen[0]["occurred_at"] if seen else None
    counted = seen
    if "after" in feature:
        counted = [fact for fact in counted if at >= _matures_at(feature, fact, local)]
    if "where" in feature:
        counted = [fact for fact in counted if _true_of(fact, feature["where"], currency)]
    facts = _within(feature, counted, window(feature, at, local, first, anchor))
    if "trend" in feature:
        return _trend(feature, facts, _within(feature, counted, window_before(feature, at, local, first)))
    if "rate" in feature:
        days, per = days_of_window(feature, at, local, first, anchor), int(feature["per"].split()[0])
        return len(_of_kind(facts, feature["rate"])) / days * per if days else 0.0
    if "days_since" in feature:
        matching = _of_kind(facts, feature["days_since"])
        if not matching:
            return None
        chosen = matching[0] if feature.get("first") else matching[-1]
        return (local.day(at) - local.day(chosen["occurred_at"])).days
    if "share" in feature:
        return _share(feature, facts, currency)
    return _fold(feature, facts)


def _matures_at(feature: dict, fact: Fact, local: Zone) -> int:
    """Rule: "counts a fact only from midnight(day(occurred_at) + N) on"."""
    return local.midnight(local.day(fact["occurred_at"]) + timedelta(days=int(feature["after"].split()[0])))


def _within(feature: dict, facts: list[Fact], when: Window) -> list[Fact]:
    """Rule: "A refund counts at its own occurred_at, unless `refunds: at_order`". Only windows ask for
    this: facts stay in the order in which they occurred."""
    start, end = when
    if start is not None:
        facts = [fact for fact in facts if _counts_at(feature, fact) >= start]
    if end is not None:
        facts = [fact for fact in facts if _counts_at(feature, fact) < end]
    return facts


def _counts_at(feature: dict, fact: Fact) -> int:
    moved = fact.get("order_at") if feature.get("refunds") == "at_order" else None
    return fact["occurred_at"] if moved is None else moved


def _fold(feature: dict, facts: list[Fact]) -> Value:
    if "count" in feature:
        return len(_of_kind(facts, feature["count"]))
    if "sum" in feature:
        total = _sum(facts, feature["sum"])
        return total - _sum(facts, feature["minus"]) if "minus" in feature else total
    if "distinct" in feature:
        return len(set(_fields(facts, feature["distinct"])))
    if "top" in feature:
        return _top(feature, facts)
    if "latest" in feature:
        return next(reversed(_fields(facts, feature["latest"])), None)
    for name, (types, fold) in _FOLDS.items():
        if name in feature:
            found = [value for value in _fields(facts, feature[name]) if type(value) in types]
            return fold(found) if found else None
    raise AssertionError(f"unknown feature {feature}")


def _top(feature: dict, facts: list[Fact]) -> str | None:
    """Rule: "the label with the most; ties go to the smaller label by code point". Labels are text."""
    weights: defaultdict[str, int] = defaultdict(int)
    for label, amount in _pairs(facts, feature["top"]):
        if isinstance(label, str):
            weights[label] += (amount or 0) if feature.get("by") == "amount" else 1
    return min(weights, key=lambda label: (-weights[label], label), default=None)


def _share(feature: dict, facts: list[Fact], currency: str) -> float | None:
    """Rule: "part / whole, float64; null when the whole is 0"."""
    part, whole = (
        _sum(chosen, feature["share"]) if "." in feature["share"] else len(_of_kind(chosen, feature["share"]))
        for chosen in ([fact for fact in facts if _true_of(fact, feature["of"], currency)], facts)
    )
    return part / whole if whole else None


def _trend(feature: dict, now: list[Fact], before: list[Fact]) -> float | None:
    """Rule: "this window / the one of the same length before it; null when that is 0"."""
    what, path = feature["trend"].split()
    this, that = (_sum(facts, path) if what == "sum" else len(_of_kind(facts, path)) for facts in (now, before))
    return this / that if that else None


def _true_of(fact: Fact, condition: str, currency: str) -> bool:
    return holds(condition, lambda name: value_of(fact, name), currency) is True


def _of_kind(facts: list[Fact], kind: str) -> list[Fact]:
    return [fact for fact in facts if fact["kind"] == kind]


def _sum(facts: list[Fact], path: str) -> int:
    """Of whole numbers; a value of another type is not there."""
    return sum(value for value in _fields(facts, path) if type(value) in _WHOLE)


def _fields(facts: list[Fact], path: str) -> list:
    """The values of KIND.FIELD or KIND.lines.FIELD that are there, in the order of their facts and lines."""
    return [value for value, _ in _pairs(facts, path)]


def _pairs(facts: list[Fact], path: str) -> Iterator[tuple[Value, int | None]]:
    """Values that are there, each with the amount of its line, or of its fact."""
    kind, *inside, name = path.split(".")
    for fact in _of_kind(facts, kind):
        if inside == ["lines"]:
            found = [(line.get(name), line.get("amount")) for line in fact["lines"]]
        else:
            found = [(value_of(fact, name), fact["amount"])]
        yield from (pair for pair in found if pair[0] is not None)


def value_of(fact: Fact, name: str) -> Value:
    """The amount, or an attribute; null without it."""
    return fact["amount"] if name == "amount" else fact["attributes"].get(name)


def _score(score: dict, values: dict[str, Value]) -> Value:
    """Rule: "bin = 1 + (number of cuts strictly below the value)"; "score = bin when high is best, k + 2 - bin when
    low is best. Null gives null." A weighted score is null with a part that is null, unless `missing: 0` counts that
    part as 0."""
    if "weighted" in score:
        total: int | float = 0
        for name, weight in score["weighted"].items():
            part = values[name]
            if part is None and score.get("missing") is None:
                return None
            total += weight * (part or 0)
        return total
    value, cuts = values[score["of"]], score["cuts"]
    if value is None:
        return None
    bin_number = 1 + sum(cut < value for cut in cuts)
    return bin_number if score["best"] == "high" else len(cuts) + 2 - bin_number


def _qualified(model: Model, values: dict[str, Value], view: View) -> str:
    """Ordered: "the highest tier T whose enter is true, or whose keep is true while the subject stands on T or
    above. No keep means keep = enter." Unordered: "the first tier, as written, whose enter is true; none: default"."""
    tiers, rules, standing_on = model["tiers"], model["rules"], view.standing_on

    def known(name: str) -> Value:
        if name.startswith("tier."):
            return view.tiers.get(name.removeprefix("tier."))
        if name.startswith("tag("):
            return name.removeprefix("tag('").removesuffix("')") in view.tags
        return values[name]

    def true(condition: str) -> bool:
        return holds(condition, known, model["currency"]) is True

    def enter(tier: str) -> bool:
        rule = rules.get(tier)
        return rule is not None and true(rule if isinstance(rule, str) else rule["enter"])

    def keep(tier: str) -> bool:
        rule = rules.get(tier)
        return isinstance(rule, dict) and "keep" in rule and true(rule["keep"])

    if model.get("unordered"):
        return next((tier for tier in tiers if enter(tier)), model["default"])
    for tier in reversed(tiers[1:]):
        stands_there = standing_on is not None and tiers.index(standing_on) >= tiers.index(tier)
        if enter(tier) or (stands_there and keep(tier)):
            return tier
    return tiers[0]


_WHOLE, _NUMBER = (int,), (int, float)
_FOLDS = {
    "avg": (_WHOLE, lambda found: sum(found) / len(found)),
    "min": (_NUMBER, min),
    "max": (_NUMBER, max),
}
