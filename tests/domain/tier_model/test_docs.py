"""docs/tier-models.md is true: every example on the page is run."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.facts.fact import Fact
from domain.facts.instants import parse_instant, to_datetime
from domain.facts.table import RecordedFact, table_from_facts
from domain.tier_model.calendar import load_zone
from domain.tier_model.column import Type
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.model_columns import ModelColumns
from domain.tier_model.expression import compile_condition
from domain.tier_model.lint import lint_text
from domain.tier_model.spec import parse_model
from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force, SchemeInput, walk

PAGE = (Path(__file__).parents[3] / "docs" / "tier-models.md").read_text()
BLOCKS = re.findall(r"^```([a-z ]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NOON = "T12:00:00+08:00"
END = parse_instant("2026-07-01T00:00:00Z")

SKELETON = """\
scheme: page
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, high]
features:
  orders: {count: order}
"""


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def test_every_block_is_of_a_kind_that_is_run() -> None:
    kinds = {kind for kind, _ in BLOCKS}
    assert kinds == {
        "", "yaml model", "yaml features", "yaml policy", "yaml faulty", "facts", "decisions", "conditions", "faults"
    }  # fmt: skip
    assert [text.split()[:2] for text in blocks("")] == [["tierline", "model"]]  # the commands alone are not run here


@pytest.mark.parametrize("text", blocks("yaml model"))
def test_a_model_has_no_faults(text: str) -> None:
    assert lint_text(text) == []


@pytest.mark.parametrize(
    "text",
    [
        *(SKELETON + indented(features) + "rules: {high: orders > 1}\n" for features in blocks("yaml features")),
        *(SKELETON + "rules: {high: orders > 1}\npolicy:\n" + indented(policy) for policy in blocks("yaml policy")),
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


def test_the_story_goes_as_the_page_tells_it() -> None:
    (facts,), (decisions,) = blocks("facts"), blocks("decisions")
    told = [" ".join(line.split()) for line in decisions.splitlines()]
    assert told_by_the_product(blocks("yaml model")[0], facts.splitlines()) == told


def told_by_the_product(model_text: str, lines: list[str]) -> list[str]:
    model = CompiledModel(parse_model(model_text), 1)
    rows = []
    for position, line in enumerate(lines):
        day, kind, amount = line.split()
        at = parse_instant(day + NOON)
        fact = Fact(str(position), "ann", kind, at, amount=round(float(amount) * 100), currency="CNY")
        rows.append(RecordedFact(0, fact, position, at))
    table = table_from_facts(rows)
    work = SchemeInput((Force(model, ALWAYS),), np.full(1, ALWAYS, dtype=np.int64), [None])
    result = walk(table, {model.content_hash: ModelColumns(model, table)}, work, END, END)
    zone = load_zone(model.spec.time_zone)
    told = []
    for decision in result.decisions:
        outcome = decision.outcome
        moved = outcome.kind == "tier-changed"
        tiers = f"{outcome.from_tier or ''} -> {outcome.to_tier}" if moved else outcome.to_tier
        moment = to_datetime(decision.instant).astimezone(zone)
        told.append(" ".join(f"{moment:%Y-%m-%d %H:%M} {outcome.kind} {tiers} {outcome.clause}".split()))
    return told
