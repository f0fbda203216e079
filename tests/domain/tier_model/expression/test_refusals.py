"""Whatever is no condition is refused: at its place, at once, and never in another way."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.tier_model.column import Type
from domain.tier_model.expression import (
    Condition,
    ConditionInvalid,
    compile_condition,
    compile_fact_condition,
    compile_segment,
)
from tests.domain.tier_model.expression.random_conditions import NAMES

_SQL = """a b x t f s spend tier.value and or not in is null true false between = <> < <= > >= + - * / ( ) , . 1 2.5 'x'
"q" tag('v') money(1.00) coalesce( select case when end :: ; -- /* */ {# #} { [ like distinct any exists \\ `
0x1 1e9 %"""
_WORDS = _SQL.split()


@settings(max_examples=400, deadline=None)
@given(text=st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_WORDS), max_size=14).map(" ".join)))
@example("(" * 9_999)
@example("\x00")
@example("money(" + "9" * 5_000 + ") = spend")
@example("a.*")
def test_no_text_does_anything_but_compile_or_be_refused(text: str) -> None:
    for compiled in (
        _outcome(lambda: compile_condition(text, NAMES)),
        _outcome(lambda: compile_segment(text, {**NAMES, "tier.value": Type.text}, currency="JPY")),
        _outcome(lambda: compile_fact_condition(text, "USD")),
    ):
        if isinstance(compiled, Condition):
            assert compiled.holds({}) in (True, False, None)
            continue
        lines = text.split("\n")
        assert 1 <= compiled.line <= len(lines)
        assert 1 <= compiled.column <= len(lines[compiled.line - 1]) + 1
        assert compiled.remedy


def _outcome(attempt: Callable[[], Condition]) -> Condition | ConditionInvalid:
    try:
        return attempt()
    except ConditionInvalid as refused:
        return refused


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5_000 + "a = 1" + ")" * 4_990,
        "(" * 4_900 + "a = 1" + ")" * 4_900,
        "not " * 2_400 + "f",
        "a = " + "- " * 2_400 + "1",
        "f = not " * 1_000 + "f",
        "a = 1 " + "+ 1 " * 2_000,
        "a = 1" + "+1" * 1_200,
        "f" + " = f" * 1_200,
        "coalesce(" * 1_000 + "a",
        "a in (" * 1_500,
        "a between 1 and not " * 400,
        "a" + " and" * 2_400,
        "x" * 10_001,
        "'" * 9_999,
        "." * 9_999,
    ],
    ids=lambda text: text[:12] + "...",
)
def test_what_is_huge_or_deep_is_refused_at_once(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ConditionInvalid):
        compile_segment(text, NAMES)
    assert time.process_time() - started < 0.2  # 50 ms on a quiet machine


def test_long_but_flat_is_fine() -> None:
    text = " or ".join(f"a = {number}" for number in range(600))
    assert compile_condition(text, NAMES).holds({"a": 599}) is True
    assert compile_condition("(" * 15 + "a = 1" + ")" * 15, NAMES).text == "a = 1"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("", (1, 1), "empty"),
        ("a > 1\nand  c > 2", (2, 6), "there is no c"),
        ("a > 1 and orders > 2", (1, 11), "there is no orders"),
        ("count(a) > 1", (1, 1), "no function count"),
        ("a = 1 -- always", (1, 7), "comment"),
        ("a = 1 /* x */", (1, 7), "comment"),
        ("/* x */", (1, 1), "comment"),
        ("a = 1; drop table facts", (1, 6), "';'"),
        ("a in (select 1)", (1, 14), "does not fit"),
        ("a = 'x", (1, 5), "not closed"),
        ("a = 'x'", (1, 1), "text"),
        ("t > 5", (1, 1), "text"),
        ("not a", (1, 5), "neither true nor false"),
        ("a", (1, 1), "neither true nor false"),
        ("f < true", (1, 1), "no order"),
        ("t + 1 > 2", (1, 1), "no number"),
        ("a / 0 > 1", (1, 5), "divides by zero"),
        ("a / 0.0 > 1", (1, 5), "divides by zero"),
        ("a > 9223372036854775808", (1, 5), "64 bits"),
        ("x > 1e400", (1, 5), "too large"),
        ("1abc = a", (1, 1), "misspelled"),
        ("spend > money(1.234)", (1, 9), "more decimals"),
        ("spend > money(t)", (1, 9), "one plain amount"),
        ("tag('vip')", (1, 1), "tags cannot be read here"),
        ("a > 1 and", (1, 7), "breaks off"),
        ("(a > 1", (1, 6), "breaks off"),
        ("a is true", (1, 1), "only null"),
        ("case when f then f end", (1, 11), "does not fit"),
        ("cast(a as text) = t", (1, 1), "no function cast"),
        ("a.* = 1", (1, 1), "no name"),
    ],
)
def test_the_place_and_the_reason_are_named(text: str, place: tuple[int, int], said: str) -> None:
    with pytest.raises(ConditionInvalid) as refused:
        compile_condition(text, NAMES)
    assert (refused.value.line, refused.value.column) == place
    assert said in refused.value.message
    assert refused.value.complaints[0].field == "where"


def test_a_near_name_is_offered() -> None:
    with pytest.raises(ConditionInvalid, match="Did you mean frequency"):
        compile_condition("freqency > 1", {"frequency": Type.integer})
