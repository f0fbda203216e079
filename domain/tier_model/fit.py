"""Cuts: fitting them to observed values, and turning values into scores by them."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from domain.tier_model.column import Column

Cuts = Sequence[int | float]
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
