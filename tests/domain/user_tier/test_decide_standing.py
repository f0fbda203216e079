"""Windows since the standing, worked out by hand."""

from tests.domain.user_tier.stories import fact, model, run, told


def ladder(policy, keep="orders >= 2"):
    return model(
        "ladder",
        tiers=["low", "high"],
        features={"orders": {"count": "order", "since": "standing"}},
        rules={"high": {"enter": "orders >= 3", "keep": keep}},
        policy=policy,
    )


def test_the_window_restarts_at_the_midnight_after_entry_and_holds_what_came_after_it():
    """Entry to low at the first order; the window restarts at midnight with the two later ones of that day."""
    facts = [fact(f"2026-01-01T{hour}:00", "order") for hour in (10, 11)] + [fact("2026-01-05T09:00", "order")]
    decided = run(facts, ladder({"downgrade": {"review": "validity"}, "validity": "30 days"}), until="2026-03-20")
    # 1 Jan: 2 orders. 2 Jan: the window since 10:00 holds 1. 5 Jan: 2. 31 Jan: validity ends, low is renewed; 1 Feb: 0.
    assert told(decided.events) == [
        "2026-01-01T10:00:00Z ladder tier-changed None -> low evaluation",
        "2026-01-31T00:00:00Z ladder tier-requalified low timer",
        "2026-03-02T00:00:00Z ladder tier-requalified low timer",
    ]
    assert decided.observation.schemes["ladder"][""].features == {"orders": 0}


def test_what_made_the_tier_does_not_keep_it():
    facts = [fact(f"2026-01-01T1{minute}:00", "order") for minute in range(4)]
    decided = run(facts, ladder({"downgrade": {"review": "continuous"}}), until="2026-03-01")
    assert told(decided.events) == [
        "2026-01-01T10:00:00Z ladder tier-changed None -> low evaluation",
        # 12:00 is the third order; the former window, of all, holds until midnight.
        "2026-01-01T12:00:00Z ladder tier-changed low -> high evaluation",
        "2026-01-02T00:00:00Z ladder tier-changed high -> low timer",
    ]


def test_the_end_of_validity_asks_what_was_done_since_entry():
    policy = {"validity": "10 days", "downgrade": {"review": "validity"}}
    first = [fact(f"2026-01-01T1{minute}:00", "order") for minute in range(3)]
    kept = [fact(f"2026-01-0{day}T10:00", "order") for day in (3, 4)]
    lines = told(run([*first, *kept], ladder(policy), until="2026-01-25").events)
    assert lines[1:] == [
        "2026-01-01T12:00:00Z ladder tier-changed low -> high evaluation",
        "2026-01-11T00:00:00Z ladder tier-requalified high timer",
        "2026-01-21T00:00:00Z ladder tier-changed high -> low timer",
    ]
    observed = run(first, ladder(policy), until="2026-01-05").observation.schemes["ladder"][""]
    assert observed.features == {"orders": 0}
    assert observed.may_drop_on == 1768089600000000  # 2026-01-11


def test_the_day_that_an_age_counts_from_is_that_of_a_fact_in_the_window():
    """The last order came before the entry to high, so that after the restart there is none to count from."""
    aged = model(
        "ladder",
        tiers=["low", "high"],
        features={"spend": {"sum": "order.amount"}, "idle": {"days_since": "order", "since": "standing"}},
        rules={"high": "spend >= money(100.00)"},
        policy={"downgrade": "never"},
    )
    first, later = fact("2026-01-01T10:00", "order", 15_000), fact("2026-01-03T10:00", "order", 100)
    entered = run([first], aged, until="2026-01-03").observation.schemes["ladder"][""]
    assert (entered.features["idle"], entered.days) == (None, {"idle": None})
    counting = run([first, later], aged, until="2026-01-05").observation.schemes["ladder"][""]
    assert (counting.features["idle"], counting.days) == (1, {"idle": 20_456})  # 3 January 2026
