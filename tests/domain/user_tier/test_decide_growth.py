"""Growth value, worked out by hand: what is earned, reversed, settled."""

from tests.domain.user_tier.stories import fact, model, run, told

TIERS = {"tiers": ["basic", "silver", "gold"], "features": {}}
RULES = {"silver": "growth >= 100", "gold": "growth >= 300"}


def member(**parts):
    return model(
        "member",
        **TIERS,
        rules=RULES,
        **{"policy": {"validity": "1 year", "downgrade": {"review": "validity"}}, **parts},
    )


SHOPPING = {"points": 1, "each": "money(1.00)", "of": "order.amount", "minus": "refund.amount"}


def test_a_year_of_growth_is_settled_once_and_the_rest_is_carried():
    facts = [
        fact("2026-01-10T12:00", "order", 15_099, fact_id="o1"),  # 150 points, the 99 cents give none
        fact("2026-05-01T12:00", "order", 20_000, fact_id="o2"),  # 350: gold, validity anew
        fact("2026-06-01T12:00", "refund", 1, order_id="o1"),  # 150.98 left: still 150
        fact("2026-06-02T12:00", "refund", 99, order_id="o1"),  # 149.99 left: 149
        fact("2027-04-30T12:00", "visit"),
    ]
    decided = run(facts, member(growth={"earn": {"shopping": SHOPPING}, "deduct": {"gold": 300}}), until="2028-06-01")
    assert told(decided.events) == [
        "2026-01-10T12:00:00Z member tier-changed None -> silver evaluation",
        "2026-05-01T12:00:00Z member tier-changed silver -> gold evaluation",
        "2027-05-01T00:00:00Z member growth-settled gold timer 0 + 349 - 300 = 49",
        "2027-05-01T00:00:00Z member tier-changed gold -> basic timer",
        "2028-05-01T00:00:00Z member growth-settled basic timer 49 + 0 - 0 = 49",
        "2028-05-01T00:00:00Z member tier-requalified basic timer",
    ]
    seen = decided.observation.schemes["member"][""]
    assert seen.features["growth"] == 49
    assert (seen.standing.growth_carried, seen.next_tier) == (49, "silver")
    assert seen.missing == [{"of": "growth", "is": 49, "needs": ">= 100", "missing": 51}]


def test_what_is_refunded_or_voided_after_a_settlement_is_taken_from_the_balance_after_it():
    facts = [
        fact("2026-01-10T12:00", "order", 30_000, fact_id="o1"),
        fact("2027-02-01T12:00", "refund", 25_000, order_id="o1"),
        fact("2027-03-01T12:00", "void", fact_id="v", reason="never happened"),
    ]
    facts[2][0].attributes["fact_id"] = "o1"
    decided = run(facts, member(growth={"earn": {"shopping": SHOPPING}, "deduct": {"gold": 100}}), until="2027-04-01")
    assert told(decided.events) == [
        "2026-01-10T12:00:00Z member tier-changed None -> gold evaluation",
        "2027-01-10T00:00:00Z member growth-settled gold timer 0 + 300 - 100 = 200",
        "2027-01-10T00:00:00Z member tier-changed gold -> silver timer",
    ]
    assert decided.observation.schemes["member"][""].features["growth"] == -100  # 200 carried, 300 taken back


def test_points_of_a_day_are_capped_and_facts_mature():
    growth = {
        "earn": {
            "visits": {"points": 40, "of": "visit", "at_most": 100},
            "reviews": {"points": 50, "of": "interaction", "where": "type = 'review'", "after": "2 days"},
        }
    }
    facts = [
        *(fact(f"2026-01-01T0{hour}:00", "visit") for hour in range(4)),  # 160, of which 100
        fact("2026-01-01T10:00", "interaction", type="review"),
        fact("2026-01-01T11:00", "interaction", type="like"),
    ]
    assert _growth(facts, growth, until="2026-01-02T23:59") == 100
    assert _growth(facts, growth, until="2026-01-03T00:01") == 150


def _growth(facts, growth, until):
    decided = run(facts, member(growth=growth), until=until)
    return decided.observation.schemes["member"][""].features["growth"]


def test_a_new_version_keeps_what_was_carried_and_counts_what_came_since_by_its_own_rules():
    growth = {"earn": {"shopping": SHOPPING}}
    double = {"earn": {"shopping": {**SHOPPING, "points": 2}}}
    facts = [
        fact("2026-01-10T12:00", "order", 10_000, fact_id="o1"),
        fact("2027-02-10T12:00", "order", 2_000, fact_id="o2"),
    ]
    versions = member(growth=growth), (member(version=2, growth=double), "2027-03-01")
    decided = run(facts, *versions, until="2027-03-02")
    assert decided.observation.schemes["member"][""].features["growth"] == 100 + 2 * 20


def test_an_end_that_an_activation_brings_once_more_settles_no_second_time():
    """Validity ended on 10 March, and a grace runs; the version of 20 March finds its end in the past."""
    policy = {"validity": "59 days", "downgrade": {"review": "validity", "grace": "30 days"}}
    growth = {"earn": {"shopping": SHOPPING}, "deduct": {"silver": 80}}
    versions = [member(growth=growth, policy={**policy, "warn": warn}) for warn in ("1 days", "2 days")]
    facts = [fact("2026-01-10T12:00", "order", 15_000, fact_id="o1")]
    decided = run(facts, versions[0], (versions[1], "2026-03-20T12:00"), until="2026-05-01")
    assert [line for line in told(decided.events) if "settled" in line or "changed" in line] == [
        "2026-01-10T12:00:00Z member tier-changed None -> silver evaluation",
        "2026-03-10T00:00:00Z member growth-settled silver timer 0 + 150 - 80 = 70",
        "2026-04-09T00:00:00Z member tier-changed silver -> basic timer",
    ]


def test_an_end_that_a_longer_length_sets_after_the_last_settlement_settles_what_came_since():
    """Validity of 59 days ended on 10 March; 90 days end on 10 April, which is past when the version comes into force.
    Going back to 59 days brings an end that is settled."""
    growth = {"earn": {"shopping": SHOPPING}, "deduct": {"silver": 80}}
    short, long = [
        member(growth=growth, policy={"validity": validity, "downgrade": "never"})
        for validity in ("59 days", "90 days")
    ]
    facts = [
        fact("2026-01-10T12:00", "order", 15_000, fact_id="o1"),
        fact("2026-03-12T12:00", "order", 2_000, fact_id="o2"),
    ]
    versions = short, (long, "2026-05-01T12:00"), (short, "2026-05-20T12:00")
    decided = run(facts, *versions, until="2026-06-10")
    assert [line for line in told(decided.events) if "settled" in line] == [
        "2026-03-10T00:00:00Z member growth-settled silver timer 0 + 150 - 80 = 70",
        "2026-05-02T00:00:00Z member growth-settled silver timer 70 + 20 - 80 = 10",
    ]
