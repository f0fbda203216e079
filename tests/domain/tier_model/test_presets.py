"""The shipped presets: good models, and the map of eleven segments against the published ranges."""

from itertools import product

import pytest

from domain.tier_model.compiled import CompiledModel
from domain.tier_model.lint import lint, lint_text
from domain.tier_model.presets import PRESETS, PresetUnknown, model_text
from domain.tier_model.spec import CutScore, ModelInvalid, TierModelSpec, parse_model, with_cuts

CUTS = {"r": [3, 8, 20, 60], "f": [2, 5, 9, 16], "m": [100, 200, 300, 400], "mean": [20.5]}
GRID = list(product(range(1, 6), repeat=3))

# putler.com/rfm-analysis: the least and greatest R, and the least and greatest mean of F and M, of each segment.
PUBLISHED = {
    "champions": (4, 5, 4, 5),
    "loyal": (2, 5, 3, 5),
    "potential_loyalists": (3, 5, 1, 3),
    "new_customers": (4, 5, 0, 1),
    "promising": (3, 4, 0, 1),
    "need_attention": (2, 3, 2, 3),
    "about_to_sleep": (2, 3, 0, 2),
    "at_risk": (0, 2, 2, 5),
    "cannot_lose": (0, 1, 4, 5),
    "hibernating": (1, 2, 1, 2),
    "lost": (0, 2, 0, 2),
}


def fitted(name: str) -> TierModelSpec:
    spec = parse_model(model_text(name))
    open_scores = {score: spec.scores[score] for score in spec.needs_fitting}
    cuts = {
        score: CUTS["mean" if isinstance(plan, CutScore) and plan.fit == "mean" else score]
        for score, plan in open_scores.items()
    }
    return with_cuts(spec, cuts, 0, "")


def entered(spec: TierModelSpec, **scores: int | None) -> list[str]:
    model = CompiledModel(spec, 1)
    return [spec.tiers[rule.rank] for rule in model.rules if rule.enter.holds(scores) is True]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_no_faults_and_every_name_in_two_languages(name: str) -> None:
    text = model_text(name, scheme="value", currency="USD", time_zone="America/New_York")
    assert lint_text(text) == []
    assert lint(fitted(name)) == []
    spec = parse_model(text)
    assert (spec.scheme, spec.currency, spec.time_zone) == ("value", "USD", "America/New_York")
    named = {label for label, text_ in spec.labels.items() if text_.zh_cn and text_.en}
    assert named == {spec.scheme, *spec.tiers, *spec.features, *spec.scores}


def test_the_eleven_segments_cover_each_of_the_125_cells_once() -> None:
    spec = fitted("rfm-eleven")
    segments = {cell: entered(spec, r=cell[0], f=cell[1], m=cell[2]) for cell in GRID}
    assert all(len(found) == 1 for found in segments.values())
    assert {found[0] for found in segments.values()} == set(PUBLISHED) == set(spec.tiers) - {"no_order"}
    for (r, f, m), (segment,) in segments.items():
        least_r, greatest_r, least, greatest = PUBLISHED[segment]
        assert least_r <= r <= greatest_r and least <= (f + m) // 2 <= greatest, (r, f, m, segment)
    assert entered(spec, r=None, f=1, m=1) == [] and spec.default == "no_order"


@pytest.mark.parametrize(("name", "high"), [("rfm-eight-quantile", 4), ("rfm-eight-mean", 2)])
def test_the_eight_cells_are_named_as_the_field_names_them(name: str, high: int) -> None:
    spec = fitted(name)
    cells = {
        (1, 1, 1): "重要价值客户",
        (1, 0, 1): "重要发展客户",
        (0, 1, 1): "重要保持客户",
        (0, 0, 1): "重要挽留客户",
        (1, 1, 0): "一般价值客户",
        (1, 0, 0): "一般发展客户",
        (0, 1, 0): "一般保持客户",
        (0, 0, 0): "一般挽留客户",
    }
    for cell, label in cells.items():
        scores = {score: high if is_high else high - 1 for score, is_high in zip("rfm", cell, strict=True)}
        (tier,) = entered(spec, **scores) or [spec.default]
        assert tier is not None and spec.labels[tier].zh_cn == label


def test_the_scorecard_reaches_every_tier_from_its_least_to_its_greatest_total() -> None:
    spec = fitted("rfm-score")
    assert entered(spec, total=10) == [] and entered(spec, total=50) == ["silver", "gold", "diamond"]


def test_what_cannot_be_put_in_is_refused_with_its_place() -> None:
    with pytest.raises(PresetUnknown, match="rfm-nine"):
        model_text("rfm-nine")
    with pytest.raises(ModelInvalid) as caught:
        model_text("rfm-score", currency="yuan", time_zone="Mars/Olympus")
    assert [complaint.field for complaint in caught.value.complaints] == ["time_zone", "currency"]
