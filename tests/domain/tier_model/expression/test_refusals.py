"""Whatever is no condition is refused: at its place, in few steps, and never in another way."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.tier_model.column import Type
from domain.tier_model.expression import (
    Condition,
    ConditionInvalid,
    SearchField,
    SqlColumn,
    compile_condition,
    compile_fact_condition,
    compile_segment,
)
from tests.domain.tier_model.expression.random_conditions import NAMES

T = TypeVar("T")
_SQL = """a b x t f s spend tier.value and or not in is null true false between = <> < <= > >= == != + - * / ( ) , .
1 2.5 'x' "q" tag('v') tag( money(1.00) money( coalesce( select case when then else end :: : ; -- /* */ {# {{ }} {% #
[ ] | || & ^ ~ ! ? @ $ $$ $a$ % \\ ` ' '' " "" like ilike rlike glob distinct any all exists escape collate over filter
interval date array cast( extract( trim( symmetric isnull notnull div mod xor <=> -> ->> := => 0x1 1e9 1e999 1e-999
1_000 .5 5. 9223372036854775807 9223372036854775808 N'x' E'x' b'1' x'1' r'x'"""
_ODD = [
    "高",
    "²",
    "٣",
    "５",
    "½",
    "ı",
    "K",
    "ſ",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\x00",
    "\x85",
    "\ud800",
]
_WORDS = [*_SQL.split(), *_ODD, "\n"]
_VALID = [
    "a >= 4 and spend / a >= money(50.00)",
    "not (t in ('it''s', 'b', null)) or tag('vip')",
    "coalesce(a, x, 0.5) + 1 between -2 and 1e3",
    "s is not null and (s = 'x' or s > 3)",
    "- -b * 2 - (3 - b) > .5 and tier.value <> 'high'",
    "amount > money(10.00) and \"store no\" not in ('a', 7)",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid condition with something cut out, put in, repeated or put in parentheses, a few times."""
    text = draw(st.sampled_from(_VALID))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 6)))
        put = draw(st.one_of(st.sampled_from(_WORDS), st.characters(), st.sampled_from(_VALID)))
        text = draw(
            st.sampled_from(
                [
                    text[:start] + text[end:],
                    text[:start] + put + text[start:],
                    f"{text[:start]} {put} {text[end:]}",
                    text[:start] + text[start:end] * 30 + text[end:],
                    "(" * start + text + ")" * start,
                ]
            )
        )
    return text


@settings(max_examples=800, deadline=None)
@given(
    text=st.one_of(
        st.text(max_size=60), st.lists(st.sampled_from(_WORDS), max_size=20).map(" ".join), mutated(), mutated()
    )
)
@example("(" * 9_999)
@example("\x00")
@example("t = '\ud800'")
@example("money(" + "9" * 5_000 + ") = spend")
@example("a.*")
@example("a > .5.5")
@example("a > . 5")
def test_no_text_does_anything_but_compile_or_be_refused(text: str) -> None:
    for compiled in (
        _outcome(lambda: compile_condition(text, NAMES)),
        _outcome(lambda: compile_segment(text, NAMES, currency="JPY")),
        _outcome(lambda: compile_fact_condition(text, "USD")),
    ):
        if isinstance(compiled, Condition):
            assert compiled.holds({}) in (True, False, None)
            compiled.shortfall({})
            for dialect in ("duckdb", "spark"):
                _outcome(lambda: compiled.to_sql(dialect, _column))  # noqa: B023 - called at once
            _outcome(lambda: compiled.to_opensearch(_field))  # noqa: B023
            continue
        lines = text.split("\n")
        assert 1 <= compiled.line <= len(lines)
        assert 1 <= compiled.column <= len(lines[compiled.line - 1]) + 1
        assert compiled.remedy


def _column(name: str) -> SqlColumn:
    return SqlColumn(name, NAMES.get(name, Type.scalar))


def _field(name: str) -> SearchField:
    return SearchField(name, NAMES.get(name, Type.scalar))


def _outcome(attempt: Callable[[], T]) -> T | ConditionInvalid:
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
        "x" * 9_999,
        "1" * 9_999,
        "'" * 9_999,
        "." * 9_999,
        "zz = 1 or " * 800 + "f",
        ("(" * 18 + "a = 1" + ")" * 18 + " or ") * 50 + "a",
        "f and " * 1_240 + "a",
        "a in (" + "a," * 1_240 + "t)",
        "a = 1\n" * 1_600,
    ],
    ids=lambda text: text[:12] + "...",
)
def test_what_is_huge_or_deep_is_refused_in_few_steps(text: str) -> None:
    def attempt() -> None:
        with pytest.raises(ConditionInvalid):
            compile_segment(text, NAMES)

    assert _steps(attempt) < 20_000 + 150 * len(text)


def _steps(function: Callable[[], None]) -> int:
    """Calls made by it, of Python's functions and of C's."""
    made = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return made


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
        ("a = 1\nand t = 'x\x00'", (2, 11), "U+0000 is no character"),
        ("t = '\ud83d'", (1, 6), "U+D83D is no character"),
        ("a > .5.5", (1, 6), "misspelled"),
        ("a > . 5", (1, 7), "misspelled"),
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
