"""Every fault of a model, with its place. What each part is checked for in depth: the files beside this one."""

import pytest

from domain.tier_model.lint import lint, lint_text
from domain.tier_model.spec import parse_model
from tests.domain.tier_model.spec.test_parse import place_of

MODEL = """\
scheme: value
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, mid, high]
features:
  recency:   {days_since: order}
  spend:     {sum: order.amount, within: 365 days}
  city:      {latest: profile.city}
  visits:    {count: visit, where: "channel = 'app'"}
scores:
  r: {of: recency, bins: 5, best: low}
  m: {of: spend, bins: 5, cuts: [5000, 20000, 80000, 200000]}
  sum: {weighted: {r: 1, m: 2}}
rules:
  high: {enter: "r >= 4 and m >= 4", keep: "m >= 4"}
  mid:
    enter: m >= 3 or spend >= money(100.00)
policy:
  downgrade: {review: quarterly, grace: 30 days}
  warn: 7 days
labels:
  high: {en: High}
"""


def found(text: str) -> list[tuple[str, str, int | None, int | None, str]]:
    return [
        (fault.severity, fault.path, fault.line, fault.column, f"{fault.message}. {fault.remedy}")
        for fault in lint_text(text)
    ]


def test_a_good_model_has_no_faults() -> None:
    assert found(MODEL) == []
    assert lint(parse_model(MODEL)) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "at", "said"),
    [
        ("r >= 4 and m >= 4", "r >= 4 and g >= 4", "rules.high.enter", "g >= 4", "there is no g"),
        ('keep: "m >= 4"', 'keep: "m >= "', "rules.high.keep", '>= "}', "breaks off"),
        ("money(100.00)", "100", "rules.mid.enter", "spend >= 100", "bare number"),
        ("spend >= money(100.00)", "recency = 'x'", "rules.mid.enter", "recency = 'x'", "recency is integer"),
        ("channel = 'app'", "amount > 5", "features.visits.where", "amount > 5", "bare number"),
        ("channel = 'app'", "channel = null", "features.visits.where", "where", "is null"),
        ("channel = 'app'", "1 = 2", "features.visits.where", "where", "never true"),
        ("{of: recency,", "{of: recent,", "scores.r.of", "of: recent", "no feature"),
        ("{of: recency,", "{of: growth,", "scores.r.of", "of: growth", "no feature"),
        ("{latest: profile.city}", "{share: order, of: 'amount >'}", "features.city.of", ">'}", "breaks off"),
        ("{latest: profile.city}", "{trend: count order}", "features.city.trend", "trend", "no window before"),
        ("{weighted: {r: 1, m: 2}}", "{weighted: {r: 1, n: 2}}", "scores.sum.weighted.n", "n: 2", "no score"),
        ("{weighted: {r: 1, m: 2}}", "{weighted: {sum: 1}}", "scores.sum", "sum: {w", "made of itself"),
        ("  sum: {", "  spend: {", "scores.spend", "spend: {w", "name of a feature"),
        ("  visits:  ", "  coalesce:", "features.coalesce", "coalesce", "condition language"),
        ("[5000, 20000,", "[20000, 5000,", "scores.m.cuts", "cuts: [20000", "ascend"),
        ("[5000, 20000,", "[5000, 5000,", "scores.m.cuts", "cuts", "ascend"),
        ("[5000, 20000, 80000,", "[80000,", "scores.m.cuts", "cuts", "make 3 bins, not 5"),
        ("  mid:\n", "  middle:\n", "rules", "rules", "no rule for mid"),
        ("m >= 3 or spend", "true = false or null = 1 --", "rules.mid.enter", "--", "comment"),
        ("{sum: order.amount,", "{sum: order.amount, minus: refund.points,", "features.spend.minus", "minus", "unit"),
        (
            "review: quarterly, grace: 30 days}",
            "review: validity}",
            "policy.downgrade.review",
            "review: validity",
            "waits for validity to end",
        ),
    ],
)
def test_errors(old: str, new: str, path: str, at: str, said: str) -> None:
    assert old in MODEL
    text = MODEL.replace(old, new)
    errors = [fault for fault in found(text) if fault[0] == "error"]
    assert any(fault[1:4] == (path, *place_of(text, at)) and said in fault[4] for fault in errors), errors


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ("r >= 4 and m >= 4", "r >= 4 and m >= 6", "rules.high.enter", "no values that there can be"),
        ('keep: "m >= 4"', 'keep: "m >= 5"', "rules.high.keep", "stricter than enter"),
        ("  high: {en: High}", "  hihg: {en: High}", "labels.hihg", "labels nothing"),
        ("  mid:\n", "  low: m > 1\n  mid:\n", "rules.low", "lowest tier"),
        ("{review: quarterly, grace: 30 days}", "{grace: 30 days}", "policy.warn", "warns of nothing"),
        (
            "review: quarterly,",
            "review: {every: 5 months, day: 1},",
            "policy.downgrade.review.every",
            "in the months 1, 6, 11 of a year",
        ),
        (
            "downgrade: {review: quarterly, grace: 30 days}\n  warn: 7 days",
            "upgrade: at_review",
            "policy.upgrade",
            "immediate",
        ),
    ],
)
def test_warnings(old: str, new: str, path: str, said: str) -> None:
    assert old in MODEL
    (warning,) = found(MODEL.replace(old, new))
    assert (warning[0], warning[1]) == ("warning", path)
    assert said in warning[4]


@pytest.mark.parametrize(
    "downgrade", ["never", "never\n  validity: 1 year", "{review: continuous}\n  validity: 1 year"]
)
def test_without_a_calendar_every_decision_is_a_review(downgrade: str) -> None:
    """As it is decided: nobody waits for anything, so it is no error."""
    old = "downgrade: {review: quarterly, grace: 30 days}\n  warn: 7 days"
    faults = found(MODEL.replace(old, f"upgrade: at_review\n  downgrade: {downgrade}"))
    assert {fault[0] for fault in faults} == {"warning"}
    assert any(fault[1] == "policy.upgrade" and "the same as immediate" in fault[4] for fault in faults)


def test_a_tier_with_a_dot_in_its_name_has_its_place() -> None:
    text = MODEL.replace("high", '"v1.5"').replace('m >= 4", keep', 'm >= 9", keep')
    (fault,) = lint_text(text)
    assert (fault.path, fault.line, fault.column) == ("rules.v1.5.enter", *place_of(text, "enter:"))
