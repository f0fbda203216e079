"""What a version would leave without a meaning is named, by lint and by previews."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from application.segments.define_segment import DefineSegment
from application.tier_models.dependents import Broken
from application.tier_models.lint_tier_model import LintTierModel
from domain.segments.aggregate import Segment
from domain.segments.definition import SegmentSpec
from domain.tier_model.spec import TierModelSpec
from infrastructure.definitions.store import PostgresDefinitions
from infrastructure.event_store.application import Ledger
from infrastructure.queries.segments import SearchSegment
from infrastructure.tier_models.dependents import PostgresDependents
from tests.support.benefits import COUPON, put_in_force
from tests.support.strategies import MODEL, StrategySystem
from tests.support.tags import RuleTags

OTHER: dict[str, Any] = {
    **MODEL,
    "tiers": ["low", "mid", "top"],
    "features": {"spend": MODEL["features"]["spend"]},  # type: ignore[index]
    "rules": {"top": "spend >= money(100.00)", "mid": "spend >= money(10.00)"},
}


@pytest.fixture
def system(database: str) -> Iterator[StrategySystem]:
    """Everything that reads the model, each also in a way that the other model leaves as it is."""
    put_in_force(database, {**COUPON, "entitlement": {"value": ["high"]}})
    put_in_force(database, {**COUPON, "benefit": "small", "entitlement": {"value": ["mid"]}})
    with StrategySystem(database) as system:
        system.activate(MODEL)
        system.start(where="recency < 10", trigger={"by": "hand"})
        system.start(strategy="plain", where="spend > money(1.00)", trigger={"by": "hand"})
        system.start(strategy="entering")
        search = SearchSegment(system.pool, cast(Any, None))
        segments = PostgresDefinitions(system.pool, Ledger(system.pool, system.keyring), Segment)
        define = DefineSegment(segments, search)
        define("sleepers", SegmentSpec("crm", "long gone", "recency > 30"), "test")
        define("spenders", SegmentSpec("crm", "spend", "spend > money(1.00)"), "test")
        tags = RuleTags(system)
        tags.rule("fresh", "recency < 3")
        tags.rule("rich", "spend >= money(99.00)")
        yield system


def test_each_is_named_with_its_place(system: StrategySystem) -> None:
    broken = PostgresDependents(system.pool).broken_by(TierModelSpec.model_validate(OTHER))
    assert [(one.kind, one.name, one.path) for one in broken] == [
        ("strategy", "entering", "trigger"),
        ("strategy", "welcome", "where"),
        ("segment", "sleepers", "where"),
        ("tag", "fresh", "rule"),
        ("benefit", "coupon-10", "entitlement.value"),
    ]
    assert "recency" in broken[1].error
    assert broken[-1] == Broken("benefit", "coupon-10", "entitlement.value", "no tier high in force")


def test_what_cannot_be_read_already_is_not_named_again(system: StrategySystem) -> None:
    dependents = PostgresDependents(system.pool)
    assert dependents.broken_by(TierModelSpec.model_validate(MODEL)) == []
    system.activate({**MODEL, "features": OTHER["features"]})
    assert {one.name for one in dependents.broken_by(TierModelSpec.model_validate(OTHER))} == {"entering", "coupon-10"}


def test_lint_warns(system: StrategySystem) -> None:
    lint = LintTierModel(system.models, PostgresDependents(system.pool))
    told = [(fault.severity, fault.value, fault.message) for fault in lint(json.dumps(OTHER))]
    severity, name, message = told[1]
    assert (severity, name) == ("warning", "welcome")
    assert message.startswith("leaves strategy welcome without a meaning: where: ")
    assert len(told) == 5
    assert [fault.message for fault in lint(json.dumps(MODEL))] == []
