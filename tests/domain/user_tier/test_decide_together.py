"""Several schemes at one instant, tags, and standings per merchant, worked out by hand."""

import pytest

from domain.user_tier.decide import Command
from domain.user_tier.scheme_order import in_order
from domain.user_tier.tags import TagSpan
from tests.domain.user_tier.stories import at, fact, model, run, told

SPEND = {"spend": {"sum": "order.amount", "within": "30 days"}}
VALUE = {
    "tiers": ["low", "high"],
    "features": SPEND,
    "rules": {"high": "spend >= money(10.00)"},
}
SLEEP = {
    "tiers": ["awake", "asleep"],
    "unordered": True,
    "default": "awake",
    "features": {"recency": {"days_since": "order"}},
    "rules": {"asleep": "recency >= 10"},
}
CROSSED = {
    "tiers": ["win-back", "other"],
    "unordered": True,
    "default": "other",
    "features": {},
    "rules": {"win-back": "tier.value = 'high' and tier.sleep = 'asleep'"},
}


def test_a_scheme_that_reads_others_is_decided_after_them_at_the_same_instant():
    models = [model("value", **VALUE), model("sleep", **SLEEP), model("a_crossed", **CROSSED)]
    decided = run([fact("2026-01-01T12:00", "order", 1_000)], *models, until="2026-02-02")
    assert told(decided.events) == [
        "2026-01-01T12:00:00Z sleep tier-changed None -> awake evaluation",
        "2026-01-01T12:00:00Z value tier-changed None -> high evaluation",
        "2026-01-01T12:00:00Z a_crossed tier-changed None -> other evaluation",
        "2026-01-11T00:00:00Z sleep tier-changed awake -> asleep timer",
        "2026-01-11T00:00:00Z a_crossed tier-changed other -> win-back timer",
        "2026-01-31T00:00:00Z value tier-changed high -> low timer",
        "2026-01-31T00:00:00Z a_crossed tier-changed win-back -> other timer",
    ]
    receipt = decided.events[-1].data["receipt"]
    assert receipt["outside"] == {"tier.sleep": "asleep", "tier.value": "low"}


def test_what_is_left_is_in_the_default_by_no_rule_though_the_default_has_one():
    rules = {"many": "orders >= 3", "some": "orders >= 2"}
    features = {"orders": {"count": "order"}}
    classes = {"unordered": True, "tiers": ["many", "some"], "default": "some", "features": features}
    facts = [fact(f"2026-01-0{day}T12:00", "order", 1_000) for day in (1, 2, 3)]
    decided = run(facts[:1], model("often", **classes, rules=rules), until="2026-01-05")
    assert decided.events[-1].data["receipt"]["rule"] == "default"
    decided = run(facts, model("often", **classes, rules=rules | {"many": "orders = 1"}), until="2026-01-05")
    assert decided.events[-1].data["receipt"]["rule"] == "some.enter"


def test_what_the_others_will_do_is_looked_ahead_to():
    ladder = model("a_ladder", tiers=["no", "yes"], features={}, rules={"yes": "tier.value = 'high'"})
    facts = [fact("2026-01-01T12:00", "order", 1_000)]
    decided = run(facts, ladder, model("value", **VALUE), until="2026-01-05")
    assert decided.due_at == at("2026-01-31")
    seen = decided.observation.schemes["a_ladder"][""]
    assert seen.may_drop_on == at("2026-01-31")


def test_a_tier_that_comes_with_an_activation_moves_its_readers_with_it():
    facts = [fact("2026-01-01T12:00", "order", 1_000)]
    ladder = model("a_ladder", tiers=["no", "yes"], features={}, rules={"yes": "tier.value = 'high'"})
    decided = run(facts, ladder, (model("value", **VALUE), "2026-01-03"), until="2026-01-05")
    assert told(decided.events) == [
        "2026-01-01T12:00:00Z a_ladder tier-changed None -> no evaluation",
        "2026-01-03T00:00:00Z value tier-changed None -> high model-change",
        "2026-01-03T00:00:00Z a_ladder tier-changed no -> yes model-change",
    ]


def test_versions_that_were_never_in_force_together_may_read_each_other():
    def reading(scheme, other, version):
        return model(scheme, version, tiers=["no", "yes"], features={}, rules={"yes": f"tier.{other} = 'yes'"})

    def plain(scheme, version):
        return model(scheme, version, tiers=["no", "yes"], features=SPEND, rules={"yes": "spend >= money(5.00)"})

    one = [plain("a", 1), (reading("a", "b", 2), "2026-01-10")]
    two = [reading("b", "a", 1), (plain("b", 2), "2026-01-05")]
    facts = [fact("2026-01-01T12:00", "order", 600), fact("2026-01-20T12:00", "order", 1)]
    decided = run(facts, *one, *two, until="2026-02-20")
    assert told(decided.events) == [
        "2026-01-01T12:00:00Z a tier-changed None -> yes evaluation",
        "2026-01-01T12:00:00Z b tier-changed None -> yes evaluation",
        "2026-01-31T00:00:00Z b tier-changed yes -> no timer",
        "2026-01-31T00:00:00Z a tier-changed yes -> no timer",
    ]
    assert decided.events[0].version == 1
    assert [event.version for event in decided.events] == list(range(1, len(decided.events) + 1))


