"""The shipped models are good ones."""

from pathlib import Path

import pytest

from domain.tier_model.lint import lint, lint_text
from domain.tier_model.spec import TierModelSpec, canonical_json, parse_model, with_cuts

MODELS = sorted((Path(__file__).parents[2] / "examples" / "models").glob("*.yaml"))


def spec_of(path: Path) -> TierModelSpec:
    return parse_model(path.read_bytes())


def test_there_is_one_model_a_dimension() -> None:
    assert {(path.stem, spec_of(path).scheme, spec_of(path).dimension) for path in MODELS} == {
        (name, name, name) for name in ("value", "behaviour", "feature")
    }


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_shipped_model_has_no_faults_and_every_name_in_two_languages(path: Path) -> None:
    spec = spec_of(path)
    assert lint_text(path.read_bytes()) == []
    named = {name for name, label in spec.labels.items() if label.zh_cn and label.en}
    assert named == {spec.scheme, *spec.tiers, *spec.features, *spec.scores}
    assert parse_model(canonical_json(spec)) == spec


def test_the_eight_cells_cover_every_score_once() -> None:
    spec = spec_of(next(path for path in MODELS if path.stem == "value"))
    names = [spec.labels[tier].zh_cn for tier in reversed(spec.tiers)]
    assert names == [f"{weight}{cell}" for weight in ("重要", "一般") for cell in ("价值", "发展", "保持", "挽留")]
    fitted = with_cuts(spec, {"r": [3, 8, 20, 60], "f": [2, 5, 9, 16], "m": [100, 200, 300, 400]}, 0, "")
    assert lint(fitted) == []
    classes = {
        **fitted.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "unordered": True,
        "default": spec.tiers[0],
        "policy": {},
    }
    classes["rules"] = {tier: {"enter": rule["enter"]} for tier, rule in classes["rules"].items()} | {
        spec.tiers[0]: {"enter": "r < 4 and f < 4 and m < 4"}
    }
    assert lint(TierModelSpec.model_validate(classes)) == []
