"""docs/facts.md says what is so."""

import re
from pathlib import Path

from domain.facts import field_rules
from domain.facts.check import check_fact
from domain.facts.fact import Fact
from domain.facts.kinds import BUILT_IN

TEXT = (Path(__file__).parents[3] / "docs" / "facts.md").read_text()


def test_the_example_is_a_fact() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert isinstance(check_fact(example.encode(), BUILT_IN), Fact)


def test_every_kind_is_there_with_what_it_requires() -> None:
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|(.*)\|$", TEXT.split("| kind | requires |")[1], re.MULTILINE)
    told = {kind: requires for kinds, requires in rows for kind in re.findall(r"`(\w+)`", kinds)}
    assert told.keys() == BUILT_IN.keys()
    for kind, definition in BUILT_IN.items():
        for name in (*definition.requires, *(f"attributes.{text}" for text in definition.texts)):
            assert f"`{name}`" in told[kind], f"{kind}: {name}"


def test_the_limits_are_those_of_the_code() -> None:
    limits = (
        field_rules.ID_LENGTH,
        field_rules.KEY_LENGTH,
        field_rules.TEXT_LENGTH,
        field_rules.MAX_ATTRIBUTES,
        field_rules.MAX_LINES,
        field_rules.FUTURE_DAYS,
    )
    for limit in limits:
        assert re.search(rf"\b{limit:,}\b", TEXT), limit
