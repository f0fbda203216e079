"""Learned scores, and what a file says was fitted."""

import json

import pytest

from domain.tier_model.lint import lint
from domain.tier_model.spec import TierModelSpec, canonical_json, parse_model, with_cuts
from tests.domain.tier_model.lint.small_models import ladder, told

LEARNED = ladder(
    '"worth >= 5 and w = 2"',
    rest="""\
scores:
  worth: {learned: [orders, recency], predict: {sum: order.amount, minus: refund.amount}, horizon: 30 days}
  w: {of: worth, bins: 2}
  o: {of: orders, bins: 2}
""",
)


def test_a_learned_score_has_no_faults() -> None:
    assert told(LEARNED) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("[orders, recency]", "[orders, age]", "scores.worth.learned.1", "no feature"),
        ("[orders, recency]", "[orders, interest]", "scores.worth.learned.1", "is text"),
        ("[orders, recency]", "[orders, o]", "scores.worth.learned.1", "no feature"),
        ("minus: refund.amount}", "minus: refund.points}", "scores.worth.predict.minus", "another unit"),
        ("minus: refund.amount}", "where: amount > 5}", "scores.worth.predict.where", "bare number"),
        (
            "recency: {days_since: order",
            "recency: {days_since: order, since: standing",
            "scores.worth.learned.1",
            "nobody",
        ),
        ("  o: {of", "  p: {weighted: {worth: 1}}\n  o: {of", "scores.p.weighted.worth", "cannot be weighed"),
    ],
)
def test_faults_of_learned_scores(old: str, new: str, path: str, said: str) -> None:
    ((severity, found, text),) = told(LEARNED.replace(old, new, 1))
    assert (severity, found) == ("error", path) and said in text


def fitted() -> TierModelSpec:
    spec = parse_model(LEARNED)
    return with_cuts(spec, {"o": [3], "w": [5.5]}, 0, "", {"o": [4, 6], "w": [5, 5]})


def test_what_was_fitted_must_be_of_the_scores_that_there_are() -> None:
    assert lint(fitted()) == []
    data = json.loads(canonical_json(fitted()))
    for change, path in (
        ({"scores": ["o", "p"]}, "fitted.scores"),
        ({"baseline": {"o": [4, 6, 1]}}, "fitted.baseline.o"),
        ({"baseline": {"worth": [4, 6]}}, "fitted.baseline.worth"),
    ):
        spec = parse_model(json.dumps({**data, "fitted": {**data["fitted"], **change}}))
        assert [(fault.severity, fault.path) for fault in lint(spec)] == [("error", path)]
