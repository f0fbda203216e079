"""Features, scores and the qualified tier of one subject at one instant. Rules: "Windows", "Features", "Scores",
"Rules".

A fact is a dict: position, fact_id, source, kind, occurred_at, known_at, amount, currency, attributes, lines.
"""

import re
from datetime import date, timedelta

from tests.reference.conditions import Value, holds
from tests.reference.zones import Zone, add_months, zone

Fact = dict
Model = dict
_PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def visible(facts: list[Fact], at: int) -> list[Fact]:
    """Rule: "exactly the subject's facts with occurred_at <= t, known_at <= t, not voided by then, ordered by
    occurred_at, then position". A void is seen by nobody's features; it names a fact of its own source unless it
    says another."""
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
        and fact["kind"] != "void"
        and (fact["source"], fact["fact_id"]) not in voided
    ]
    return sorted(seen, key=lambda fact: (fact["occurred_at"], fact["position"]))


def evaluate(model: Model, seen: list[Fact], at: int, standing_on: str | None) -> tuple[dict[str, Value], str]:
    """Every feature's and score's value, and the qualified tier."""
    local = zone(model["time_zone"])
    values: dict[str, Value] = {
        name: feature_value(feature, seen, at, local, model["currency"])
        for name, feature in model.get("features", {}).items()
    }
    for name, score in model.get("scores", {}).items():
        values[name] = _score(score, values)
    return values, _qualified(model, values, standing_on)


def feature_value(feature: dict, seen: list[Fact], at: int, local: Zone, currency: str) -> Value:
    """The table of "Features". A name in `where` is the fact's amount or an attribute; no attribute is null."""
    start, end = window(feature, at, local)
    facts = [
        fact
        for fact in seen
        if (start is None or fact["occurred_at"] >= start)
        and (end is None or fact["occurred_at"] < end)
        and ("where" not in feature or holds(feature["where"], lambda name, fact=fact: _field(fact, name), currency))
    ]
    if "count" in feature:
        return len(_of_kind(facts, feature["count"]))
    if "sum" in feature:
        total = sum(_fields(facts, feature["sum"]))
        return total - sum(_fields(facts, feature["minus"])) if "minus" in feature else total
    if "distinct" in feature:
        return len(set(_fields(facts, feature["distinct"])))
    if "days_since" in feature:
        matching = _of_kind(facts, feature["days_since"])
        if not matching:
            return None
        chosen = matching[0] if feature.get("first") else matching[-1]
        return (local.day(at) - local.day(chosen["occurred_at"])).days
    for name, fold in _FOLDS.items():
        if name in feature:
            found = _fields(facts, feature[name])
            return fold(found) if found else None
    raise AssertionError(f"unknown feature {feature}")


def window(feature: dict, at: int, local: Zone) -> tuple[int | None, int | None]:
    """(first instant, first instant after it), None for open. "N days: today and the N-1 local days before it";
    `through: yesterday` ends at today's midnight and steps back from today's date instead of tomorrow's."""
    today = local.day(at)
    yesterday = feature.get("through") == "yesterday"
    end = local.midnight(today) if yesterday else None
    if "within" not in feature:
        return None, end
    within = feature["within"].strip()
    if within.startswith("this "):
        return local.midnight(_period_start(today, _PERIOD_MONTHS[within[5:]])), end
    number, unit = re.fullmatch(r"(\d+) (day|week|month|year)s?", within).groups()
    after = today if yesterday else today + timedelta(days=1)
    return local.midnight(_back(after, int(number), unit)), end


def _back(day: date, number: int, unit: str) -> date:
    """Rule: "A week is 7 days. Months and years step back on the calendar … clamped to the month's last day"."""
    if unit in ("day", "week"):
        return day - timedelta(days=number * (7 if unit == "week" else 1))
    return add_months(day, -number * (12 if unit == "year" else 1))


def _period_start(day: date, months: int) -> date:
    """Rule: "this …` starts at the period's first midnight"."""
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _of_kind(facts: list[Fact], kind: str) -> list[Fact]:
    return [fact for fact in facts if fact["kind"] == kind]


def _fields(facts: list[Fact], path: str) -> list:
    """The values of KIND.FIELD or KIND.lines.FIELD that are there, in the order of their facts."""
    kind, *inside, name = path.split(".")
    matching = _of_kind(facts, kind)
    if inside == ["lines"]:
        found = [line.get(name) for fact in matching for line in fact["lines"]]
    else:
        found = [_field(fact, name) for fact in matching]
    return [value for value in found if value is not None]


def _field(fact: Fact, name: str) -> Value:
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


def _qualified(model: Model, values: dict[str, Value], standing_on: str | None) -> str:
    """Ordered: "the highest tier T whose enter is true, or whose keep is true while the subject stands on T or
    above. No keep means keep = enter." Unordered: "the first tier, as written, whose enter is true; none: default"."""
    tiers, rules = model["tiers"], model.get("rules", {})

    def true(condition: str) -> bool:
        return holds(condition, lambda name: values[name], model["currency"]) is True

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


_FOLDS = {
    "avg": lambda found: sum(found) / len(found),
    "min": min,
    "max": max,
    "latest": lambda found: found[-1],
}
