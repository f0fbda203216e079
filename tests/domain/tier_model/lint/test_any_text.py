"""Whatever is given for a model file, lint answers with faults at places, and works no longer than the text is long."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tier_model.lint import lint_text
from domain.tier_model.spec import parse_model

MODELS = [path.read_text(encoding="utf-8") for path in sorted(Path("examples/models").glob("*.yaml"))]
OTHERS = {spec.scheme: spec for spec in map(parse_model, MODELS)}
_LINES = sorted({line for text in MODELS for line in text.splitlines()})
_WORDS = r"""null true 0 -1 1.5 1e400 99999999999999999999 9223372036854775807 [] {} [1,2] {a:1} '' high fitted all
never money(1.00) anniversary standing order.amount order. a.b.c.d nan .inf 0x1F !!python/object:os.system &x *x | >
"\0" "\ud800" 高 growth tier.x tag('x')"""
_VALUES = [*_WORDS.split(), "30 days", "0 days", "-5 days", "101 years", "1000000000 days", "this month"]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A model with lines lost, repeated, swapped, or words and values replaced, a few times."""
    text = draw(st.sampled_from(MODELS))
    for _ in range(draw(st.integers(1, 4))):
        lines = text.split("\n")
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        match draw(st.integers(0, 4)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, draw(st.sampled_from(_LINES)))
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = f"{lines[at].partition(':')[0]}: {draw(st.sampled_from(_VALUES))}"
            case _:
                start = draw(st.integers(0, len(lines[at])))
                put = draw(st.one_of(st.sampled_from(_VALUES), st.characters()))
                lines[at] = lines[at][:start] + put + lines[at][start + draw(st.integers(0, 5)) :]
        text = "\n".join(lines)
    return text


@settings(max_examples=250, deadline=None)
@given(text=mutated(), others=st.sampled_from([None, OTHERS]), history_days=st.sampled_from([None, 0, 400]))
def test_lint_never_raises(text: str, others: Any, history_days: int | None) -> None:
    for fault in lint_text(text, others, history_days=history_days):
        assert fault.line is None or 1 <= fault.line <= text.count("\n") + 2
        assert str(fault)


def rules_of(condition: str) -> str:
    rules = "".join(f'  t{number}: "{condition}"\n' for number in range(1, 4))
    return f"""scheme: s
dimension: value
time_zone: UTC
currency: USD
tiers: [t0, t1, t2, t3]
features:
  a: {{count: order}}
  b: {{days_since: order}}
scores:
  r: {{of: a, bins: 10, best: high, cuts: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}
  q: {{of: b, bins: 10, best: low, cuts: [1, 2, 3, 4, 5, 6, 7, 8, 9]}}
rules:
{rules}"""


@pytest.mark.parametrize(
    "family",
    [
        lambda size: rules_of(" or ".join(f"a = {number}" for number in range(size))),
        lambda size: rules_of(" and ".join(f"(a <> {number} or b > {number})" for number in range(size // 2))),
        lambda size: rules_of(" or ".join(f"r = {number % 10} and q <> {number % 7}" for number in range(size // 2))),
        lambda size: rules_of(f"a in ({', '.join(map(str, range(size)))})"),
        lambda size: "\n".join(["x: 1"] * size),
        lambda size: rules_of("a > 1") + "labels:\n" + "".join(f"  x{n}: {{en: x}}\n" for n in range(size)),
    ],
)
def test_twice_the_text_is_twice_the_work(family: Callable[[int], str]) -> None:
    for size in (250, 500):
        lint_text(family(size))  # what is kept from one call to the next is not counted
    assert steps_of(family(500)) < 2.6 * steps_of(family(250))


def steps_of(text: str) -> int:
    """Calls made by lint, of Python's functions and of C's."""
    made = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        lint_text(text)
    finally:
        sys.setprofile(before)
    return made
