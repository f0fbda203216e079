"""Growth value, worked out by hand: what facts earn, what refunds and voids take back, what a settlement leaves."""

import pytest

from tests.reference.evaluator import Event, Version, decide_timeline
from tests.reference.features import visible
from tests.reference.growth import earned, left_by_settlement
from tests.reference.stories import fact, numbered, told
from tests.reference.zones import instant, zone


def points(rule: dict, at: str, *facts: dict, local: str = "UTC") -> int:
    moment = instant(at)
    return earned({"earn": {"one": rule}}, visible(numbered(list(facts)), moment), moment, zone(local), "USD")


NOW = "2026-03-31T12:00:00Z"


def order(day: str, **further) -> dict:
    return fact("order", f"2026-{day}T10:00:00Z", **further)


def test_points_for_every_whole_part():
    rule = {"points": 2, "each": "money(1.00)", "of": "order.amount"}
    assert points(rule, NOW, order("03-01", amount=199), order("03-02", amount=200)) == 2 * 1 + 2 * 2
    assert points(rule, NOW, order("03-01", amount=-500), order("03-02", amount=None), order("03-03", amount=99)) == 0
    steps = {"points": 3, "each": 1000, "of": "visit.steps"}
    visits = [
        fact("visit", f"2026-03-0{day}T10:00:00Z", steps=of) for day, of in enumerate((2999, 999, 1e6, "5000"), 1)
    ]
    assert points(steps, NOW, *visits) == 6
    assert points({"points": 3, "of": "visit.steps"}, NOW, *visits) == 3 * (2999 + 999)
    assert points({"points": 3, "of": "visit"}, NOW, *visits) == 12


def test_a_refund_takes_back_what_its_part_of_the_order_earned():
    rule = {"points": 10, "each": "money(1.00)", "of": "order_completed.amount", "minus": "refund.amount"}
    done = fact("order_completed", "2026-03-01T10:00:00Z", order_id="o", amount=250)
    again = fact("order_completed", "2026-03-02T10:00:00Z", order_id="o", amount=60)
    other = fact("order_completed", "2026-03-02T11:00:00Z", amount=199)
    refund = fact("refund", "2026-03-05T10:00:00Z", order_id="o", amount=11)
    most = fact("refund", "2026-03-06T10:00:00Z", order_id="o", amount=9_000)
    alone = fact("refund", "2026-03-06T11:00:00Z", amount=9_000)
    assert points(rule, NOW, done, again, other) == 30 + 10  # 2.50 and 0.60 of one order are 3 whole parts
    assert points(rule, NOW, done, again, other, refund) == 20 + 10  # 2.99
    assert points(rule, NOW, done, again, other, refund, most, alone) == 10
    assert points(rule, "2026-03-05T09:59:59Z", done, again, other, refund) == 40


def test_an_order_is_known_by_its_fact_id_whatever_its_source():
    rule = {"points": 1, "each": "money(1.00)", "of": "order.amount", "minus": "refund.amount"}
    mine = order("03-01", fact_id="o", amount=150, order_id="other")
    theirs = order("03-02", fact_id="o", amount=150) | {"source": "shop"}
    refund = fact("refund", "2026-03-05T10:00:00Z", order_id="o", amount=1) | {"source": "desk"}
    assert points(rule, NOW, mine, theirs) == 3
    assert points(rule, NOW, mine, theirs, refund) == 2


def test_what_matures_is_earned_later_and_refunds_do_not_wait():
    rule = {"points": 1, "each": "money(1.00)", "of": "order.amount", "minus": "refund.amount", "after": "7 days"}
    facts = [order("03-01", fact_id="o", amount=500), fact("refund", "2026-03-08T00:00:00Z", order_id="o", amount=100)]
    assert points(rule, "2026-03-07T23:59:59Z", *facts) == 0
    assert points(rule, "2026-03-08T00:00:00Z", *facts) == 4


