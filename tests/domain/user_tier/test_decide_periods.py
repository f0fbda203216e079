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
