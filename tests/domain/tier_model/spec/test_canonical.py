"""One meaning, one text, one hash; and the published schema says what the types say."""

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from domain.tier_model.spec import TierModelSpec, canonical_json, content_hash, json_schema, parse_model, with_cuts
from tests.domain.tier_model.spec.test_parse import MODEL

SCHEMA = Path(__file__).parents[4] / "docs" / "tier-model.schema.json"


def test_canonical_json_reads_back_to_the_same_model() -> None:
    spec = parse_model(MODEL)
    text = canonical_json(spec)
    assert parse_model(text) == spec
    assert TierModelSpec.model_validate_json(text) == spec
    assert canonical_json(parse_model(text)) == text
    assert '": ' not in text and text.startswith('{"currency":"CNY","dimension"')


def test_another_spelling_of_the_same_model_has_the_same_hash() -> None:
    spelled = (
        MODEL.replace("grace: 1 day", "grace: 1 days")
        .replace('mid: "m >= 3"', 'mid: {enter: "m >= 3"}')
        .replace("{r: 1, m: 2.5}", "{m: 2.5, r: 1}")
        .replace("bins: 5, best: low", "best: low, bins: 5")
        .replace("cuts: [5000,", "best: high, cuts: [5000,")
    )
    assert spelled != MODEL
    assert content_hash(parse_model(spelled)) == content_hash(parse_model(MODEL))


@pytest.mark.parametrize(
    ("old", "new"),
    [("m >= 3", "m >= 2"), ("[low, mid,", "[mid, low,"), ("365 days", "364 days"), ("first: true", "first: false")],
)
def test_another_model_has_another_hash(old: str, new: str) -> None:
    assert content_hash(parse_model(MODEL.replace(old, new))) != content_hash(parse_model(MODEL))


def test_the_hash_is_the_same_for_ever() -> None:
    small = parse_model(
        "{scheme: s, dimension: value, time_zone: UTC, currency: USD, tiers: [a, b], "
        "features: {n: {count: order}}, rules: {b: n > 1}}"
    )
    assert canonical_json(small) == (
        '{"currency":"USD","dimension":"value","features":{"n":{"count":"order"}},"rules":{"b":{"enter":"n > 1"}},'
        '"scheme":"s","tiers":["a","b"],"time_zone":"UTC"}'
    )
    assert content_hash(small) == "e5aa17656dd841248681cf17994f616fee5e8edb407435679ad6432aafa15277"


def test_fitted_cuts_are_part_of_the_model() -> None:
    spec = parse_model(MODEL)
    fitted = with_cuts(spec, {"r": [3, 9, 30]}, 1_700_000_000_000_000, "2,469 users")
    assert (fitted.needs_fitting, fitted.scores["r"].cuts) == ((), (3, 9, 30))
    assert fitted.fitted is not None
    assert (fitted.fitted.at, fitted.fitted.history, fitted.fitted.scores) == (
        1_700_000_000_000_000,
        "2,469 users",
        ("r",),
    )
    assert parse_model(canonical_json(fitted)) == fitted
    assert content_hash(fitted) != content_hash(spec)
    with pytest.raises(KeyError):
        with_cuts(spec, {"m": [1]}, 0, "")
    with pytest.raises(KeyError):
        with_cuts(spec, {"x": [1]}, 0, "")
    with pytest.raises(ValueError, match="no cuts"):
        with_cuts(spec, {"r": []}, 0, "")


def test_a_spec_is_frozen() -> None:
    with pytest.raises(ValidationError):
        parse_model(MODEL).scheme = "other"  # type: ignore[misc]


def test_the_published_schema_is_current() -> None:
    assert json.loads(SCHEMA.read_text()) == json_schema(), (
        "python -m domain.tier_model.spec > docs/tier-model.schema.json writes it"
    )


def test_the_patterns_of_the_schema_are_regular_expressions_of_every_dialect() -> None:
    patterns = re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(json_schema()))
    assert len(patterns) > 10
    for pattern in patterns:
        re.compile(json.loads(f'"{pattern}"'))
        assert "(?" not in pattern
