"""Kinds of facts that are not there, wherever a model reads them."""

import pytest

from domain.tier_model.lint import lint
from domain.tier_model.spec import read_model

HEAD = "scheme: s\ndimension: value\ntime_zone: UTC\ncurrency: USD\ntiers: [a, b]\nrules: {b: 'x >= 1'}\n"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("features: {x: {count: oder}}", ["features.x"]),
        ("features: {x: {sum: order.n, minus: badge.n}}", ["features.x"]),
        ("features: {x: {share: badge, of: 'true'}}", ["features.x"]),
        ("features: {x: {count: order}}\ngrowth: {earn: {y: {points: 1, of: badge.n}}}", ["growth.earn.y.of"]),
        (
            "features: {x: {count: order}}\n"
            "scores: {z: {learned: [x], predict: {sum: oder.amount, minus: refnd.amount}, horizon: 30 days}}",
            ["scores.z.predict", "scores.z.predict"],
        ),
        ("features: {x: {count: order}}", []),
    ],
)
def test_what_reads_an_unknown_kind_is_told_where_it_stands(body: str, told: list[str]) -> None:
    spec, source = read_model(HEAD + body)
    known = {"order", "refund"}
    found = [fault for fault in lint(spec, source, kinds=known) if "no such kind" in fault.message]
    assert [fault.path for fault in found] == told
    assert all(fault.severity == "warning" and fault.line for fault in found)
    assert not [fault for fault in lint(spec, source) if "no such kind" in fault.message], "nobody knows the kinds"
