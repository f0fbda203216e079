"""What lint takes for granted of features holds for random models over random facts."""

import numpy as np
import pytest

from domain.tier_model.column import Type
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.lint import lint
from domain.tier_model.lint.nesting import nested_pairs
from domain.tier_model.lint.reach import feature_reach, reaches_of
from domain.tier_model.model_columns import Evaluated, ModelColumns
from domain.tier_model.spans import points_of
from domain.tier_model.spec import TierModelSpec, parse_model
from tests.domain.tier_model.lint.small_models import ladder
from tests.reference.cases import Case, make_case
from tests.reference.product import table_of


@pytest.mark.parametrize("seed", range(80))
def test_features_and_scores_stay_within_their_reach(seed: int) -> None:
    case = make_case(seed)
    for versions in case.schemes.values():
        for version in versions:
            _check(case, TierModelSpec.model_validate(version.model))


def _check(case: Case, spec: TierModelSpec) -> None:
    model = CompiledModel(spec, 1)
    columns = ModelColumns(model, table_of(case, case.until))
    subjects, instants = columns.instants(np.full(len(case.people), case.until, dtype=np.int64))
    evaluated = columns.evaluate(points_of(subjects, instants))
    reaches = reaches_of(spec, {})
    for name, column in {**evaluated.features, **evaluated.scores}.items():
        reach, there = reaches[name], column.valid
        assert reach.null or there.all(), name
        if reach.type not in (Type.scalar, Type.text):
            values = column.values[there]
            assert reach.least is None or (values >= reach.least).all(), name
            assert reach.greatest is None or (values <= reach.greatest).all(), name
            assert not reach.whole or (values == np.floor(values)).all(), name
    _check_claims(model, evaluated)
    for inner, outer in nested_pairs([*spec.features], spec):
        assert (evaluated.features[inner].values <= evaluated.features[outer].values).all(), (inner, outer)


def _check_claims(model: CompiledModel, evaluated: Evaluated) -> None:
    """A rule that nobody can meet is met by nobody; whoever meets one that is hidden meets another that comes first."""
    columns, size = {**evaluated.features, **evaluated.scores, **evaluated.outside}, len(evaluated.codes)
    met = {model.tiers[rule.rank]: rule.enter.matches(columns, size) for rule in model.rules}
    told = {fault.path.split(".")[1]: fault.message for fault in lint(model.spec) if fault.path.endswith(".enter")}
    first = [*model.tiers] if model.spec.unordered else [*reversed(model.tiers)]
    for tier, message in told.items():
        ahead = [met[other] for other in first[: first.index(tier)] if other in met]
        if message.startswith("is true for no values"):
            assert not met[tier].any(), tier
        elif message.startswith("never decides"):
            assert not (met[tier] & ~np.logical_or.reduce(ahead)).any(), tier


@pytest.mark.parametrize(
    ("inner", "outer", "nested"),
    [
        ("within: 30 days", "within: 90 days", True),
        ("within: 2 weeks", "within: 20 days", True),
        ("within: 1 month", "within: 1 year", True),
        ("within: 30 days", "within: 3 months", False),  # not looked into
        ("within: 30 days, through: yesterday", "within: 90 days", False),
        ("within: 30 days, through: yesterday", "", True),
        ("since: anniversary", "", True),
        ("within: 30 days", "through: yesterday", False),
        ("within: this month", "within: this year", False),
        ("within: 30 days, where: \"channel = 'app'\"", "within: 90 days", False),
    ],
)
def test_windows_within_windows(inner: str, outer: str, nested: bool) -> None:
    def counted(window: str) -> str:
        return f"{{count: visit{', ' if window else ''}{window}}}"

    features = f"features:\n  inner: {counted(inner)}\n  outer: {counted(outer)}\n"
    spec = parse_model(ladder('"orders > 1"').replace("features:\n", features))
    assert nested_pairs(["inner", "outer"], spec) == ([("inner", "outer")] if nested else [])


def test_sums_that_may_shrink_have_no_order() -> None:
    spec = parse_model(
        ladder('"orders > 1"').replace(
            "features:\n", "features:\n  all_net: {sum: order.amount, minus: refund.amount}\n"
        )
    )
    assert nested_pairs(["net", "all_net"], spec) == []
    assert feature_reach(spec.features["all_net"]).least is None