def test_at_most_so_many_points_a_local_day():
    rule = {"points": 5, "of": "visit", "at_most": 12}
    late = [fact("visit", f"2026-03-01T{clock}Z", fact_id=clock) for clock in ("15:00:00", "15:30:00", "15:59:59")]
    next_day = [fact("visit", "2026-03-01T16:00:00Z", fact_id="next")]
    assert points(rule, NOW, *late, *next_day, local="Asia/Shanghai") == 12 + 5
    assert points(rule, NOW, *late, *next_day) == 12
    filtered = rule | {"where": "kind_of = 'a'"}
    assert points(filtered, NOW, *late, fact("visit", "2026-03-03T10:00:00Z", kind_of="a")) == 5


@pytest.mark.parametrize(
    ("balance", "tier", "left"),
    [(250, "t1", 150), (100, "t1", 0), (60, "t1", 0), (-5, "t1", -5), (60, "t0", 60), (60, "t2", 0), (-5, "t2", -5)],
)
def test_what_a_settlement_leaves(balance, tier, left):
    assert left_by_settlement({"deduct": {"t1": 100, "t2": "all"}}, balance, tier) == left


def growing(**further) -> dict:
    """t1 from 100 points, t2 from 300; a point for a whole amount of 1.00 less refunds; 100 and 200 deducted."""
    return {
        "scheme": "value",
        "dimension": "value",
        "time_zone": "UTC",
        "currency": "USD",
        "tiers": ["t0", "t1", "t2"],
        "features": {},
        "growth": {
            "earn": {"buy": {"points": 1, "each": "money(1.00)", "of": "order.amount", "minus": "refund.amount"}},
            "deduct": {"t1": 100, "t2": 200},
        },
        "rules": {"t1": "growth >= 100", "t2": "growth >= 300"},
        "policy": {"validity": "10 days", "downgrade": {"review": "yearly"}},
    } | further


def _settled(events: list[Event]) -> list[tuple[int, int]]:
    """(balance before, balance carried on) of each settlement."""
    numbers = [event["values"] for event in events if event["topic"] == "growth-settled"]
    assert all(of["carried"] + of["earned"] - of["deducted"] == of["balance"] for of in numbers)
    return [(of["carried"] + of["earned"], of["balance"]) for of in numbers]


def story_of(model: dict, *facts: dict, until: str) -> tuple[list[str], list[tuple[int, int]]]:
    """What is told, and the settlements."""
    events = decide_timeline(numbered(list(facts)), [Version(model, 0)], instant(until))
    return told(events), _settled(events)


def test_validity_ends_in_a_settlement_and_then_the_tier_follows():
    story, settled = story_of(growing(), order("03-01", amount=35_000), until="2026-04-15T00:00:00Z")
    assert story == [
        "2026-03-01T10:00:00Z tier-changed None>t2 evaluation",
        "2026-03-11T00:00:00Z growth-settled t2>t2 timer",
        "2026-03-11T00:00:00Z tier-changed t2>t1 timer",
        "2026-03-21T00:00:00Z growth-settled t1>t1 timer",
        "2026-03-21T00:00:00Z tier-changed t1>t0 timer",
        "2026-03-31T00:00:00Z growth-settled t0>t0 timer",
        "2026-03-31T00:00:00Z tier-requalified t0>t0 timer",
        "2026-04-10T00:00:00Z growth-settled t0>t0 timer",
        "2026-04-10T00:00:00Z tier-requalified t0>t0 timer",
    ]
    assert settled == [(350, 150), (150, 50)] + [(50, 50)] * 2


