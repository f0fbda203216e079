"""docs/tier-models.md is true: every example on the page is run."""

import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.tier_model.column import Type
from domain.tier_model.expression import SqlColumn, compile_condition
from domain.tier_model.lint import lint, lint_text
from domain.tier_model.presets import PRESETS
from domain.tier_model.spec import parse_model
from projections.records import ObservationRecord
from projections.user_card.projector import project
from tests.support.stories import (
    decided_together,
    told_by_the_product,
    told_by_the_reference,
    told_together,
    without_clauses,
)

PAGE = (Path(__file__).parents[3] / "docs" / "tier-models.md").read_text()
BLOCKS = re.findall(r"^```([a-z0-9 -]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
KINDS = (
    "yaml model", "yaml schemes", "yaml features", "yaml scores", "yaml policy", "yaml faulty",
    "facts", "decisions", "card", "conditions", "sql", "faults",
)  # fmt: skip

SKELETON = """\
scheme: page
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, high]
features:
  orders: {count: order}
  spend: {sum: order.amount, minus: refund.amount}
  recency: {days_since: order}
"""
RULES = "rules: {high: orders > 1}\n"


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def kind_of(head: str) -> str:
    return next((kind for kind in KINDS if head == kind or head.startswith(f"{kind} until ")), head.split(" 2")[0])


def stories() -> list[Any]:
    """(models, facts, day, decisions) of every story: the last models and facts before its decisions."""
    found: list[Any] = []
    models: list[str] = []
    facts: list[str] = []
    for head, text in BLOCKS:
        if head in ("yaml model", "yaml schemes"):
            models = text.split("---\n")
        elif head == "facts":
            facts = text.splitlines()
        elif kind_of(head) == "decisions":
            until = head.split()[-1]
            found.append(pytest.param(models, facts, until, text, id=f"{parse_model(models[-1]).scheme}-{until}"))
    return found


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {kind_of(head) for head, _ in BLOCKS} == {"", *KINDS}
    assert [text.split()[:2] for text in blocks("")] == [["tierline", "model"]]  # the commands alone are not run here


@pytest.mark.parametrize("text", blocks("yaml model"))
def test_a_model_has_no_faults(text: str) -> None:
    assert lint_text(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            SKELETON.split("  orders")[0] + "  orders: {count: order}\n" + indented(features) + RULES
            for features in blocks("yaml features")
        ),
        *(SKELETON + "scores:\n" + indented(scores) + RULES for scores in blocks("yaml scores")),
        *(SKELETON + RULES + "policy:\n" + indented(policy) for policy in blocks("yaml policy")),
    ],
)
def test_a_part_of_a_model_has_no_faults(text: str) -> None:
    assert lint_text(text) == []


@pytest.mark.parametrize(("text", "faults"), [*zip(blocks("yaml faulty"), blocks("faults"), strict=True)])
def test_lint_says_what_the_page_says(text: str, faults: str) -> None:
    assert [str(fault) for fault in lint_text(text)] == faults.splitlines()


@pytest.mark.parametrize("line", "".join(blocks("conditions")).splitlines())
def test_a_condition_means_what_the_page_says(line: str) -> None:
    text, _, expected = line.partition("=>")
    names = {
        "orders": Type.integer, "spend": Type.money, "recency": Type.integer, "city": Type.scalar, "basket": Type.money
    }  # fmt: skip
    user: dict[str, Any] = {"orders": 4, "spend": 25_000, "recency": 12, "city": "Suzhou", "basket": None}
    holds = compile_condition(text, names, currency="CNY").holds(user)
    assert {True: "true", False: "false", None: "null"}[holds] == expected.strip()


@pytest.mark.parametrize("line", "".join(blocks("sql")).splitlines())
def test_a_condition_is_the_sql_that_the_page_says(line: str) -> None:
    text, _, expected = line.partition("=>")
    names = {"orders": Type.integer, "recency": Type.integer}
    condition = compile_condition(text, names, currency="CNY")
    assert condition.to_sql("duckdb", lambda name: SqlColumn(name, names[name])) == expected.strip()


@pytest.mark.parametrize(("models", "facts", "until", "decisions"), stories())
def test_a_story_goes_as_the_page_tells_it(models: list[str], facts: list[str], until: str, decisions: str) -> None:
    expected = [" ".join(line.split()) for line in decisions.splitlines()]
    if len(models) > 1 or parse_model(models[0]).per is not None:
        assert told_together(models, facts, until) == expected
    else:
        assert told_by_the_product(models[0], facts, until) == expected
        assert told_by_the_reference(models[0], facts, until) == without_clauses(expected)


def test_schemes_of_one_story_have_no_faults_beside_each_other() -> None:
    for text in blocks("yaml schemes"):
        specs = {spec.scheme: spec for spec in map(parse_model, text.split("---\n"))}
        for spec in specs.values():
            others = {name: other for name, other in specs.items() if name != spec.scheme}
            assert lint(spec, None, others, activating=True) == []


def test_the_card_shows_what_the_page_shows() -> None:
    ((head, shown),) = [(head, text) for head, text in BLOCKS if kind_of(head) == "card"]
    (story,) = [story.values for story in stories() if parse_model(story.values[0][0]).growth is not None]
    models, facts, day = story[0], story[1], head.split()[-1]
    observation = decided_together(models, [line for line in facts if line < day], day).observation
    record = ObservationRecord(1, UUID(int=1), ("ann",), 1, 0, observation)
    operation = project(record)
    assert operation is not None
    standing = operation.card["standings"]["growth"]
    expected = json.loads(shown)
    assert {name: standing[name] for name in expected} == expected


def test_every_preset_is_named() -> None:
    assert [name for name in PRESETS if f"`{name}`" not in PAGE] == []
