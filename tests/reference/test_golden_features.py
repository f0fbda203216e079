"""Features of the reference against values worked out by hand."""

import pytest

from tests.reference.features import feature_value, in_currency, visible
from tests.reference.stories import fact, numbered
from tests.reference.zones import instant, zone


def value(feature: dict, at: str, *facts: dict, local: str = "UTC"):
    moment = instant(at)
    return feature_value(feature, visible(numbered(list(facts)), moment), moment, zone(local), "USD")


def order(day: str, **further) -> dict:
    return fact("order", f"2026-{day}T10:00:00Z", **further)


NOW = "2026-03-31T12:00:00Z"


def test_top_counts_texts_and_gives_ties_to_the_smaller_code_point():
    facts = [
        order(f"03-{10 + number}", label=label) for number, label in enumerate(("b", "￮", "😀", "😀", "￮", 7, 7, 7))
    ]
    assert value({"top": "order.label"}, NOW, *facts) == "￮"  # U+FFEE; in UTF-16 the other would be smaller
    assert value({"top": "order.label"}, NOW, *facts[5:]) is None


def test_top_by_amount_takes_the_greatest_total_even_of_nothing():
    facts = [order("03-01", band="a", amount=5), order("03-02", band="b", amount=3), order("03-03", band="b", amount=3)]
    assert value({"top": "order.band", "by": "amount"}, NOW, *facts) == "b"
    visits = [fact("visit", "2026-03-01T10:00:00Z", band="z"), fact("visit", "2026-03-02T10:00:00Z", band="y")]
    assert value({"top": "visit.band", "by": "amount"}, NOW, *visits) == "y"


def test_lines_weigh_with_their_own_amounts():
    lines = [{"sku": "x", "amount": 700}, {"sku": "y", "amount": 400}, {"sku": "y", "amount": 400}, {"amount": 900}]
    one = order("03-01", amount=1, lines=lines)
    assert value({"top": "order.lines.sku"}, NOW, one) == "y"
    assert value({"top": "order.lines.sku", "by": "amount"}, NOW, one) == "y"
    assert value({"top": "order.lines.sku", "by": "amount"}, NOW, {**one, "lines": lines[:2]}) == "x"


def test_lines_are_read_one_by_one_and_filtered_by_their_fact():
    first = order("03-01", band="a", lines=[{"n": 1}, {"n": 4}, {"band": "a"}])
    second = order("03-02", band="b", lines=[{"n": 4}, {"n": None}, {"n": 2.5}, {"n": True}])
    expected = {"sum": 9, "avg": 3.0, "min": 1, "max": 4, "distinct": 3, "latest": True}
    assert {key: value({key: "order.lines.n"}, NOW, first, second) for key in expected} == expected
    assert value({"sum": "order.lines.n", "where": "band = 'a'"}, NOW, first, second) == 5
    assert value({"share": "order.lines.n", "of": "band = 'a'"}, NOW, first, second) == 5 / 9


def test_share_of_facts_and_of_sums():
    facts = [order("03-01", band="a", amount=100), order("03-02", band="b", amount=200), order("03-03", amount=None)]
    assert value({"share": "order", "of": "band = 'a'"}, NOW, *facts) == 1 / 3
    assert value({"share": "order.amount", "of": "band = 'a'"}, NOW, *facts) == 1 / 3
    assert value({"share": "order", "of": "band = 'a'", "where": "amount > money(5.00)"}, NOW, *facts) is None
    assert value({"share": "order", "of": "band = 'a'", "where": "band is not null"}, NOW, *facts) == 0.5


@pytest.mark.parametrize(
    ("window", "now", "before"),
    [
        ({"within": "2 days"}, ("03-30", "03-31"), ("03-28", "03-29")),
        ({"within": "2 days", "through": "yesterday"}, ("03-29", "03-30"), ("03-27", "03-28")),
        ({"within": "1 week"}, ("03-25", "03-31"), ("03-18", "03-24")),
        ({"within": "1 month"}, ("03-01", "03-31"), ("02-01", "02-28")),
        ({"within": "1 month", "through": "yesterday"}, ("02-28", "03-30"), ("01-28", "02-27")),
        ({"within": "this month"}, ("03-01", "03-31"), ("02-01", "02-28")),
        ({"within": "this quarter", "through": "yesterday"}, ("01-01", "03-30"), ("2025-10-01", "2025-12-31")),
    ],
)
def test_trend_compares_with_the_window_before(window, now, before):
    """From the first day to the last of each: only facts within count."""

    def visit(day: str, clock: str) -> dict:
        return fact("visit", f"{day if len(day) > 5 else '2026-' + day}T{clock}Z", fact_id=day + clock)

    inside = [visit(now[0], "00:00:00"), visit(now[1], "11:00:00"), visit(now[1], "11:30:00")]
    earlier = [visit(before[0], "00:00:00"), visit(before[1], "23:59:59")]
    outside = [visit("2024-01-01", "00:00:00")] * 5
    assert value({"trend": "count visit", **window}, NOW, *inside, *earlier, *outside) == 1.5
    assert value({"trend": "count visit", **window}, NOW, *inside, *outside) is None


def test_trend_of_sums_may_be_negative():
    facts = [order("03-31", n=3), order("03-30", n=-2)]
    assert value({"trend": "sum order.n", "within": "1 day"}, NOW, *facts) == -1.5


