"""What is missing for a condition to hold."""

from typing import Any

import pytest
from hypothesis import given, settings

from domain.tier_model.column import Type
from domain.tier_model.expression import compile_condition, compile_segment
from tests.domain.tier_model.expression.random_conditions import NAMES, conditions, rows, written

TYPES = {
    "r": Type.integer,
    "f": Type.integer,
    "m": Type.integer,
    "spend": Type.money,
    "basket": Type.number,
    "city": Type.text,
    "vip": Type.boolean,
}
ROW = {"r": 3, "f": 2, "m": 4, "spend": 8_300, "basket": 10.5, "city": "A", "vip": None}


def part(of: str, is_: Any, needs: str, missing: float | None) -> dict[str, Any]:
    return {"of": of, "is": is_, "needs": needs, "missing": missing}


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("r >= 3 and m > 3", []),
        ("r >= 4 and f >= 4 and m >= 4", [part("r", 3, ">= 4", 1), part("f", 2, ">= 4", 2)]),
        ("r >= 5 or f >= 3", [part("f", 2, ">= 3", 1)]),
        ("(r >= 4 and f >= 4) or m >= 5", [part("m", 4, ">= 5", 1)]),
        ("r >= 5 and f >= 5 or m >= 9 and r >= 9", [part("r", 3, ">= 5", 2), part("f", 2, ">= 5", 3)]),
        ("spend >= money(100.00)", [part("spend", 8_300, ">= 10000", 1_700)]),
        ("money(100.00) <= spend", [part("spend", 8_300, ">= 10000", 1_700)]),
        ("f > 4", [part("f", 2, "> 4", 3)]),
        ("r < 3", [part("r", 3, "< 3", 1)]),
        ("basket > 12", [part("basket", 10.5, "> 12", 1.5)]),
        ("not (r < 4 or f < 4)", [part("r", 3, ">= 4", 1), part("f", 2, ">= 4", 2)]),
        ("city = 'it''s'", [part("city", "A", "= 'it''s'", None)]),
        ("r in (5, 7)", [part("r", 3, "in (5, 7)", 2)]),
        ("r not in (3, 4)", [part("r", 3, "not in (3, 4)", None)]),
        ("r <> 3", [part("r", 3, "<> 3", 1)]),
        ("vip", [part("vip", None, "= true", None)]),
        ("not vip", [part("vip", None, "= false", None)]),
        ("vip is not null", [part("vip", None, "a value", None)]),
        ("r is null", [part("r", 3, "null", None)]),
        ("false or r >= 9 and f >= 9", [part("r", 3, ">= 9", 6), part("f", 2, ">= 9", 7)]),
        ("r + f >= 8", [part("r + f", 5, ">= 8", 3)]),
        ("r > m", [part("r", 3, "> 4", 2)]),
        ("r between 5 and 9", [part("r", 3, ">= 5", 2)]),
        ("r >= 4 and (r >= 4 or f >= 9)", [part("r", 3, ">= 4", 1)]),
    ],
)
def test_the_smallest_set_of_missing_parts(text: str, missing: list[dict[str, Any]]) -> None:
    assert compile_condition(text, TYPES).shortfall(ROW) == missing


def test_an_unknown_value_has_no_distance() -> None:
    condition = compile_condition("r >= 4", TYPES)
    assert condition.shortfall({}) == [part("r", None, ">= 4", None)]
    assert condition.shortfall({"r": None}) == [part("r", None, ">= 4", None)]


def test_tags_can_be_missing() -> None:
    condition = compile_segment("tag('vip') and not tag('risk')", {})
    missing = [part("tag('vip')", False, "= true", None), part("tag('risk')", True, "= false", None)]
    assert condition.shortfall({}, tags={"risk"}) == missing


@settings(max_examples=200, deadline=None)
@given(condition=conditions, row=rows())
def test_something_is_missing_exactly_when_it_is_not_true(condition: Any, row: dict[str, Any]) -> None:
    compiled = compile_segment(written(condition), NAMES)
    missing = compiled.shortfall(row)
    assert (missing == []) is (compiled.holds(row) is True)
    assert all(set(each) == {"of", "is", "needs", "missing"} for each in missing)
    assert all(each["missing"] is None or each["missing"] >= 0 for each in missing)
