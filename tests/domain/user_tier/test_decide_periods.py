"""Whole periods, reviews where validity ends, validity to the end of a period: worked out by hand."""

from tests.domain.user_tier.stories import fact, model, run, told


def test_last_year_holds_the_whole_year_before_this_one():
    spender = model(
        "spender",
        tiers=["low", "high"],
        features={"spend": {"sum": "order.amount", "within": "last year"}},
        rules={"high": "spend >= money(10.00)"},
    )
    facts = [fact("2025-01-01", "order", 600), fact("2025-12-31T23:59", "order", 400), fact("2026-02-01", "order", 600)]
    assert told(run(facts, spender, until="2028-01-01").events) == [
        "2025-01-01T00:00:00Z spender tier-changed None -> low evaluation",
        "2026-01-01T00:00:00Z spender tier-changed low -> high timer",
        "2027-01-01T00:00:00Z spender tier-changed high -> low timer",
    ]


def test_nothing_falls_before_validity_ends_with_the_year():
    ladder = model(
        "ladder",
        tiers=["low", "high"],
        features={"orders": {"count": "order", "within": "30 days"}},
        rules={"high": "orders >= 2"},
        policy={"downgrade": {"review": "validity"}, "validity": "12 months to end of year"},
    )
    facts = [fact("2026-03-01T12:00", "order"), fact("2026-03-02T12:00", "order"), fact("2027-12-20T12:00", "order")]
    assert told(run(facts, ladder, until="2030-01-01").events) == [
        "2026-03-01T12:00:00Z ladder tier-changed None -> low evaluation",
        "2026-03-02T12:00:00Z ladder tier-changed low -> high evaluation",
        "2028-01-01T00:00:00Z ladder tier-changed high -> low timer",
        # Twelve months end with that year already.
        "2029-01-01T00:00:00Z ladder tier-requalified low timer",
    ]


def test_a_rise_waits_for_the_end_of_validity_too():
    ladder = model(
        "ladder",
        tiers=["low", "high"],
        features={"orders": {"count": "order"}},
        rules={"high": "orders >= 2"},
        policy={"upgrade": "at_review", "downgrade": {"review": "validity"}, "validity": "1 month to end of month"},
    )
    facts = [fact("2026-01-31T12:00", "order"), fact("2026-02-01T12:00", "order")]
    # One month after 31 January is 28 February: the end of that month is where March begins.
    assert told(run(facts, ladder, until="2026-03-31").events) == [
        "2026-01-31T12:00:00Z ladder tier-changed None -> low evaluation",
        "2026-03-01T00:00:00Z ladder tier-changed low -> high timer",
    ]


def test_the_wait_after_a_drop_is_that_of_the_zone_in_force():
    """Dropped on 14 February in São Paulo, which is still the 13th in New York: the next midnight there is the next."""
    parts = {"tiers": ["low", "mid", "high"], "features": {"orders": {"count": "order", "within": "1 day"}}}
    rules = {"mid": "orders >= 1", "high": "orders >= 2"}
    steps = {"downgrade": {"steps": 1}}
    first = model("ladder", **parts, rules=rules, policy=steps, time_zone="America/Sao_Paulo")
    second = model(
        "ladder",
        2,
        **parts,
        rules={"mid": "orders >= 8", "high": "orders >= 9"},
        policy=steps,
        time_zone="America/New_York",
    )
    facts = [fact("2018-02-13T14:00", "order"), fact("2018-02-13T15:00", "order"), fact("2018-02-14T01:00", "order")]
    decided = run(facts, first, (second, "2018-02-14T03:00"), until="2018-02-17")
    assert told(decided.events)[-2:] == [
        "2018-02-14T02:00:00Z ladder tier-changed high -> mid timer",
        "2018-02-14T05:00:00Z ladder tier-changed mid -> low timer",
    ]


def test_an_end_that_has_come_is_not_warned_of():
    """Apia had no 30 December 2011: a day before the 31st is the 31st's own midnight."""
    ladder = model(
        "ladder",
        tiers=["low", "high"],
        features={"visits": {"count": "visit", "within": "1 day"}},
        rules={"high": "visits >= 1"},
        policy={"downgrade": {"review": "validity", "grace": "30 days"}, "validity": "1 day", "warn": "1 day"},
        time_zone="Pacific/Apia",
    )
    decided = run([fact("2011-12-30T09:00", "visit")], ladder, until="2012-01-02")
    assert told(decided.events) == [
        "2011-12-30T09:00:00Z ladder tier-changed None -> high evaluation",
        "2011-12-30T10:00:00Z ladder downgrade-deferred high timer",
        "2011-12-30T10:00:00Z ladder tier-at-risk high timer",
    ]


def test_a_refund_of_a_voided_order_stands_at_its_own_instant_again():
    """A decision does not see a voided order, so a refund cannot stand there: January's refund comes back to March."""
    net = {"sum": "order.amount", "minus": "refund.amount", "refunds": "at_order", "within": "this month"}
    scheme = model("value", tiers=["low", "high"], features={"net": net}, rules={"high": "net >= money(0.00)"})
    facts = [
        fact("2026-01-10T12:00", "order", 9_00, fact_id="o1"),
        fact("2026-03-02T12:00", "refund", 3_00, order_id="o1"),
        fact("2026-03-05T12:00", "void", fact_id="v", reason="never happened"),
    ]
    facts[2][0].attributes["fact_id"] = "o1"
    assert told(run(facts, scheme, until="2026-05-01").events) == [
        "2026-01-10T12:00:00Z value tier-changed None -> high evaluation",
        "2026-03-05T12:00:00Z value tier-changed high -> low late-fact",
        "2026-04-01T00:00:00Z value tier-changed low -> high timer",
    ]
