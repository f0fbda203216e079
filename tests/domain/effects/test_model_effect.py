"""The effect of a model on small worlds, held against plain loops."""

import math
import random
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from domain.effects.model_effect import WEEK, EffectPlan, InForce, ModelEffect
from domain.effects.transitions import Transition
from domain.facts.fact import Fact
from domain.facts.instants import parse_instant
from domain.facts.table import FactTable, RecordedFact, table_from_facts
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.learned_training import DAY
from domain.tier_model.spec import Target, parse_model, with_cuts

TEXT = """
scheme: value
dimension: value
time_zone: UTC
currency: USD
tiers: [low, mid, high]
features:
  spend: {sum: order.amount, minus: refund.amount, within: 60 days}
  orders: {count: order, within: 60 days}
scores:
  m: {of: spend, cuts: [2000, 9000]}
  f: {of: orders, best: low, cuts: [1, 4]}
rules:
  high: {enter: "m = 3"}
  mid: {enter: "m = 2"}
policy: {}
"""
AT = parse_instant("2026-07-01T00:00:00Z")
HORIZON = 30 * DAY
VALUE = Target(sum="order.amount", minus="refund.amount")
BASELINE = {"m": [20, 10, 10], "f": [4, 16, 20]}


def model(text: str = TEXT, version: int = 1, baseline: dict[str, list[int]] | None = None) -> CompiledModel:
    spec = parse_model(text)
    return CompiledModel(with_cuts(spec, {}, 0, "test", baseline) if baseline else spec, version)


def plan(models: dict[int, CompiledModel], **changes: Any) -> EffectPlan:
    told: dict[str, Any] = {
        "at": AT,
        "weeks": 3,
        "periods": 2,
        "horizon": HORIZON,
        "in_force": [InForce(AT - 300 * DAY, 1)],
        "models": models,
        "value": VALUE,
    }
    return EffectPlan(**{**told, **changes})


