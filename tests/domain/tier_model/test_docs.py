"""docs/tier-models.md is true: every example on the page is run."""

import re
from pathlib import Path
from typing import Any

import pytest

from domain.tier_model.column import Type
from domain.tier_model.expression import compile_condition
from domain.tier_model.lint import lint_text
from tests.support.stories import told_by_the_product

PAGE = (Path(__file__).parents[3] / "docs" / "tier-models.md").read_text()
BLOCKS = re.findall(r"^```([a-z ]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
END = "2026-07-01"

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
    assert told_by_the_product(blocks("yaml model")[0], facts.splitlines(), END) == told