def test_facts_of_the_instant_settle_and_later_ones_count_after_it():
    """An order at the midnight of the settlement is in its balance; one a microsecond later is not."""
    first = order("03-01", amount=10_000)
    at, after = "2026-03-11T00:00:00Z", "2026-03-11T00:00:00.000001Z"
    _, settled = story_of(growing(), first, fact("order", at, amount=5_000), until="2026-03-12T00:00:00Z")
    assert settled == [(150, 50)]
    story, settled = story_of(growing(), first, fact("order", after, amount=10_000), until="2026-03-12T00:00:00Z")
    assert settled == [(100, 0)]
    assert story[1:] == [
        "2026-03-11T00:00:00Z growth-settled t1>t1 timer",
        "2026-03-11T00:00:00Z tier-changed t1>t0 timer",
        "2026-03-11T00:00:00.000001Z tier-changed t0>t1 evaluation",
    ]


def test_what_is_taken_back_after_a_settlement_becomes_a_debt():
    bought = order("03-01", fact_id="o", amount=10_000)
    refund = fact("refund", "2026-03-15T10:00:00Z", order_id="o", amount=4_000)
    void = fact("void", "2026-03-16T10:00:00Z", fact_id="v") | {"attributes": {"fact_id": "o"}}
    _, settled = story_of(growing(), bought, refund, until="2026-03-22T00:00:00Z")
    assert settled == [(100, 0), (-40, -40)]
    _, settled = story_of(growing(), bought, refund, void, until="2026-03-22T00:00:00Z")
    assert settled == [(100, 0), (-100, -100)]


def test_a_settlement_waits_for_minimum_stay():
    model = growing(policy={"validity": "10 days", "minimum_stay": "15 days", "downgrade": {"review": "yearly"}})
    story, _ = story_of(model, order("03-01", amount=10_000), until="2026-03-20T00:00:00Z")
    assert story[1:] == [
        "2026-03-16T00:00:00Z growth-settled t1>t1 timer",
        "2026-03-16T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_without_validity_nothing_settles():
    model = growing(policy={"downgrade": {"review": "monthly"}})
    story, settled = story_of(model, order("03-01", amount=10_000), until="2027-01-01T00:00:00Z")
    assert len(story) == 1 and settled == []


def test_another_version_keeps_what_is_carried_and_counts_the_rest_by_its_own_rules():
    """Carried 50 and earned since: 100 of the second order, 200 by the new rules."""
    double = growing()
    double["growth"] = {"earn": {"buy": {"points": 2, "each": "money(1.00)", "of": "order.amount"}}}
    versions = [Version(growing(), 0), Version(double, instant("2026-03-14T12:00:00Z"))]
    facts = numbered([order("03-01", amount=15_000), order("03-13", amount=10_000)])
    events = decide_timeline(facts, versions, instant("2026-03-24T00:00:00Z"))
    assert told(events)[1:] == [
        "2026-03-11T00:00:00Z growth-settled t1>t1 timer",
        "2026-03-11T00:00:00Z tier-changed t1>t0 timer",
        "2026-03-13T10:00:00Z tier-changed t0>t1 evaluation",
        "2026-03-23T00:00:00Z growth-settled t1>t1 timer",
        "2026-03-23T00:00:00Z tier-requalified t1>t1 timer",
    ]
    assert _settled(events) == [
        (150, 50),
        (250, 250),
    ]


def test_a_later_end_by_a_new_length_settles_and_a_settled_end_does_not_again():
    """10 days end on the 11th; 20 days end on the 21st, which is past when that version comes into force on the 25th;
    going back to 10 days brings the end of the 11th once more."""
    short, long = [growing(policy={"validity": validity, "downgrade": "never"}) for validity in ("10 days", "20 days")]
    versions = [
        Version(short, 0),
        Version(long, instant("2026-03-25T12:00:00Z")),
        Version(short, instant("2026-04-02T12:00:00Z")),
    ]
    facts = [order("03-01", amount=15_000), order("03-12", amount=1_000)]
    events = decide_timeline(numbered(facts), versions, instant("2026-04-15T00:00:00Z"))
    assert [line for line in told(events) if "settled" in line] == [
        "2026-03-11T00:00:00Z growth-settled t1>t1 timer",
        "2026-03-26T00:00:00Z growth-settled t1>t1 timer",
    ]
    assert _settled(events) == [(150, 50), (60, 0)]
