"""Growth value 成长值: what the visible facts have earned, and what the end of validity leaves of it.

Rule: balance = carried at the last settlement + what is earned now - what was earned then. Points belong to what is
visible, so a void or a refund takes its points back whenever it becomes visible.
"""

from collections import defaultdict
from datetime import timedelta

from tests.reference.conditions import holds, money
from tests.reference.features import Fact, value_of
from tests.reference.zones import Zone


def earned(growth: dict, seen: list[Fact], at: int, local: Zone, currency: str) -> int:
    """E(t): the points of all rules together, of the facts visible at `at`."""
    return sum(_points(rule, seen, at, local, currency) for rule in growth["earn"].values())


def left_by_settlement(growth: dict, balance: int, tier: str) -> int:
    """What is carried on: "min(B, 0) if all, else max(min(B, 0), B - D)"; nothing is deducted from a debt."""
    deducted = growth.get("deduct", {}).get(tier, 0)
    return min(balance, 0) if deducted == "all" else max(min(balance, 0), balance - deducted)


def _points(rule: dict, seen: list[Fact], at: int, local: Zone, currency: str) -> int:
    kind, _, name = rule["of"].partition(".")
    earning = [
        fact
        for fact in seen
        if fact["kind"] == kind
        and ("after" not in rule or at >= _matures_at(fact, rule["after"], local))
        and ("where" not in rule or _true_of(fact, rule["where"], currency))
    ]
    if "minus" in rule:
        refunds = [fact for fact in seen if fact["kind"] == "refund"]
        return sum(_whole_parts(rule, net, currency) for net in _nets(earning, refunds))
    of_day: defaultdict = defaultdict(int)
    for fact in earning:
        value = value_of(fact, name) if name else None
        if not name:
            of_day[local.day(fact["occurred_at"])] += rule["points"]
        elif type(value) is int:
            of_day[local.day(fact["occurred_at"])] += _whole_parts(rule, value, currency)
    return sum(min(points, rule.get("at_most", points)) for points in of_day.values())


def _nets(earning: list[Fact], refunds: list[Fact]) -> list[int]:
    """The amounts of each order less its refunds: "a refund reverses exactly"."""
    of_order: defaultdict = defaultdict(int)
    alone = []
    for fact in earning:
        if fact["amount"] is None:
            continue
        order = fact["fact_id"] if fact["kind"] == "order" else _order_id(fact)
        if order is None:
            alone.append(fact["amount"])
        else:
            of_order[order] += fact["amount"]
    for refund in refunds:
        order = _order_id(refund)
        if order in of_order:
            of_order[order] -= refund["amount"] or 0
    return [*of_order.values(), *alone]


def _order_id(fact: Fact) -> str | None:
    """Non-empty text, or nothing."""
    named = fact["attributes"].get("order_id")
    return named if isinstance(named, str) and named else None


def _true_of(fact: Fact, condition: str, currency: str) -> bool:
    return holds(condition, lambda name: value_of(fact, name), currency) is True


def _whole_parts(rule: dict, value: int, currency: str) -> int:
    """points × floor(max(0, x) / E)."""
    each = rule.get("each", 1)
    if isinstance(each, str):
        each = money(each.removeprefix("money(").removesuffix(")"), currency)
    return rule["points"] * (max(0, value) // each)


def _matures_at(fact: Fact, after: str, local: Zone) -> int:
    return local.midnight(local.day(fact["occurred_at"]) + timedelta(days=int(after.split()[0])))