def test_events_of_one_instant_stand_in_one_order_whatever_is_decided_along():
    mood = model("mood", **VALUE)
    reads = {**VALUE, "features": {}, "rules": {"high": "tier.mood = 'high'"}}
    local = [model("local", **reads), (model("local", 2, **VALUE), "2026-02-01")]
    facts = [fact("2026-01-15T12:00", "order", 1_000), fact("2026-02-20T12:00", "order", 1_000)]
    both = told(run(facts, mood, *local, until="2026-03-01").events)
    late = told(run(facts[1:], mood, local[1], until="2026-03-01").events)
    assert [line.split()[1] for line in both[:2]] == ["mood", "local"], "local read mood then"
    assert [line.split()[1] for line in both[-2:]] == ["local", "mood"] == [line.split()[1] for line in late]


def test_schemes_in_force_that_read_each_other_have_no_order():
    one = model("a", tiers=["no", "yes"], features={}, rules={"yes": "tier.b = 'yes'"})
    two = model("b", tiers=["no", "yes"], features={}, rules={"yes": "tier.a = 'yes'"})
    with pytest.raises(ValueError, match="circle"):
        run([fact("2026-01-01T12:00", "visit")], one, two, until="2026-01-05")
    assert in_order({}) == []


def test_a_tag_is_read_from_its_command_to_its_end():
    vip = model("vip", tiers=["no", "yes"], features={}, rules={"yes": "tag('vip')"})
    added = Command(at("2026-01-03T09:00"), "user-tier.tag-added.v1", {"tag": "vip"}, "key:ops", "c1")
    spans = [TagSpan("vip", at("2026-01-03T09:00"), at("2026-01-05T08:00"))]
    facts = [fact("2026-01-01T12:00", "visit")]
    decided = run(facts, vip, until="2026-01-07", tags=spans, commands=[added])
    assert [event.topic for event in decided.events[2:4]] == ["user-tier.tag-added.v1", "user-tier.tier-changed.v1"]
    assert decided.events[2].actor == "key:ops"
    assert told([event for event in decided.events if event.scheme]) == [
        "2026-01-01T12:00:00Z vip tier-changed None -> no evaluation",
        "2026-01-03T09:00:00Z vip tier-changed no -> yes evaluation",
        "2026-01-05T08:00:00Z vip tier-changed yes -> no timer",
    ]
    before = run(facts, vip, until="2026-01-04", tags=spans, commands=[added])
    assert before.due_at == at("2026-01-05T08:00")
    assert before.observation.tags == ["vip"]
    assert before.observation.tag_until == {"vip": at("2026-01-05T08:00")}
    assert decided.observation.tags == []


def test_standings_per_merchant_see_the_facts_of_that_merchant_alone():
    shop = model("shop", per="merchant_id", **VALUE)
    facts = [
        fact("2026-01-01T12:00", "order", 600, merchant_id="m2"),
        fact("2026-01-02T12:00", "order", 900, merchant_id="m1", fact_id="o"),
        fact("2026-01-03T12:00", "order", 400, merchant_id="m2"),
        fact("2026-01-04T12:00", "order", 9_000),
        fact("2026-01-05T12:00", "order", 9_000, merchant_id=7),
        fact("2026-01-06T12:00", "order", 200, merchant_id="m1"),
        fact("2026-01-07T12:00", "void", fact_id="v", reason="never happened"),
    ]
    facts[-1][0].attributes["fact_id"] = "o"
    decided = run(facts, shop, until="2026-01-10")
    assert told(decided.events) == [
        "2026-01-01T12:00:00Z shop/m2 tier-changed None -> low evaluation",
        "2026-01-02T12:00:00Z shop/m1 tier-changed None -> low evaluation",
        "2026-01-03T12:00:00Z shop/m2 tier-changed low -> high evaluation",
        "2026-01-06T12:00:00Z shop/m1 tier-changed low -> high evaluation",
        "2026-01-07T12:00:00Z shop/m1 tier-changed high -> low late-fact",
    ]
    scopes = decided.observation.schemes["shop"]
    assert {scope: seen.features["spend"] for scope, seen in scopes.items()} == {"m1": 200, "m2": 1_000}
    assert decided.due_at == at("2026-01-31")  # m2's first order leaves


def test_scopes_read_the_platform_and_their_own_merchant():
    loyal = model(
        "loyal",
        per="merchant_id",
        tiers=["no", "yes"],
        features={},
        rules={"yes": "tier.value = 'high' and tier.shop = 'high'"},
    )
    facts = [
        fact("2026-01-01T12:00", "order", 1_000, merchant_id="m1"),
        fact("2026-01-01T13:00", "order", 100, merchant_id="m2"),
    ]
    decided = run(facts, loyal, model("shop", per="merchant_id", **VALUE), model("value", **VALUE), until="2026-02-10")
    moves = [line for line in told(decided.events) if " loyal/" in line]
    assert moves == [
        "2026-01-01T12:00:00Z loyal/m1 tier-changed None -> yes evaluation",
        "2026-01-01T13:00:00Z loyal/m2 tier-changed None -> no evaluation",
        "2026-01-31T00:00:00Z loyal/m1 tier-changed yes -> no timer",
    ]
