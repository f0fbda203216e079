"""What a segment may name, and where the search index has it."""

from pathlib import Path
from typing import Any

import pytest

from domain.facts.instants import parse_instant
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import ConditionInvalid
from domain.tier_model.spec import parse_model
from infrastructure.queries.segments import names_of, query_of

MODELS = Path(__file__).parents[3] / "examples" / "models"
NAMES = names_of(
    {name: CompiledModel(parse_model((MODELS / f"{name}.yaml").read_bytes()), 1) for name in ("behaviour", "feature")},
    parse_instant("2026-03-01T02:00:00Z"),  # still the last day of February where the models live
)


@pytest.mark.parametrize(
    ("where", "query"),
    [
        ("tier.behaviour = 'core'", {"term": {"tiers.behaviour": "core"}}),
        ("age_band = '35-44'", {"term": {"typed.feature.age_band.text": "35-44"}}),
        ("feature.coupons >= 3", {"range": {"typed.feature.coupons.whole": {"gte": 3}}}),
        ("basket >= money(50.00)", {"range": {"typed.feature.basket.fraction": {"gte": 5000.0}}}),
        ("last_order <= 30", {"range": {"days.behaviour.last_order": {"gte": "2026-01-29"}}}),
    ],
)
def test_a_condition_asks_the_field_that_the_index_has(where: str, query: dict[str, Any]) -> None:
    assert query_of(where, NAMES) == query


def test_a_name_of_two_schemes_needs_its_scheme() -> None:
    with pytest.raises(ConditionInvalid, match=r"Did you mean \w+\.coupons"):
        query_of("coupons > 1", NAMES)
