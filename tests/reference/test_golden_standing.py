"""Windows since the standing, worked out by hand: they restart at the midnight after an entry or a requalification."""

from tests.reference.evaluator import Version, decide_timeline
from tests.reference.stories import fact, ladder, numbered, told
from tests.reference.zones import instant


def since_standing(policy: dict | None = None, feature: dict | None = None, **further) -> dict:
    """A ladder over what happened since the standing."""
    model = ladder(policy, **further)
    model["features"]["orders"] = (feature or {"count": "order"}) | {"since": "standing"}
    return model


def timeline(model: dict, *facts: dict, until: str) -> list[str]:
    return told(decide_timeline(numbered(list(facts)), [Version(model, 0)], instant(until)))


def orders(*at: str) -> list[dict]:
    return [fact("order", one, fact_id=f"o{number}") for number, one in enumerate(at)]


def test_the_window_restarts_at_the_midnight_after_each_entry():
    """The order that led up is gone at the next midnight; two more, of the days after, lead up again."""
    story = timeline(
        since_standing(),
        *orders("2026-01-01T10:00:00Z", "2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z"),
        until="2026-02-01T00:00:00Z",
    )
    assert story == [
        "2026-01-01T10:00:00Z tier-changed None>t1 evaluation",
        "2026-01-02T00:00:00Z tier-changed t1>t0 timer",  # entered again: restarts on the 3rd, with nothing then either
        "2026-01-05T10:00:00Z tier-changed t0>t1 evaluation",
        "2026-01-05T11:00:00Z tier-changed t1>t2 evaluation",  # both orders are after the anchor, the 2nd
        "2026-01-06T00:00:00Z tier-changed t2>t0 timer",
    ]


def test_orders_of_the_day_of_entry_count_if_they_came_after_it():
    """The window holds what occurred after the entry, not at it: at the midnight one order is left."""
    story = timeline(
        since_standing(),
        *orders("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000001Z"),
        until="2026-01-02T00:00:00.000001Z",
    )
    assert story == [
        "2026-01-01T10:00:00Z tier-changed None>t1 evaluation",
        "2026-01-01T10:00:00.000001Z tier-changed t1>t2 evaluation",
        "2026-01-02T00:00:00Z tier-changed t2>t0 timer",
    ]
    kept = timeline(
        since_standing(tiers=2),
        *orders("2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000001Z"),
        until="2026-03-01T00:00:00Z",
    )
    assert kept == ["2026-01-01T10:00:00Z tier-changed None>t1 evaluation"]


def test_requalification_restarts_and_an_unmet_requirement_ends_the_standing():
    """Validity of 10 days: renewed by the order of the 5th, which the renewal's midnight takes away; then dropped."""
    model = since_standing({"validity": "10 days", "downgrade": {"review": "yearly"}}, tiers=2)
    story = timeline(model, *orders("2026-01-31T10:00:00Z", "2026-02-05T10:00:00Z"), until="2026-03-15T00:00:00Z")
    assert story == [
        "2026-01-31T10:00:00Z tier-changed None>t1 evaluation",
        "2026-02-10T00:00:00Z tier-requalified t1>t1 timer",
        "2026-02-20T00:00:00Z tier-changed t1>t0 timer",
        "2026-03-02T00:00:00Z tier-requalified t0>t0 timer",
        "2026-03-12T00:00:00Z tier-requalified t0>t0 timer",
    ]


def test_until_the_restart_the_former_window_holds():
    """Requalified at the midnight of 10 February: a late order of 3 February still counts that day, not the next."""
    model = since_standing({"validity": "10 days"}, tiers=3)
    model["rules"] = {"t1": "orders >= 0", "t2": "orders >= 2"}
    late = fact("order", "2026-02-03T10:00:00Z", known="2026-02-10T12:00:00Z", fact_id="late")
    story = timeline(model, *orders("2026-01-31T10:00:00Z", "2026-02-02T10:00:00Z"), late, until="2026-02-12T00:00:00Z")
    assert story == [
        "2026-01-31T10:00:00Z tier-changed None>t1 evaluation",
        "2026-02-10T00:00:00Z tier-requalified t1>t1 timer",
        "2026-02-10T12:00:00Z tier-changed t1>t2 late-fact",
        "2026-02-11T00:00:00Z tier-changed t2>t1 timer",
    ]


def test_a_rate_counts_the_days_since_the_anchor():
    """One order and 2 days since the entry are 0.5 a day; before the restart: one order on the first of 1 day."""
    model = since_standing({"downgrade": "never"}, {"rate": "order", "per": "1 day"}, tiers=3)
    model["rules"] = {"t1": "orders >= 3", "t2": "orders = 0.5"}
    story = timeline(model, *orders("2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"), until="2026-02-01T00:00:00Z")
    assert story == [
        "2026-01-01T10:00:00Z tier-changed None>t0 evaluation",
        "2026-01-03T00:00:00Z tier-changed t0>t2 timer",
    ]


def test_a_rate_through_yesterday_has_one_day_fewer_and_none_on_the_first():
    model = since_standing({}, {"rate": "order", "per": "1 day", "through": "yesterday"}, tiers=2)
    model["rules"] = {"t1": "orders = 0.5"}
    story = timeline(model, *orders("2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"), until="2026-01-06T00:00:00Z")
    assert story == [
        "2026-01-01T10:00:00Z tier-changed None>t0 evaluation",
        # On the 2nd: no day. On the 3rd: 1 / 1. On the 4th: 1 / 2, of the 2nd and 3rd.
        "2026-01-04T00:00:00Z tier-changed t0>t1 timer",
        "2026-01-05T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_a_refund_at_its_order_leaves_with_it():
    feature = {"count": "refund", "refunds": "at_order"}
    model = since_standing({"downgrade": "never"}, feature, tiers=3)
    model["rules"] = {"t1": "orders >= 1", "t2": "orders >= 2"}
    refunds = [
        fact("refund", "2026-01-04T10:00:00Z", order_id="o0", fact_id="r0"),  # of the order before the anchor
        fact("refund", "2026-01-05T10:00:00Z", order_id="o1", fact_id="r1"),
    ]
    story = timeline(
        model, *orders("2026-01-01T10:00:00Z", "2026-01-03T10:00:00Z"), *refunds, until="2026-02-01T00:00:00Z"
    )
    assert story == [
        "2026-01-01T10:00:00Z tier-changed None>t0 evaluation",
        "2026-01-05T10:00:00Z tier-changed t0>t1 evaluation",
    ]


def test_unordered_classes_restart_too():
    model = since_standing({}) | {"unordered": True, "tiers": ["busy", "calm"], "default": "calm"}
    model["rules"] = {"busy": "orders >= 1"}
    story = timeline(model, *orders("2026-01-01T10:00:00Z"), until="2026-02-01T00:00:00Z")
    assert story == [
        "2026-01-01T10:00:00Z tier-changed None>busy evaluation",
        "2026-01-02T00:00:00Z tier-changed busy>calm timer",
    ]


def test_the_restart_is_a_local_midnight_of_a_day_that_was_not_skipped():
    """Entered on 29 December in Apia, where the 30th never was: the midnight of the 30th is that of the 31st."""
    model = since_standing(zone="Pacific/Apia", tiers=2)
    assert timeline(model, *orders("2011-12-29T20:00:00Z"), until="2012-01-10T00:00:00Z") == [
        "2011-12-29T20:00:00Z tier-changed None>t1 evaluation",
        "2011-12-30T10:00:00Z tier-changed t1>t0 timer",
    ]
