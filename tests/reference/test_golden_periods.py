"""Whole periods, validities that end with one, and what another version changes of them, by hand."""

from tests.reference.evaluator import Version, decide_timeline
from tests.reference.stories import fact, ladder, numbered, told
from tests.reference.zones import instant


def timeline(model: dict, *facts: dict, until: str) -> list[str]:
    return told(decide_timeline(numbered(list(facts)), [Version(model, 0)], instant(until)))


def test_the_last_month_is_the_whole_one_before():
    """Orders of both ends of January count in February, and in no other month."""
    orders = [fact("order", "2026-01-01T00:00:00Z"), fact("order", "2026-01-31T23:59:59.999999Z")]
    outside = [fact("order", "2025-12-31T23:59:59.999999Z"), fact("order", "2026-02-01T00:00:00Z")]
    assert timeline(ladder(within="last month"), *orders, *outside, until="2026-04-15T00:00:00Z") == [
        "2025-12-31T23:59:59.999999Z tier-changed None>t0 evaluation",
        "2026-01-01T00:00:00Z tier-changed t0>t1 evaluation",  # one of December
        "2026-02-01T00:00:00Z tier-changed t1>t2 evaluation",
        "2026-03-01T00:00:00Z tier-changed t2>t1 timer",
        "2026-04-01T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_validity_ends_are_the_only_reviews():
    policy = {"validity": "20 days", "downgrade": {"review": "validity", "steps": 1}}
    orders = [fact("order", "2026-01-05T10:00:00Z", fact_id=f"o{number}") for number in range(2)]
    assert timeline(ladder(policy, within="1 day"), *orders, until="2026-03-01T00:00:00Z") == [
        "2026-01-05T10:00:00Z tier-changed None>t2 evaluation",
        "2026-01-25T00:00:00Z tier-changed t2>t1 timer",
        "2026-02-14T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_validity_to_the_end_of_a_period():
    """One month from 5 January is carried on to the end of February; from 1 January it ends with January."""
    policy = {"validity": "1 month to end of month", "downgrade": {"review": "validity"}}
    for entered, ends in (("2026-01-05", "2026-03-01"), ("2026-01-01", "2026-02-01"), ("2026-01-31", "2026-03-01")):
        order = fact("order", f"{entered}T10:00:00Z")
        story = timeline(ladder(policy, within="1 day"), order, until="2026-03-15T00:00:00Z")
        assert story[1].startswith(f"{ends}T00:00:00Z tier-changed t1>t0"), entered


def test_another_version_does_not_warn_of_the_same_review_again():
    """Warned of 1 April by both versions: 30 days ahead at first, then, by the next one, 5 days ahead."""
    earlier, later = ({"warn": f"{days} days", "downgrade": {"review": "quarterly"}} for days in (30, 5))
    versions = [
        Version(ladder(earlier, within="1 day"), 0),
        Version(ladder(later, within="1 day"), instant("2026-03-10T12:00:00Z")),
    ]
    orders = numbered([fact("order", "2026-01-05T10:00:00Z")])
    assert told(decide_timeline(orders, versions, instant("2026-04-15T00:00:00Z")))[1:] == [
        "2026-03-02T00:00:00Z tier-at-risk t1>t1 timer",
        "2026-04-01T00:00:00Z tier-changed t1>t0 timer",
    ]
