"""The shipped benefits are good ones: one of every kind, without faults beside the shipped models."""

from pathlib import Path

import pytest

from domain.benefits.kinds import KINDS
from domain.benefits.lint import Surroundings, lint_text
from domain.benefits.reading import parse_benefit
from domain.tier_model.spec import parse_model

EXAMPLES = Path(__file__).parents[2] / "examples"
BENEFITS = sorted((EXAMPLES / "benefits").glob("*.yaml"))
MODELS = [parse_model(path.read_bytes()) for path in (EXAMPLES / "models").glob("*.yaml")]
BESIDE = Surroundings(
    tiers={model.scheme: model.tiers for model in MODELS},
    scoped=[model.scheme for model in MODELS if model.per],
    budgets={"membership": "USD", "gifts": "USD"},
    now=0,
)


def test_every_kind_is_there_and_named_as_its_file() -> None:
    specs = [parse_benefit(path.read_bytes()) for path in BENEFITS]
    assert {spec.kind for spec in specs} == set(KINDS)
    assert [spec.benefit for spec in specs] == [path.stem for path in BENEFITS]
    page = (EXAMPLES / "benefits" / "README.md").read_text()
    assert [
        path.name for path in BENEFITS if f"`{path.name}` | {parse_benefit(path.read_bytes()).kind}" not in page
    ] == []


@pytest.mark.parametrize("path", BENEFITS, ids=lambda path: path.stem)
def test_a_shipped_benefit_has_no_faults(path: Path) -> None:
    assert lint_text(path.read_bytes(), BESIDE) == []
