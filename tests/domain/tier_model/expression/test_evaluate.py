"""What conditions mean, case by case; that all executors agree on it is in test_executors.py."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from domain.tier_model.column import Column, Type, column_of
from domain.tier_model.expression import (
    Condition,
    ConditionInvalid,
    compile_condition,
    compile_fact_condition,
    compile_segment,
    tag_column,
)
from tests.domain.tier_model.expression.random_conditions import NAMES, conditions, written


@settings(max_examples=200, deadline=None)
@given(part=conditions)
def test_the_normal_text_means_the_same(part: Any) -> None:
    condition = compile_segment(written(part), NAMES)
    again = compile_segment(condition.text, NAMES)
    assert (again, again.text) == (condition, condition.text)


def compiled(text: str, **types: Type) -> Condition:
    return compile_condition(text, types)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("A >= 4 AND b<3 or C<>1", "A >= 4 and b < 3 or C <> 1"),
        ("(a = 1 or b = 2) and not c != 3", "(A = 1 or b = 2) and not (C <> 3)"),
        ("b between 1 and 3", "b >= 1 and b <= 3"),
        ("b not in (1, null)", "not (b in (1, null))"),
        ("b IS NOT NULL", "b is not null"),
        ("- -b * 2 - (3 - b) > .5", "-(-b) * 2 - (3 - b) > 0.5"),
        ('"b" == 1', "b = 1"),
    ],
)
def test_normal_text(text: str, normal: str) -> None:
    text = text.replace("a =", "A =").replace("c !=", "C !=")
    assert compiled(text, A=Type.integer, b=Type.integer, C=Type.integer).text == normal


def test_integers_compare_exactly_with_floats_and_each_other() -> None:
    columns = {"a": column_of([2**53 + 1, 2**63 - 1], Type.integer), "x": column_of([2.0**53, 2.0**63], Type.number)}
    names = {"a": Type.integer, "x": Type.number}
    assert compile_condition("a > x", names).matches(columns, 2).tolist() == [True, False]
    assert compile_condition("a = x", names).matches(columns, 2).tolist() == [False, False]
    assert compile_condition("a = 9007199254740992.0", names).matches(columns, 2).tolist() == [False, False]
    assert compile_condition("a = 9223372036854775807", names).matches(columns, 2).tolist() == [False, True]


@pytest.mark.parametrize("text", ["a + 1", "a * 2", "a * a", "-a - 2", "a / 0", "x * x", "x + x", "-(-a - 1)"])
def test_what_leaves_its_range_and_what_is_divided_by_nothing_is_null(text: str) -> None:
    names = {"a": Type.integer, "x": Type.number, "zero": Type.integer}
    columns = {
        "a": column_of([2**63 - 1], Type.integer),
        "x": column_of([1.7e308], Type.number),
        "zero": column_of([0], Type.integer),
    }
    condition = compile_condition(f"({text.replace('/ 0', '/ zero')}) is null", names)
    assert condition.matches(columns, 1).tolist() == [True]
    assert condition.holds({name: column.item(0) for name, column in columns.items()}) is True


def test_a_number_that_is_none_is_null() -> None:
    column = Column(np.array([np.nan, 1.0]), np.array([True, True]))
    assert compiled("x is null", x=Type.number).matches({"x": column}, 2).tolist() == [True, False]
    assert compiled("x is null", x=Type.number).holds({"x": float("nan")}) is True


def test_a_number_that_is_none_is_null_among_mixed_values_too() -> None:
    column = column_of([float("nan"), 1.0, "x", None], Type.scalar)
    assert compiled("s is null", s=Type.scalar).matches({"s": column}, 4).tolist() == [True, False, False, True]


def test_texts_are_ordered_by_code_point() -> None:
    column = column_of(["\uffee", "\U0001f600", "Z", "a"], Type.text)
    assert compiled("t > 'Z'", t=Type.text).matches({"t": column}, 4).tolist() == [True, True, False, True]
    assert compiled("t < '\U0001f600'", t=Type.text).matches({"t": column}, 4).tolist() == [True, False, True, True]


def test_money_is_minor_units_of_the_currency() -> None:
    names = {"spend": Type.money}
    for currency, amount, bound in (("USD", "10.5", 1050), ("JPY", "1000", 1000), ("KWD", "1.234", 1234)):
        condition = compile_condition(f"spend >= money({amount})", names, currency=currency)
        assert (condition.holds({"spend": bound}), condition.holds({"spend": bound - 1})) == (True, False)
        assert condition.thresholds("spend") == [bound]
    assert compile_condition("spend > money(90071992547409.93)", names).holds({"spend": 9007199254740993}) is False
    assert compile_condition("-money(1.00) < spend", names).text == "money(-1.00) < spend"


def test_money_keeps_its_unit_through_arithmetic() -> None:
    names = {"spend": Type.money, "refunds": Type.money, "orders": Type.integer}
    for good in (
        "spend / orders >= money(50.00)",
        "(spend - refunds) / spend > 0.5",
        "coalesce(spend, money(0)) * 2 > money(1)",
        "spend between money(1) and refunds",
        "spend in (money(1), money(2), null)",
    ):
        compile_condition(good, names)
    for bad in (
        "spend > 1000",
        "0 = spend",
        "spend / orders >= 50",
        "spend + 1 > money(1)",
        "spend in (1, 2)",
        "spend between 1 and 2",
        "coalesce(spend, 0) > money(1)",
        "spend * spend > 1",
        "1 / spend > 1",
        "orders > money(1)",
        "spend > orders",
    ):
        with pytest.raises(ConditionInvalid) as refused:
            compile_condition(bad, names)
        assert "money" in str(refused.value)


def test_attributes_of_facts_have_the_type_that_the_fact_gives() -> None:
    condition = compile_fact_condition("channel = 'app' and amount >= money(10.00) or \"store no\" > 3 or vip", "USD")
    assert condition.names == {"channel", "amount", "store no", "vip"}
    columns = {
        "channel": column_of(["app", "app", 7, None, None], Type.scalar),
        "amount": column_of([1000, None, 1000, 1000, 1000], Type.money),
        "store no": column_of([None, "9", True, 3.5, 3], Type.scalar),
        "vip": column_of([None, None, None, None, "yes"], Type.scalar),
    }
    column = condition.evaluate(columns, 5)
    assert [column.item(row) for row in range(5)] == [True, None, None, True, None]
    with pytest.raises(ConditionInvalid, match="bare number"):
        compile_fact_condition("amount > 100", "USD")


def test_segments_read_tiers_and_tags() -> None:
    condition = compile_segment("tier.value = 'high' and not tag('it''s new')", {"tier.value": Type.text})
    assert (condition.names, condition.tags) == ({"tier.value"}, {"it's new"})
    assert condition.holds({"tier.value": "high"}, tags={"vip"}) is True
    assert condition.holds({"tier.value": "high"}, tags={"it's new"}) is False
    columns = {
        "tier.value": column_of(["high", "high", None], Type.text),
        tag_column("it's new"): column_of([False, True, False], Type.boolean),
    }
    assert condition.matches(columns, 3).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("days <= 30 and orders > 1", [30]),
        ("30 >= days or days between 60 and 90 or days in (7, 8, null) or days = -1", [-1, 7, 8, 30, 60, 90]),
        ("days is null or not days is not null", []),
        ("orders > 3", []),
        ("days > 2.5 * 2", [5.0]),
        ("days > orders", None),
        ("days + 1 > 3", None),
        ("-days < 3", None),
        ("coalesce(days, 9) > 3", None),
        ("days in (1, orders)", None),
        ("days <= 30 and days / 2 > 3", None),
    ],
)
def test_thresholds(text: str, expected: list[float] | None) -> None:
    assert compiled(text, days=Type.integer, orders=Type.integer).thresholds("days") == expected


@settings(max_examples=100, deadline=None)
@given(part=conditions)
def test_of_nobody_there_is_nothing_to_say(part: Any) -> None:
    condition = compile_segment(written(part), NAMES)
    nobody = {name: column_of([], type_) for name, type_ in NAMES.items()}
    nobody |= {tag_column(tag): column_of([], Type.boolean) for tag in condition.tags}
    column = condition.evaluate(nobody, 0)
    assert len(column.values) == len(column.valid) == 0
