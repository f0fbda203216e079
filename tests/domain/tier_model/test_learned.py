"""Learned scores: trees as plain numbers, equal to the library that trained them, and their deadlines."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.facts.fact import Fact
from domain.facts.table import RecordedFact, table_from_facts
from domain.tier_model.column import Type, column_of
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.learned import Forest, LearnedColumn, input_matrix
from domain.tier_model.learned_training import Sample, quality_of
from domain.tier_model.model_columns import ModelColumns
from domain.tier_model.spec import (
    LearnedInput,
    LearnedModel,
    Quality,
    TierModelSpec,
    Tree,
    Validation,
    canonical_json,
    parse_model,
    trees_hash,
    with_cuts,
)

DAY = 86_400_000_000
NONE = Quality(spearman=None, gini=None)
# recency <= 2.5: 10; else spend <= 500: 20, else 30. And 1 less where recency is null.
TREE = Tree(feature=(0, 1), threshold=(2.5, 500.0), left=(-1, -2), right=(1, -3), value=(10.0, 20.0, 30.0))
NULL_TREE = Tree(feature=(2,), threshold=(0.5,), left=(-1,), right=(-2,), value=(0.0, -1.0))
MODEL = """
scheme: future_value
dimension: value
time_zone: UTC
currency: CNY
tiers: [low, high]
features:
  recency: {days_since: order}
  spend: {sum: order.amount}
scores:
  future: {learned: [recency, spend], predict: {sum: order.amount, minus: refund.amount}, horizon: 90 days}
  f2: {of: future, bins: 2, cuts: fitted}
rules:
  high: "f2 = 2"