def world(users: int, seed: int) -> tuple[list[tuple[int, Fact]], list[Transition]]:
    """Orders and refunds of half a year, whoever is richer of more; and tiers as it happens."""
    chance = random.Random(seed)
    facts, transitions = [], []
    for user in range(users):
        for number in range(chance.randint(0, 3 + user // 3)):
            kind = "refund" if chance.random() < 0.1 else "order"
            at, amount = AT - chance.randint(0, 180 * DAY), chance.choice([0, 500, 500, 1_500, 4_000])
            facts.append((user, Fact(f"f{number}", f"u{user}", kind, at, amount=amount, currency="USD")))
        at = AT - 170 * DAY
        while at < AT + 10 * DAY and chance.random() < 0.95:
            transitions.append(Transition(user, "", chance.choice(["low", "mid", "high", "old"]), at))
            at += chance.randint(1, 40 * DAY)
    return facts, transitions


def table_of(facts: list[tuple[int, Fact]], users: int) -> FactTable:
    rows = sorted(facts, key=lambda row: row[1].occurred_at)
    return table_from_facts([RecordedFact(u, f, p, f.occurred_at) for p, (u, f) in enumerate(rows, 1)], users)


def spent(facts: list[tuple[int, Fact]], user: int, after: int, until: int) -> int:
    mine = [f for u, f in facts if u == user and after < f.occurred_at <= until]
    return sum((f.amount or 0) * (1 if f.kind == "order" else -1) for f in mine)


def ranks(values: list[float]) -> list[float]:
    return [(sum(v < x for v in values) + sum(v <= x for v in values) + 1) / 2 for x in values]


def spearman(one: list[float], other: list[float]) -> float:
    a, b = ranks(one), ranks(other)
    mean = (len(a) + 1) / 2
    up = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    return up / math.sqrt(sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b))


def gini(one: list[float], actual: list[float]) -> float:
    def area(by: list[float]) -> float:
        return (
            sum(rank * value for rank, value in zip(ranks(by), actual, strict=True))
            - sum(actual) * (len(actual) + 1) / 2
        )

    return area(one) / area(actual)


def stood(transitions: list[Transition], user: int, at: int) -> str | None:
    return next((t.to_tier for t in reversed(transitions) if t.subject == user and t.effective_at <= at), None)


@pytest.mark.parametrize("seed", range(4))
def test_every_number_is_that_of_plain_loops(seed: int) -> None:
    users = 40
    facts, transitions = world(users, seed)
    mine = model(baseline=BASELINE)
    effect = ModelEffect(plan({1: mine}))
    for first in (0, 25):  # two batches: nothing depends on how they are cut
        upto = 25 if first == 0 else users
        part = [(user - first, fact) for user, fact in facts if first <= user < upto]
        moves = [
            Transition(t.subject - first, "", t.to_tier, t.effective_at)
            for t in transitions
            if first <= t.subject < upto
        ]
        effect.add(table_of(part, upto - first), moves)
    found = effect.to_json()
    assert found["data"]["users"] == users and found["data"]["facts"] == len(facts)
    assert found["data"]["value"] == {"sum": "order.amount", "minus": "refund.amount"}

    ends = [AT - number * WEEK for number in (3, 2, 1, 0)]
    order = ["low", "mid", "high"]
    for week, (since, until) in zip(found["weeks"], pairwise(ends), strict=True):
        now = [stood(transitions, user, until) for user in range(users)]
        sizes = Counter(tier for tier in now if tier is not None)
        assert week["tiers"] == {tier: sizes[tier] for tier in (*order, *(["old"] if sizes["old"] else []))}
        pairs = [(stood(transitions, user, since), now[user]) for user in range(users)]
        both = [(a, b) for a, b in pairs if a and b]
        up = sum(a in order and b in order and order.index(b) > order.index(a) for a, b in both)
        down = sum(a in order and b in order and order.index(b) < order.index(a) for a, b in both)
        assert (week["moved"], week["up"], week["down"]) == (sum(a != b for a, b in both), up, down)
        assert week["share_moved"] == (round(week["moved"] / len(both), 4) if both else None)

    seen = [user for user in range(users) if any(u == user and f.occurred_at <= AT for u, f in facts)]
    bins = Counter(1 + sum(c < spent(facts, user, AT - 59 * DAY - 1, AT) for c in (2000, 9000)) for user in seen)
    shares = [(b / 40, (bins[n] or 0) / len(seen) or 0.0001) for n, b in enumerate(BASELINE["m"], 1)]
    drift = math.fsum((o - b) * math.log(o / b) for b, o in shares)
    assert found["weeks"][-1]["drift"]["m"] == pytest.approx(drift, abs=1e-4)

    for period, since in zip(found["periods"], (AT - 2 * HORIZON, AT - HORIZON), strict=True):
        there = [user for user in range(users) if any(u == user and f.occurred_at <= since for u, f in facts)]
        after = [float(spent(facts, user, since, since + HORIZON)) for user in there]
        before = [float(spent(facts, user, since - HORIZON, since)) for user in there]
        assert (period["from"], period["to"], period["users"]) == (since, since + HORIZON, len(there))
        assert period["plain_spend"]["spearman"] == pytest.approx(spearman(before, after), abs=1e-4)
        assert period["plain_spend"]["gini"] == pytest.approx(gini(before, after), abs=1e-4)
        tiers = [stood(transitions, user, since) for user in there]
        for row in period["tiers"]:
            worth = [value for value, tier in zip(after, tiers, strict=True) if tier == row["tier"]]
            assert (row["users"], row["spend"]) == (len(worth), sum(worth)), row
            assert row["mean"] == (round(sum(worth) / len(worth)) if worth else None)
            assert row["buyers"] == (round(sum(v > 0 for v in worth) / len(worth), 4) if worth else None)
        assert sum(row["users"] for row in period["versions"]["1"]["tiers"]) == len(there)
        assert sum(row["share"] for row in period["tiers"]) == pytest.approx(1, abs=1e-3)


def test_a_score_that_knows_the_future_foretells_it() -> None:
    """Everybody spends the same again: whoever goes by spend is right, whoever turns it round is wrong."""
    facts = []
    for user in range(30):
        for since in (AT - 2 * HORIZON, AT - HORIZON):
            at = since + DAY
            facts.append((user, Fact(f"f{since}", f"u{user}", "order", at, amount=100 + 500 * user, currency="USD")))
    text = TEXT.replace("f: {of: orders, best: low, cuts: [1, 4]}", "f: {of: spend, best: low, cuts: [2000, 9000]}")
    effect = ModelEffect(plan({1: model(text)}, periods=1))
    effect.add(table_of(facts, 30), [])
    period = effect.to_json()["periods"][0]
    assert period["plain_spend"] == {"spearman": 1.0, "gini": 1.0}
    scores = period["versions"]["1"]["scores"]
    assert 0.9 < scores["m"]["spearman"] < 1 and scores["f"]["spearman"] == -scores["m"]["spearman"]
    assert period["versions"]["1"]["qualified"] == scores["m"], "its tiers are that score's bins"
    worth = [row["mean"] for row in period["versions"]["1"]["tiers"]]
    assert worth == sorted(worth)
    assert period["standing"] == {"spearman": None, "gini": None}, "nobody stands anywhere"
    assert period["tiers"][-1]["tier"] is None and period["tiers"][-1]["users"] == 30


def test_nothing_moved_is_no_drift_and_other_people_are() -> None:
    facts = [
        (user, Fact("f", f"u{user}", "order", AT - DAY, amount=(1_000, 5_000, 20_000)[user % 3], currency="USD"))
        for user in range(30)
    ]
    same = ModelEffect(plan({1: model(baseline={"m": [10, 10, 10]})}, periods=1))
    other = ModelEffect(plan({1: model(baseline={"m": [30, 1, 1]})}, periods=1))
    for effect in (same, other):
        effect.add(table_of(facts, 30), [])
    assert same.to_json()["weeks"][-1]["drift"] == {"m": 0.0}
    assert same.to_json()["weeks"][0]["drift"] == {"m": None}, "nobody was there yet"
    assert other.to_json()["weeks"][-1]["drift"]["m"] > 0.25


def test_a_week_belongs_to_the_version_in_force_at_its_end_and_a_rename_moves_nobody() -> None:
    renamed = TEXT.replace("[low,", "[basic,")
    change = AT - WEEK - DAY
    transitions = [
        Transition(0, "", "low", AT - 100 * DAY),
        Transition(0, "", "basic", change),
        Transition(1, "", "low", AT - 100 * DAY),
        Transition(1, "", "basic", change),
        Transition(1, "", "mid", change + 1),
    ]
    models = {1: model(), 2: model(renamed, 2)}
    in_force = [InForce(AT - 300 * DAY, 1), InForce(change, 2, {"low": "basic"})]
    effect = ModelEffect(plan(models, in_force=in_force))
    effect.add(table_of([], 2), transitions)
    found = effect.to_json()
    assert [(week["version"], week["moved"], week["up"]) for week in found["weeks"]] == [
        (1, 0, 0),
        (2, 1, 1),
        (2, 0, 0),
    ]
    assert found["weeks"][0]["tiers"] == {"basic": 0, "mid": 0, "high": 0, "low": 2}
    assert [(one["version"], one["weeks"], one["share_moved"]) for one in found["versions"]] == [
        (1, 1, 0.0),
        (2, 2, 0.25),
    ]
    assert found["data"]["first_fact"] is None and found["periods"][0]["users"] == 0


def test_classes_have_no_order_and_merchants_stand_apart() -> None:
    text = """
scheme: kind
dimension: behaviour
time_zone: UTC
currency: USD
unordered: true
default: other
per: merchant_id
tiers: [buyer, other]
features: {orders: {count: order, within: 60 days}}
rules: {buyer: "orders >= 1"}
policy: {}
"""
    facts = [
        (
            0,
            Fact(
                f"f{n}", "u0", "order", AT - 40 * DAY, amount=100, currency="USD", attributes={"merchant_id": f"m{n}"}
            ),
        )
        for n in range(3)
    ]
    transitions = [
        Transition(0, "m0", "buyer", AT - 40 * DAY),
        Transition(0, "m0", "other", AT - DAY),
        Transition(0, "m1", "buyer", AT - 40 * DAY),
        Transition(0, "m9", "other", AT - 40 * DAY),
    ]
    effect = ModelEffect(plan({1: model(text)}, periods=1))
    effect.add(table_of(facts, 1), transitions)
    found = effect.to_json()
    last = found["weeks"][-1]
    assert (last["tiers"], last["moved"], last["up"], last["down"]) == ({"buyer": 1, "other": 2}, 1, 0, 0)
    period = found["periods"][0]
    assert period["users"] == 3 and period["standing"] is None and period["versions"]["1"]["qualified"] is None
    assert [row["users"] for row in period["versions"]["1"]["tiers"]] == [3, 0]


def test_rules_that_read_other_schemes_are_not_ranked_by_facts_alone() -> None:
    text = TEXT.replace('"m = 3"', "\"m = 3 and tag('vip')\"")
    effect = ModelEffect(plan({1: model(text)}, periods=1))
    effect.add(table_of([(0, Fact("f", "u0", "order", AT - 40 * DAY, amount=5, currency="USD"))], 1), [])
    told = effect.to_json()["periods"][0]["versions"]["1"]
    assert told["qualified"] is None and told["tiers"] is None and set(told["scores"]) == {"m", "f"}