@pytest.mark.parametrize(
    ("window", "days"),
    [
        ({"within": "10 days"}, 10),
        ({"within": "2 weeks"}, 14),
        ({"within": "1 month"}, 31),
        ({"within": "1 month", "through": "yesterday"}, 31),
        ({"within": "this quarter"}, 90),
        ({"within": "this quarter", "through": "yesterday"}, 89),
        ({}, 440),  # since 15 January 2025
        ({"since": "enrolment"}, 440),
        ({"since": "anniversary"}, 76),  # from 15 January on, both days counted
        ({"since": "anniversary", "through": "yesterday"}, 75),
    ],
)
def test_rate_divides_by_the_days_of_the_window(window, days):
    facts = [fact("profile", "2025-01-15T10:00:00Z"), order("03-30", fact_id="a"), order("03-30", fact_id="b")]
    assert value({"rate": "order", "per": "30 days", **window}, NOW, *facts) == 2 / days * 30


def test_rate_of_the_first_day_and_of_an_empty_window():
    today = fact("order", "2026-03-01T10:00:00Z")
    at = "2026-03-01T12:00:00Z"
    assert value({"rate": "order", "per": "7 days"}, at, today) == 7.0
    assert value({"rate": "order", "per": "7 days", "within": "this month", "through": "yesterday"}, at, today) == 0.0
    assert value({"rate": "order", "per": "7 days"}, at) == 0.0


def test_anniversaries_return_on_the_28th():
    facts = [
        fact("profile", "2024-02-29T10:00:00Z"),
        fact("order", "2025-02-27T23:59:59Z"),
        fact("order", "2025-02-28T00:00:00Z"),
    ]
    count = {"count": "order", "since": "anniversary"}
    assert value(count, "2025-02-27T23:59:59Z", *facts) == 1
    assert value(count, "2025-03-30T00:00:00Z", *facts) == 1
    assert value(count, "2026-02-27T23:59:59Z", *facts) == 1
    assert value(count, "2026-02-28T00:00:00Z", *facts) == 0


def test_a_fact_matures_at_a_midnight():
    one = fact("order", "2026-03-07T23:30:00Z")
    count = {"count": "order", "after": "2 days"}
    assert value(count, "2026-03-09T04:00:00Z", one, local="America/New_York") == 1  # a day of 23 hours
    assert value(count, "2026-03-09T03:59:59Z", one, local="America/New_York") == 0


def test_a_refund_stands_at_its_order():
    facts = [
        order("01-10", amount=900, fact_id="o"),
        fact("refund", "2026-03-20T10:00:00Z", amount=300, order_id="o"),
        fact("refund", "2026-03-21T10:00:00Z", amount=20, order_id="unknown"),
        fact("refund", "2026-03-22T10:00:00Z", amount=1),
    ]
    net = {"sum": "order.amount", "minus": "refund.amount", "refunds": "at_order"}
    assert value({**net, "within": "this month"}, NOW, *facts) == -21
    assert value({**net, "within": "this year"}, NOW, *facts) == 579
    assert value({**net, "within": "this year"}, "2026-03-20T09:00:00Z", *facts) == 900
    void = fact("void", "2026-03-25T10:00:00Z", fact_id="v") | {"attributes": {"fact_id": "o"}}
    assert value({**net, "within": "this month"}, "2026-03-25T09:59:59Z", *facts, void) == -21
    assert value({**net, "within": "this month"}, NOW, *facts, void) == -321  # a decision does not see a voided order


def test_a_refund_stands_at_its_order_once_that_is_seen():
    late = fact("order", "2026-01-10T10:00:00Z", known="2026-03-25T10:00:00Z", fact_id="o")
    refund = fact("refund", "2026-03-20T10:00:00Z", order_id="o")
    count = {"count": "refund", "within": "this month", "refunds": "at_order"}
    assert value(count, "2026-03-25T09:59:59Z", late, refund) == 1
    assert value(count, "2026-03-25T10:00:00Z", late, refund) == 0


def test_the_earliest_recorded_of_two_orders_of_one_name():
    first = fact("order", "2026-03-02T10:00:00Z", fact_id="o")
    second = fact("order", "2026-01-10T10:00:00Z", known="2026-03-03T10:00:00Z", fact_id="o") | {"source": "shop"}
    refund = fact("refund", "2026-03-20T10:00:00Z", order_id="o")
    assert value({"count": "refund", "within": "this month", "refunds": "at_order"}, NOW, first, second, refund) == 1


def test_another_currency_is_no_amount_also_of_lines():
    line = {"amount": 100, "band": "b"}
    dollars = order("03-01", amount=700, band="a", lines=[line])
    euros = order("03-02", amount=900, band="b", lines=[line]) | {"currency": "EUR"}
    facts = in_currency([dollars, euros], "USD")
    for feature, wanted in (
        ({"sum": "order.amount"}, 700),
        ({"sum": "order.lines.amount"}, 100),
        ({"max": "order.amount"}, 700),
        ({"top": "order.band", "by": "amount"}, "a"),
        ({"count": "order", "where": "amount is null"}, 1),
        ({"distinct": "order.lines.band"}, 1),
    ):
        assert value(feature, NOW, *facts) == wanted, feature
