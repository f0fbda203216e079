"""Growth value: what lint finds in it."""

import pytest

from tests.domain.tier_model.lint.small_models import FEATURES, HEAD, told

GROWING = (
    HEAD
    + "tiers: [base, silver, gold]\n"
    + FEATURES
    + """\
growth:
  earn:
    shopping: {points: 1, each: money(1.00), of: order_completed.amount, minus: refund.amount}
    steps:    {points: 2, each: 1000, of: visit.steps}
    visits:   {points: 5, of: visit, at_most: 5}
    reviews:  {points: 20, of: interaction, where: "type = 'review'", after: 7 days}
  deduct: {silver: 2000, gold: all}
rules:
  silver: "growth >= 2000"
  gold: "growth >= 10000"
policy: {validity: 1 year}
labels: {growth: {zh-CN: 成长值, en: Growth value}}
"""
)


def test_a_growing_model_has_no_faults() -> None:
    assert told(GROWING) == []


@pytest.mark.parametrize(
    ("old", "new", "severity", "path", "said"),
    [
        ("deduct: {silver", "deduct: {sliver", "error", "growth.deduct.sliver", "no tier of this model"),
        (
            "at_most: 5",
            "at_most: 5, minus: refund.amount",
            "error",
            "growth.earn.visits.minus",
            "takes amounts from visit",
        ),
        ("minus: refund.amount", "minus: refund.points", "error", "growth.earn.shopping.minus", "Write refund.amount"),
        (
            "minus: refund.amount}",
            "minus: refund.amount, at_most: 9}",
            "error",
            "growth.earn.shopping.at_most",
            "minus",
        ),
        ("each: money(1.00), ", "", "error", "growth.earn.shopping", "Add each: money(1.00)"),
        ("each: money(1.00)", "each: 100", "error", "growth.earn.shopping.each", "bare number beside money"),
        ("each: money(1.00)", "each: money(0.00)", "error", "growth.earn.shopping.each", "cannot divide"),
        ("each: money(1.00)", "each: money(1.005)", "error", "growth.earn.shopping.each", "more decimals than CNY"),
        ("each: 1000", "each: money(10.00)", "error", "growth.earn.steps.each", "is money, and visit.steps is none"),
        ("of: visit, at", "of: visit, each: 3, at", "error", "growth.earn.visits.each", "divides nothing"),
        ("type = 'review'", "type = ", "error", "growth.earn.reviews.where", "breaks off"),
        ("type = 'review'", "type = 'a' and type = 'b'", "warning", "growth.earn.reviews.where", "no values"),
        ("policy: {validity: 1 year}", "policy: {}", "warning", "growth.deduct", "never settled"),
        ("  orders: {", "  growth: {", "error", "features.growth", "the name of the growth value"),
        (
            "rules:",
            "scores: {growth: {of: orders, cuts: [3]}}\nrules:",
            "error",
            "scores.growth",
            "the name of the growth",
        ),
        (
            'silver: "growth >= 2000"',
            'silver: "growth >= money(2000.00)"',
            "error",
            "rules.silver.enter",
            "bare number",
        ),
        ('gold: "growth >= 10000"', 'gold: "growth >= 1000"', "warning", "rules.gold.enter", "asks less of growth"),
    ],
)
def test_faults_of_growth(old: str, new: str, severity: str, path: str, said: str) -> None:
    assert old in GROWING
    faults = [fault for fault in told(GROWING.replace(old, new)) if fault[:2] == (severity, path)]
    assert len(faults) == 1 and said in faults[0][2], told(GROWING.replace(old, new))


def test_growth_that_nothing_reads() -> None:
    text = GROWING.replace("growth >= 10000", "orders >= 9").replace("growth >= 2000", "orders >= 3")
    assert [(severity, path) for severity, path, _ in told(text)] == [("warning", "growth")]
    scored = text.replace("rules:", "scores: {g: {of: growth, cuts: [2000]}}\nrules:")
    assert told(scored) == []


def test_classes_do_not_grow() -> None:
    text = GROWING.replace("tiers:", "unordered: true\ndefault: base\ntiers:").replace(
        "policy: {validity: 1 year}\n", ""
    )
    assert ("error", "growth") in [fault[:2] for fault in told(text)]


def test_growth_needs_a_block() -> None:
    text = "".join(
        line for line in GROWING.splitlines(keepends=True) if not line.startswith(("growth", "  earn", "    "))
    )
    text = text.replace("  deduct: {silver: 2000, gold: all}\n", "")
    messages = [text for severity, path, text in told(text) if path == "rules.silver.enter"]
    assert len(messages) == 1 and "there is no growth" in messages[0]
