"""The shipped strategies: each is read, and its conditions name what the shipped models have."""

from pathlib import Path

import pytest

from domain.strategies.spec import read_strategy
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import compile_segment
from domain.tier_model.spec import parse_model
from infrastructure.queries.segments import names_of

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("path", sorted((EXAMPLES / "strategies").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_strategy_fits_the_shipped_models(path: Path) -> None:
    spec, _ = read_strategy(path.read_bytes())
    models = {
        name: CompiledModel(parse_model((EXAMPLES / "models" / f"{name}.yaml").read_text()), 1)
        for name in ("value", "behaviour", "feature")
    }
    names = names_of(models, 0)
    assert spec.where is not None
    assert compile_segment(spec.where, names.types, currency=names.currency).names <= names.types.keys()
    assert spec.label.zh_cn and spec.label.en
