"""Decided users, and a benefit that is charged to a budget, for benchmarks of grants."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from application.benefits.grant_benefit import grant_id_of
from application.facts.record_facts import RecordFactStream
from benchmarks.sample_year import activate
from domain.benefits.granting import GrantWanted
from domain.budgets.terms import BudgetTerms
from infrastructure.bootstrap import System

BENEFIT = "coupon-10"
_MODEL = """
scheme: value
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, high]
features:
  orders: {count: order, within: 90 days}
rules:
  high: "orders >= 10"
"""
_BENEFIT = f"""
benefit: {BENEFIT}
kind: coupon
labels: {{zh-CN: 十元券, en: Ten off}}
currency: CNY
time_zone: Asia/Shanghai
unit_cost: 1000
details: {{amount_off: 1000}}
validity: {{from_grant: 30 days}}
budget: spring
"""


def populate(system: System, users: int) -> Sequence[str]:
    """So many users, decided; the benefit in force, its budget larger than anybody can claim."""
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    names = [f"user-{number}" for number in range(users)]
    told = {"kind": "order", "occurred_at": at, "amount": 5_000, "currency": "CNY", "source": "shop"}
    lines = (msgspec.json.encode({"fact_id": name, "user_id": name, **told}) for name in names)
    answer = system.record_facts.stream(RecordFactStream(lines))
    assert answer.accepted == users, answer.rejected[:1]
    activate(system, _MODEL)
    while system.evaluate_due():
        pass
    system.benefits.define_budget("spring", BudgetTerms(10**15, "CNY", "Asia/Shanghai"), "bench")
    system.benefits.draft(_BENEFIT, "bench")
    system.benefits.activate(BENEFIT, None, "bench")
    return names


def claim(system: System, user: str, units: int = 1) -> str:
    """One grant; its id."""
    wanted = GrantWanted(grant_id_of(""), user, BENEFIT, units=units, actor="bench", campaign="spring")
    return system.grants.grant(wanted).grant.grant_id
