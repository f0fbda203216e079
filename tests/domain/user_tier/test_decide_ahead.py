"""Looking ahead changes nothing that is decided: only what is due next, and when a tier may drop."""

import random
from uuid import UUID

import pytest

from domain.facts.fact import Fact
from domain.facts.instants import parse_instant
from domain.facts.table import RecordedFact, table_from_facts
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.learned_training import DAY
from domain.tier_model.spans import ALWAYS
from domain.tier_model.spec import parse_model
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Subject, decide

NOW = parse_instant("2026-07-01T09:00:00Z")
BASE = """
scheme: value
dimension: value
time_zone: Asia/Shanghai
currency: USD
tiers: [low, mid, high]
features:
  spend: {sum: order.amount, within: 60 days}
  recent: {sum: order.amount, since: standing}
rules:
  high: {enter: "spend >= money(90.00)", keep: "recent >= money(50.00)"}
  mid: {enter: "spend >= money(30.00)"}
policy: {downgrade: {review: monthly, grace: 10 days, steps: 1}, validity: 90 days, minimum_stay: 5 days, warn: 3 days}
"""
READER = """
scheme: reader
dimension: behaviour
time_zone: UTC
currency: USD
tiers: [cold, warm]
features: {orders: {count: order, within: 30 days}}
rules: {warm: "orders >= 1 and tier.value in ('mid', 'high')"}
"""


@pytest.mark.parametrize("seed", range(5))
def test_the_events_and_standings_are_the_same(seed: int) -> None:
    chance = random.Random(seed)
    rows = []
    for subject in range(12):
        for number in range(chance.randint(1, 25)):
            at = NOW - chance.randint(0, 300 * DAY)
            amount = chance.randint(100, 4_000)
            known = at + chance.choice([0, 0, chance.randint(0, 5 * DAY)])
            rows.append((subject, Fact(f"f{number}", f"u{subject}", "order", at, amount=amount, currency="USD"), known))
    rows.sort(key=lambda row: row[2])
    table = table_from_facts([RecordedFact(s, f, p, min(k, NOW)) for p, (s, f, k) in enumerate(rows, 1)], 12)
    stricter = BASE.replace("money(30.00)", "money(45.00)")
    forces = {
        "value": (
            Force(CompiledModel(parse_model(BASE), 1), ALWAYS),
            Force(CompiledModel(parse_model(stricter), 2), NOW - 20 * DAY),
        ),
        "reader": (Force(CompiledModel(parse_model(READER), 1), ALWAYS),),
    }
    subjects = [Subject(UUID(int=number + 1), 0) for number in range(12)]
    far, near = decide(subjects, table, forces, NOW), decide(subjects, table, forces, NOW, ahead=0)
    assert sum(len(one.events) for one in far.decided) > 30
    for one, other in zip(far.decided, near.decided, strict=True):
        assert one.events == other.events
        seen, told = one.observation.schemes, other.observation.schemes
        assert {
            (scheme, scope): (at.standing, at.qualified, at.features, at.missing)
            for scheme, scopes in seen.items()
            for scope, at in scopes.items()
        } == {
            (scheme, scope): (at.standing, at.qualified, at.features, at.missing)
            for scheme, scopes in told.items()
            for scope, at in scopes.items()
        }
