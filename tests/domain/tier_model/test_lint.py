"""Every fault of a model, with its place."""

import pytest

from domain.tier_model.lint import lint, lint_text
from domain.tier_model.spec import parse_model, with_cuts
from domain.tier_model.unsupported import unsupported
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
        (
            "{latest: profile.city}",
            "{top: profile.city, since: standing}",
            "features.city.since",
            "since: standing",
            "not available",
        ),
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
            "downgrade: {review: quarterly, grace: 30 days}",
            "downgrade: never\n  upgrade: at_review",
            "policy.upgrade",
            "upgrade",
            "none",
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
        ("r >= 4 and m >= 4", "r >= 4 and m >= 6", "rules.high.enter", "no scores that there can be"),
        ('keep: "m >= 4"', 'keep: "m >= 5"', "rules.high.keep", "stricter than enter"),
        ("  high: {en: High}", "  hihg: {en: High}", "labels.hihg", "labels nothing"),
        ("  mid:\n", "  low: m > 1\n  mid:\n", "rules.low", "lowest tier"),
        ("{review: quarterly, grace: 30 days}", "{grace: 30 days}", "policy.warn", "warns of nothing"),
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


def test_folded_cuts_are_told() -> None:
    fitted = with_cuts(parse_model(MODEL), {"r": [3, 9]}, 0, "")
    told = {fault.path: fault for fault in lint(fitted)}
    assert set(told) == {"scores.r.cuts", "rules.high.enter"}  # and what no user reaches any more
    assert told["scores.r.cuts"].severity == "warning"
    assert "folded" in told["scores.r.cuts"].message
    assert [fault.path for fault in lint(with_cuts(parse_model(MODEL), {"r": [3, 4, 5, 6]}, 0, ""))] == []


CLASSES = """\
scheme: cells
dimension: value
time_zone: UTC
currency: USD
unordered: true
tiers: [best, good, rest]
default: rest
features: {n: {count: order}, d: {days_since: order}}
scores: {f: {of: n, cuts: [1, 3]}, r: {of: d, best: low, cuts: [7, 30]}}
rules:
  best: "r = 3 and f = 3"
  good: "r >= 2 and f >= 2"
  rest: "r < 2"
"""


def test_score_cells_in_no_class_or_in_several_are_told() -> None:
    uncovered, overlapping = lint_text(CLASSES)
    assert uncovered.message == "leaves 2 of 9 score cells to no rule, such as f 1, r 2"
    assert overlapping.message == "gives 1 of 9 score cells to several tiers, such as f 3, r 3"
    tidy = CLASSES.replace('"r >= 2 and f >= 2"', '"r >= 2 and f >= 2 and not (r = 3 and f = 3)"')
    assert lint_text(tidy.replace('"r < 2"', '"r < 2 or f < 2"')) == []
    assert lint_text(tidy.replace('  rest: "r < 2"\n', "")) == []


def test_classes_have_no_ladder_to_climb() -> None:
    text = CLASSES + "policy: {upgrade: immediate, downgrade: {grace: 3 days}, minimum_stay: 3 days}\n"
    assert {fault.path for fault in lint_text(text)} >= {"policy.upgrade", "policy.downgrade"}
    assert "policy.minimum_stay" not in {fault.path for fault in lint_text(text)}
    kept = lint_text(CLASSES.replace('best: "r = 3 and f = 3"', 'best: {enter: "r = 3 and f = 3", keep: "f = 3"}'))
    assert "rules.best.keep" in {fault.path for fault in kept}


@pytest.mark.parametrize(
    ("old", "new", "path", "what"),
    [
        ("{days_since: order}", "{days_since: order, since: standing}", "features.recency.since", "since standing"),
        ("tiers: [", "per: merchant_id\ntiers: [", "per", "per merchant"),
        ("tiers: [", "growth: {}\ntiers: [", "growth", "growth"),
        ('"m >= 4"}', "\"m >= 4 and tag('vip')\"}", "rules.high.keep", "tag('vip')"),
        ("m >= 3 or", "tier.behaviour = 'core' or", "rules.mid.enter", "tier.behaviour"),
    ],
)
def test_what_this_release_does_not_evaluate_is_refused_clearly(old: str, new: str, path: str, what: str) -> None:
    assert old in MODEL
    text = MODEL.replace(old, new)
    (fault,) = unsupported(parse_model(text))
    assert (fault.path, fault.severity) == (path, "error")
    assert what in fault.message and "not available in this release" in fault.remedy
    assert fault.path in [each.path for each in lint_text(text)]
