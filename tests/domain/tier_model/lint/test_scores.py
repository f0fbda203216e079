"""Cuts that cannot cut, or hardly."""

import pytest

from domain.tier_model.lint import lint
from domain.tier_model.spec import parse_model, with_cuts
from tests.domain.tier_model.lint.small_models import ladder, told
from tests.domain.tier_model.lint.test_lint import MODEL


def scored(of: str, cuts: str) -> str:
    return ladder('"s >= 2"', rest=f"scores:\n  s: {{of: {of}, cuts: {cuts}}}\n")


def test_folded_cuts_are_told() -> None:
    fitted = with_cuts(parse_model(MODEL), {"r": [3, 9]}, 0, "")
    faults = {fault.path: fault for fault in lint(fitted)}
    assert set(faults) == {"scores.r.cuts", "rules.high.enter"}  # and what no user reaches any more
    assert faults["scores.r.cuts"].severity == "warning"
    assert "folded" in faults["scores.r.cuts"].message
    assert [fault.path for fault in lint(with_cuts(parse_model(MODEL), {"r": [3, 4, 5, 6]}, 0, ""))] == []


@pytest.mark.parametrize(
    ("of", "cuts", "path", "said"),
    [
        ("orders", "[-3, 5]", "scores.s.cuts", "leaves bin 1 empty: orders is a whole number, 0 or more"),
        ("recency", "[-1]", "scores.s.cuts", "leaves bin 1 empty"),
        ("coupons", "[0.5, 1.0]", "scores.s.cuts", "leaves bin 3 empty: coupons is from 0 to 1"),
        ("coupons", "[-0.5]", "scores.s.cuts", "leaves bin 1 empty"),
        ("spend", "[-100, 5000]", "scores.s.cuts", "leaves bin 1 empty: spend is an amount, never negative"),
        ("orders", "[1, 2.5]", "scores.s.cuts.1", "Write 2: a value equal to a cut belongs to the lower bin"),
        ("spend", "[50.00]", "scores.s.cuts.0", "Write 5000 for 50.0 CNY"),
        ("net", "[50.5]", "scores.s.cuts.0", "Write 5050 for 50.5 CNY"),
    ],
)
def test_cuts_that_nobody_lies_on_one_side_of(of: str, cuts: str, path: str, said: str) -> None:
    (fault,) = told(scored(of, cuts))
    assert fault[:2] == ("warning", path)
    assert said in fault[2]


@pytest.mark.parametrize(
    ("of", "cuts"),
    [
        ("orders", "[0, 5]"),
        ("net", "[-100, 5000]"),
        ("basket", "[10.5, 20.5]"),
        ("coupons", "[0, 0.5]"),
        ("city", "[1.5]"),
    ],
)
def test_cuts_that_part_users(of: str, cuts: str) -> None:
    assert told(scored(of, cuts)) == []


def test_two_cuts_between_the_same_whole_numbers_leave_a_bin_empty() -> None:
    messages = [text for _, _, text in told(scored("orders", "[1.25, 1.5]"))]
    assert any("leaves bin 2 empty" in text for text in messages)


def test_a_cut_has_its_place_in_the_list() -> None:
    from domain.tier_model.lint import lint_text

    text = scored("orders", "[1, 2.5]")
    (fault,) = lint_text(text)
    line = text.splitlines().index("  s: {of: orders, cuts: [1, 2.5]}") + 1
    assert (fault.line, fault.column) == (line, "  s: {of: orders, cuts: [1, 2.5]}".index("2.5") + 1)


def test_fitted_cuts_may_lie_anywhere() -> None:
    spec = parse_model(ladder('"s >= 2"', rest="scores:\n  s: {of: orders, bins: 2}\n"))
    assert lint(with_cuts(spec, {"s": [2.5]}, 0, "")) == []  # the mean of whole numbers
