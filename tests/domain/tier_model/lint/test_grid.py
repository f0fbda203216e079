"""Rules over scores alone, cell by cell."""

from itertools import product

import pytest

from domain.tier_model.lint import lint_text
from tests.domain.tier_model.lint.small_models import told

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

# (least and most of R, of F, of M) for each segment: the example of rfm_segment() in the manual of the R package rfm,
# versions 0.2.0 and 0.2.2: https://www.rdocumentation.org/packages/rfm/versions/0.2.0/topics/rfm_segment
PUBLISHED = {
    "Champions": ((4, 5), (4, 5), (4, 5)),
    "Loyal Customers": ((2, 5), (3, 5), (3, 5)),
    "Potential Loyalist": ((3, 5), (1, 3), (1, 3)),
    "New Customers": ((4, 5), (1, 1), (1, 1)),
    "Promising": ((3, 4), (1, 1), (1, 1)),
    "Need Attention": ((2, 3), (2, 3), (2, 3)),
    "About To Sleep": ((2, 3), (1, 2), (1, 2)),
    "At Risk": ((1, 2), (2, 5), (2, 5)),
    "Cannot Lose Them": ((1, 1), (4, 5), (4, 5)),
    "Lost": ((1, 2), (1, 2), (1, 2)),
}


def published() -> str:
    names = list(PUBLISHED)
    rules = "".join(
        f'  {name}: "r between {r[0]} and {r[1]} and f between {f[0]} and {f[1]} and m between {m[0]} and {m[1]}"\n'
        for name, (r, f, m) in PUBLISHED.items()
    )
    return (
        "scheme: segments\ndimension: value\ntime_zone: UTC\ncurrency: USD\nunordered: true\n"
        f"tiers: [{', '.join([*names, 'Others'])}]\ndefault: Others\n"
        "features: {d: {days_since: order}, n: {count: order}, s: {sum: order.amount}}\n"
        "scores: {r: {of: d, bins: 5, best: low}, f: {of: n, bins: 5}, m: {of: s, bins: 5}}\n"
        f"rules:\n{rules}"
    )


def test_score_cells_in_no_class_or_in_several_are_told() -> None:
    uncovered, overlapping = lint_text(CLASSES)
    assert uncovered.message == "leaves 2 of 9 score cells to no rule, such as f 1, r 2"
    assert overlapping.message == "gives 1 of 9 score cells to several tiers, such as f 3, r 3"
    tidy = CLASSES.replace('"r >= 2 and f >= 2"', '"r >= 2 and f >= 2 and not (r = 3 and f = 3)"')
    assert lint_text(tidy.replace('"r < 2"', '"r < 2 or f < 2"')) == []
    assert lint_text(tidy.replace('  rest: "r < 2"\n', "")) == []


def test_a_published_map_of_segments_leaves_36_of_125_cells_uncovered_and_39_overlapping() -> None:
    times = [
        sum(
            all(low <= value <= high for value, (low, high) in zip(cell, box, strict=True))
            for box in PUBLISHED.values()
        )
        for cell in product(range(1, 6), repeat=3)
    ]
    assert (times.count(0), sum(count > 1 for count in times)) == (36, 39)  # counted apart from lint
    overlapping = [text for severity, path, text in told(published()) if path == "rules"]
    assert [text.split(",")[0] for text in overlapping] == ["gives 39 of 125 score cells to several tiers"]
    # The rest falls to Others without a rule. Once Others has one, it is told that the map leaves cells to nobody.
    messages = [text for _, path, text in told(published() + '  Others: "r > 5"\n') if path == "rules"]
    assert [text.split(",")[0] for text in messages] == [
        "leaves 36 of 125 score cells to no rule",
        "gives 39 of 125 score cells to several tiers",
    ]


def test_segments_that_others_before_them_hide_are_told_of_the_published_map() -> None:
    hidden = {path for _, path, text in told(published()) if "never decides" in text}
    assert hidden == {"rules.New Customers.enter", "rules.Promising.enter", "rules.Cannot Lose Them.enter"}


def test_classes_have_no_ladder_to_climb() -> None:
    text = CLASSES + "policy: {upgrade: immediate, downgrade: {grace: 3 days}, minimum_stay: 3 days}\n"
    assert {fault.path for fault in lint_text(text)} >= {"policy.upgrade", "policy.downgrade"}
    assert "policy.minimum_stay" not in {fault.path for fault in lint_text(text)}
    kept = lint_text(CLASSES.replace('best: "r = 3 and f = 3"', 'best: {enter: "r = 3 and f = 3", keep: "f = 3"}'))
    assert "rules.best.keep" in {fault.path for fault in kept}


LADDER = """\
scheme: ladder
dimension: value
time_zone: UTC
currency: USD
tiers: [low, mid, high]
features: {n: {count: order}, d: {days_since: order}}
scores:
  f: {of: n, bins: 3}
  r: {of: d, bins: 3, best: low}
  card: {weighted: {f: 2, r: 1}}
rules:
  mid: "f >= 2 and r >= 2"
  high: "f = 3 and r = 3"
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "f = 3 and r = 3",
            "f = 3 and r < 3",
            "fall as r rises, in 1 score cells: f 3, r 2 is high, with r 3 it is mid",
        ),
        ("f >= 2 and r >= 2", "f = 2", "fall as f rises, in 2 score cells: f 2, r 1 is mid, with f 3 it is low"),
        ("f = 3 and r = 3", "card = 8", "fall as r rises, in 1 score cells: f 3, r 2 is high, with r 3 it is mid"),
    ],
)
def test_a_better_score_that_leads_further_down_is_told(old: str, new: str, said: str) -> None:
    assert told(LADDER) == []
    ((severity, path, text),) = told(LADDER.replace(old, new))
    assert (severity, path.split(".")[0]) == ("warning", "rules")
    assert said in text


def test_a_weighted_score_can_be_only_what_its_parts_add_up_to() -> None:
    assert told(LADDER.replace("f = 3 and r = 3", "card = 9")) == []
    ((_, path, text),) = told(LADDER.replace("f = 3 and r = 3", "card > 9"))
    assert path == "rules.high.enter" and "no values that there can be" in text
