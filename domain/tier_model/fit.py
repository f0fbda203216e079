"""Cuts: fitting them to observed values, turning values into scores by them, and how far scores have drifted."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from domain.tier_model.column import Column

Cuts = Sequence[int | float]
EMPTY_SHARE = 0.0001  # stands for the share of a bin without anybody
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def fit_cuts(values: NDArray[Any], valid: NDArray[np.bool_], bins: int) -> list[int | float]:
    """Quantile cuts for `bins` bins: for j = 1 ... bins-1 the smallest observed v with share(values <= v) >= j/bins.

    Equal cuts fold into one, so there may be fewer; none when nothing is observed. Exact for int64. Of mixed
    attributes only numbers are observed.
    """
    observed = _numbers(values, valid)
    size = len(observed)
    if not size:
        return []
    ranks = [-(-index * size // bins) - 1 for index in range(1, bins)]  # -(-a // b) rounds up
    return sorted({observed[rank] for rank in ranks})


def fit_mean(values: NDArray[Any], valid: NDArray[np.bool_]) -> list[int | float]:
    """One cut at the mean of the observed numbers: their exact sum, divided by their count in float64.

    None when nothing is observed.
    """
    observed = _numbers(values, valid)
    if not observed:
        return []
    whole = all(isinstance(value, int) for value in observed)
    return [(sum(observed) if whole else math.fsum(observed)) / len(observed)]


def bin_counts(column: Column, cuts: Cuts) -> list[int]:
    """How many values lie in each bin, from bin 1 up. Null lies in none."""
    bins, valid = score(column, cuts, "high")
    return [int(count) for count in np.bincount(bins[valid] - 1, minlength=len(cuts) + 1)]


def psi(baseline: Sequence[int], observed: Sequence[int]) -> float:
    """The population stability index of two counts per bin: the sum of (o - b) x ln(o / b) over their shares.

    A bin that is empty on one side has the share 0.0001 there, as in Evidently's stattests; one that is empty on both
    adds nothing. 0 when nothing moved; below 0.1 is read as stable, above 0.25 as another population (Siddiqi, Credit
    Risk Scorecards, 2006). Raises ValueError for counts of different length, or of nobody.
    """
    if len(baseline) != len(observed):
        raise ValueError(f"{len(baseline)} bins against {len(observed)}: count both with the same cuts")
    whole, now = sum(baseline), sum(observed)
    if not whole or not now:
        raise ValueError("nobody was observed: count at least one user on both sides")
    shares = [(b / whole or EMPTY_SHARE, o / now or EMPTY_SHARE) for b, o in zip(baseline, observed, strict=True)]
    return math.fsum((o - b) * math.log(o / b) for b, o in shares)


def numeric(column: Column) -> Column:
    """The column as float64; what is no number (of mixed attributes, NaN) is null."""
    values, valid = column
    if values.dtype.kind == "O":
        valid = np.array([there and _is_number(value) for value, there in zip(values, valid, strict=True)], np.bool_)
        values = np.where(valid, values, 0)
    numbers = values.astype(np.float64)
    return Column(numbers, valid & ~np.isnan(numbers))


def score(column: Column, cuts: Cuts, best: Literal["high", "low"]) -> Column:
    """1 + the cuts strictly below the value, counted from the other end when low is best. int64; null of null.

    cuts: strictly ascending. In a column of mixed attributes whatever is no number has no score.
    """
    values, valid = column
    if values.dtype.kind == "O":
        numbers = [_is_number(value) if there else False for value, there in zip(values, valid, strict=True)]
        valid = np.array(numbers, dtype=np.bool_)
        below = np.array(
            [bisect_left(cuts, values[row]) if valid[row] else 0 for row in range(len(values))],
            dtype=np.int64,
        )
    elif values.dtype.kind == "f":
        valid = valid & ~np.isnan(values)
        below = np.searchsorted(np.array([_float_below(cut) for cut in cuts]), values, side="left")
    else:
        always = sum(cut < _INT64_MIN for cut in cuts)
        floors = [min(math.floor(cut), _INT64_MAX) for cut in cuts[always:]]
        below = always + np.searchsorted(np.array(floors, dtype=np.int64), values.astype(np.int64), side="left")
    bins = 1 + below.astype(np.int64)
    return Column(bins if best == "high" else len(cuts) + 2 - bins, valid)


def _numbers(values: NDArray[Any], valid: NDArray[np.bool_]) -> list[int | float]:
    """The observed numbers as plain Python values, ascending."""
    if values.dtype.kind == "O":
        return sorted(value for value in values[valid].tolist() if _is_number(value))
    observed = values[valid]
    if values.dtype.kind == "f":
        observed = observed[~np.isnan(observed)]
    return list(np.sort(observed).tolist())


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _float_below(cut: float) -> float:
    """The greatest float64 that is not above the cut: a float64 lies above the one exactly when above the other."""
    near = float(cut)
    return near if near <= cut else math.nextafter(near, -math.inf)
