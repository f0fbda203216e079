"""Whether a split came out as it was meant to: Pearson's test of observed counts against weights."""

import math
from collections.abc import Mapping


def sample_ratio_p(observed: Mapping[str, int], weights: Mapping[str, float]) -> float:
    """The probability of a split at least as far from the weights as the observed one, if it was drawn by them.

    weights: in any unit; every observed name has one. 1.0 without two arms or without anybody.
    """
    total, weight = sum(observed.get(name, 0) for name in weights), math.fsum(weights.values())
    if len(weights) < 2 or not total:
        return 1.0
    expected = {name: total * share / weight for name, share in weights.items()}
    chi_square = math.fsum((observed.get(name, 0) - count) ** 2 / count for name, count in expected.items())
    return chi_square_tail(chi_square, len(weights) - 1)


def chi_square_tail(value: float, degrees: int) -> float:
    """P(X >= value) of a chi-square of so many degrees of freedom, in closed form.

    Q(k/2, x/2) by its recurrence: an even k starts from exp(-x/2), an odd one from erfc(sqrt(x/2)).
    """
    half = value / 2
    if degrees % 2:
        tail, order = math.erfc(math.sqrt(half)), 0.5
    else:
        tail, order = math.exp(-half), 1.0
    while order < degrees / 2:
        # Q(a + 1, x) = Q(a, x) + x^a e^-x / Gamma(a + 1), by logarithms: neither factor overflows.
        if half > 0:
            tail += math.exp(order * math.log(half) - half - math.lgamma(order + 1))
        order += 1
    return min(tail, 1.0)
