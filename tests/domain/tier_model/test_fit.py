"""Cuts and scores."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tier_model.column import Column, Type, column_of
from domain.tier_model.fit import bin_counts, fit_cuts, fit_mean, psi, score

INTEGERS = st.one_of(st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1), st.integers(2**53 - 2, 2**53 + 2))
FLOATS = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([2.0**53, 2.0**63, 0.5]))


def by_definition(values: list[Any], bins: int) -> list[Any]:
    """For each j the smallest observed v with (share of values <= v) >= j/n."""
    cuts = []
    for j in range(1, bins):
        reaching = [
            v for v in values if Fraction(sum(other <= v for other in values), len(values)) >= Fraction(j, bins)
        ]
        cuts.append(min(reaching))
    return sorted(set(cuts))


@settings(max_examples=150, deadline=None)
@given(values=st.lists(st.one_of(st.none(), INTEGERS), min_size=1, max_size=40), bins=st.integers(2, 9))
def test_cuts_are_quantiles_by_definition(values: list[int | None], bins: int) -> None:
    observed = [value for value in values if value is not None]
    assert fit_cuts(*column_of(values, Type.integer), bins) == (by_definition(observed, bins) if observed else [])


def test_cuts_of_plain_numbers() -> None:
    values = np.arange(1, 11)
    assert fit_cuts(values, np.ones(10, bool), 5) == [2, 4, 6, 8]
    assert fit_cuts(values.astype(float), np.ones(10, bool), 2) == [5.0]
    assert fit_cuts(np.array([7, 7, 7, 7]), np.ones(4, bool), 5) == [7]
    assert fit_cuts(np.array([1.0, np.nan, 3.0]), np.ones(3, bool), 2) == [1.0]
    assert fit_cuts(values, np.zeros(10, bool), 5) == []
    assert fit_cuts(*column_of([3, "x", True, None, 1.5, 2], Type.scalar), 3) == [1.5, 2]


@settings(max_examples=200, deadline=None)
@given(
    values=st.one_of(
        st.tuples(st.just(Type.integer), st.lists(st.one_of(st.none(), INTEGERS), min_size=1, max_size=8)),
        st.tuples(st.just(Type.number), st.lists(st.one_of(st.none(), FLOATS), min_size=1, max_size=8)),
        st.tuples(
            st.just(Type.scalar),
            st.lists(
                st.one_of(st.none(), INTEGERS, FLOATS, st.text(max_size=2), st.booleans()), min_size=1, max_size=8
            ),
        ),
    ),
    cuts=st.lists(st.one_of(INTEGERS, FLOATS), min_size=1, max_size=5, unique=True).map(sorted),
    best=st.sampled_from(["high", "low"]),
)
def test_a_score_counts_the_cuts_strictly_below(values: tuple[Type, list[Any]], cuts: list[Any], best: Any) -> None:
    type_, given_values = values
    scored = score(column_of(given_values, type_), cuts, best)
    for row, value in enumerate(given_values):
        below = sum(cut < value for cut in cuts) if type(value) in (int, float) else None
        expected = None if below is None else 1 + below if best == "high" else len(cuts) + 2 - (1 + below)
        assert scored.item(row) == expected


@pytest.mark.parametrize(("best", "expected"), [("high", [1, 1, 2, 3, None]), ("low", [3, 3, 2, 1, None])])
def test_a_value_equal_to_a_cut_belongs_to_the_lower_bin(best: Any, expected: list[int | None]) -> None:
    scored = score(column_of([9, 10, 11, 21, None], Type.integer), (10, 20), best)
    assert [scored.item(row) for row in range(5)] == expected


def test_equal_values_never_part() -> None:
    values = np.sort(np.random.default_rng(1).integers(0, 20, 1_000))
    everywhere = np.ones(1_000, bool)
    cuts = fit_cuts(values, everywhere, 5)
    scores = score(Column(values, everywhere), cuts, "high").values
    assert len(cuts) == 4
    for value in np.unique(values):
        assert len(np.unique(scores[values == value])) == 1


@settings(max_examples=100, deadline=None)
@given(values=st.lists(INTEGERS, min_size=1, max_size=40))
def test_the_mean_is_the_exact_sum_divided_once(values: list[int]) -> None:
    assert fit_mean(*column_of(values, Type.integer)) == [float(Fraction(sum(values), len(values)))]


def test_means_of_plain_numbers() -> None:
    assert fit_mean(np.array([0.1] * 10), np.ones(10, bool)) == [0.1]  # added up one by one it is 0.09999999999999999
    assert fit_mean(*column_of([1, None, 2], Type.integer)) == [1.5]
    assert fit_mean(*column_of([3, "x", True, None, 2], Type.scalar)) == [2.5]
    assert fit_mean(np.array([1, 2]), np.zeros(2, bool)) == []


def test_a_value_equal_to_the_mean_belongs_to_the_lower_bin() -> None:
    column = column_of([1, 2, 3, None], Type.integer)
    (cut,) = fit_mean(*column)
    assert cut == 2.0 and score(column, [cut], "high").values[:3].tolist() == [1, 1, 2]
    assert bin_counts(column, [cut]) == [2, 1]


def test_users_per_bin_are_counted_from_bin_1_up_whichever_end_is_best() -> None:
    assert bin_counts(column_of([5, 5, 11, 99, None], Type.integer), [10, 20, 30]) == [2, 1, 0, 1]


def test_the_population_stability_index() -> None:
    assert psi([10, 20, 30], [20, 40, 60]) == 0
    assert psi([50, 50], [80, 20]) == pytest.approx(0.3 * math.log(1.6) - 0.3 * math.log(0.4))
    assert psi([50, 50], [80, 20]) == pytest.approx(psi([80, 20], [50, 50]))
    assert psi([50, 50, 0], [50, 50, 0]) == 0
    assert psi([100, 0], [50, 50]) == pytest.approx(-0.5 * math.log(0.5) + 0.4999 * math.log(5_000))
    with pytest.raises(ValueError, match="same cuts"):
        psi([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="nobody"):
        psi([0, 0], [1, 2])