"""


def trained(*trees: Tree, base: float = 100.0) -> LearnedModel:
    inputs = (LearnedInput(name="recency", null=1.0), LearnedInput(name="spend", null=0.0))
    return LearnedModel(
        learner="gradient-boosting",
        inputs=inputs,
        base=base,
        trees=trees,
        sha256=trees_hash(inputs, base, trees),
        trained_at=0,
        subjects=200,
        validation=Validation(subjects=200, model=NONE, plain=NONE),
    )


def fitted() -> TierModelSpec:
    return with_cuts(parse_model(MODEL), {"f2": [115.0]}, 0, "", {"f2": [1, 1]}, {"future": trained(TREE, NULL_TREE)})


def test_a_row_falls_to_one_leaf_of_every_tree() -> None:
    features = {
        "recency": column_of([2, 3, 3, None], Type.integer),
        "spend": column_of([900, 500, 501, 900], Type.money),
    }
    found = LearnedColumn(trained(TREE, NULL_TREE)).values(features, 4)
    assert found.valid.all() and found.values.tolist() == [110.0, 120.0, 130.0, 109.0]
    assert LearnedColumn(trained()).values(features, 4).values.tolist() == [100.0] * 4


def test_what_is_no_number_is_null_to_a_tree() -> None:
    features = {"recency": column_of(["x", True, 3.0, None], Type.scalar), "spend": column_of([0] * 4, Type.money)}
    assert LearnedColumn(trained(NULL_TREE)).values(features, 4).values.tolist() == [99.0, 99.0, 100.0, 99.0]


def test_a_fitted_model_reads_back_as_it_was() -> None:
    spec = fitted()
    assert parse_model(canonical_json(spec)) == spec
    assert TierModelSpec.model_validate(json.loads(canonical_json(spec))) == spec
    assert parse_model(MODEL).needs_fitting == ("future", "f2") and spec.needs_fitting == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"base": 101.0}, "sha256"),
        ({"sha256": "0" * 64}, "sha256"),
        ({"trees": [TREE.model_dump() | {"feature": [0, 4]}]}, "input"),
        ({"trees": [TREE.model_dump() | {"right": [0, -3]}]}, "no tree"),
        ({"trees": [TREE.model_dump() | {"right": [-1, -3]}]}, "no tree"),
        ({"trees": [TREE.model_dump() | {"value": [1.0]}]}, "no tree"),
        ({"trees": [TREE.model_dump() | {"threshold": [1.0, float("nan")]}]}, "finite"),
        ({"trees": [Tree(feature=(), threshold=(), left=(), right=(), value=(1.0,)).model_dump()] * 201}, "200"),
    ],
)
def test_what_training_did_not_write_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        LearnedModel.model_validate(trained(TREE).model_dump() | changes)


def test_a_learned_score_crosses_where_its_trees_do() -> None:
    plans = {plan.name: plan for plan in CompiledModel(fitted(), 1).features}
    assert plans["recency"].crossings == (3,)  # 2.5 lies between 2 and 3 days


def test_time_alone_moves_a_learned_score() -> None:
    """Of all midnights only the third after the order changes the bin, and it is among the instants."""
    occurred = 10 * DAY + 5
    fact = Fact("f", "u", "order", occurred, amount=900, currency="CNY")
    table = table_from_facts([RecordedFact(0, fact, 1, occurred)])
    columns = ModelColumns(CompiledModel(fitted(), 1), table)
    _, instants = columns.instants(np.array([40 * DAY]))
    assert sorted(set(instants.tolist())) == [occurred, 13 * DAY]


sizes = st.integers(60, 200)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), rows=sizes, inputs=st.integers(1, 4))
def test_predictions_are_those_of_the_library(seed: int, rows: int, inputs: int) -> None:
    """On inputs that float32 holds exactly: the library rounds to it, these trees do not."""
    ensemble = pytest.importorskip("sklearn.ensemble")
    from infrastructure.learning.gradient_boosting import GradientBoosting

    random = np.random.default_rng(seed)
    columns = random.integers(-50, 50, (inputs, rows)) / random.choice([1, 2, 8])
    target = (columns[0] * 100 + random.gamma(1, 500, rows)).round()
    base, trees = GradientBoosting().train(columns, target)
    settings_ = {"n_estimators": 100, "learning_rate": 0.1, "max_leaf_nodes": 8, "min_samples_leaf": 20}
    reference = ensemble.GradientBoostingRegressor(**settings_, max_depth=None, random_state=0)
    reference.fit(columns.T, target)
    asked = np.concatenate([columns, random.integers(-60, 60, (inputs, 300)) / 4], axis=1)
    np.testing.assert_allclose(Forest(base, trees, inputs).predict(asked), reference.predict(asked.T), rtol=1e-12)


def test_training_follows_from_the_values_and_not_from_their_order() -> None:
    pytest.importorskip("sklearn")
    from infrastructure.learning.gradient_boosting import GradientBoosting

    random = np.random.default_rng(7)
    recency = column_of([None if age > 90 else int(age) for age in random.integers(0, 100, 3_000)], Type.number)
    spend = column_of(random.gamma(1, 9_999, 3_000).round().tolist(), Type.number)
    after = (spend.values / 2 + random.gamma(1, 500, 3_000)).round()
    one = Sample([recency, spend], after, spend.values)
    shuffled = random.permutation(3_000)
    other = Sample(
        [type(c)(c.values[shuffled], c.valid[shuffled]) for c in one.inputs], after[shuffled], one.before[shuffled]
    )
    hashes = set()
    for sample in (one.ordered, other.ordered):
        nulls = sample.nulls()
        base, trees = GradientBoosting().train(sample.matrix(nulls), sample.after)
        names = tuple(LearnedInput(name=n, null=null) for n, null in zip(("recency", "spend"), nulls, strict=True))
        hashes.add(trees_hash(names, base, trees))
        assert len(json.dumps([tree.model_dump() for tree in trees])) < 100_000
    assert len(hashes) == 1


def test_null_is_replaced_by_the_lower_median_and_flagged() -> None:
    columns = [column_of([4.0, None, 1.0, 2.0, 3.0], Type.number), column_of([None] * 5, Type.number)]
    sample = Sample(columns, np.zeros(5), np.zeros(5))
    assert sample.nulls() == [2.0, 0.0]
    assert input_matrix(columns, [2.0, 0.0], 5).tolist() == [[4, 2, 1, 2, 3], [0] * 5, [0, 1, 0, 0, 0], [1] * 5]


def test_quality_by_hand() -> None:
    actual = np.array([0.0, 10.0, 20.0, 70.0])
    assert quality_of(actual * 3, actual) == Quality(spearman=1.0, gini=1.0)
    assert quality_of(-actual, actual) == Quality(spearman=-1.0, gini=-1.0)
    # Ranks 1 2 4 3 against 1 2 3 4: 1 - 6 x 2 / (4 x 15); 0x-1.5 + 10x-.5 + 20x1.5 + 70x.5 of 0 - 5 + 10 + 105.
    assert quality_of(np.array([1.0, 2, 4, 3]), actual) == Quality(spearman=0.8, gini=round(60 / 110, 4))
    assert quality_of(np.array([5.0] * 4), actual) == NONE
    # Whoever ties shares a rank: nothing is told apart, nothing is lost.
    assert quality_of(np.array([1.0, 1, 2, 2]), actual).spearman == pytest.approx(0.8944)
