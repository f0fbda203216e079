"""Bounds moved to where a store can hold them, so that a number of one kind compares exactly with one of the other."""

import math
from fractions import Fraction

_INT64_MAX = 2**63 - 1


def beside_whole(op: str, bound: float | Fraction) -> tuple[str, int] | bool:
    """`whole op bound` for whole numbers of 64 bits: the same with such a bound, or what is so for all of them."""
    whole = math.floor(bound)
    if whole != bound:
        if op in ("=", "<>"):
            return op == "<>"
        op, whole = ("<=", whole) if op in ("<", "<=") else (">=", whole + 1)
    if -_INT64_MAX - 1 <= whole <= _INT64_MAX:
        return op, whole
    return op == "<>" or op in (("<", "<=") if whole > 0 else (">", ">="))


def beside_fraction(op: str, bound: float) -> tuple[str, float] | bool:
    """`fraction op bound` for a float64: the same with a bound that is one, or what is so for all of them."""
    near = float(bound)
    if near == bound:
        return op, near
    if op in ("=", "<>"):
        return op == "<>"
    upwards = op in (">", ">=")
    if upwards != (near > bound):
        near = math.nextafter(near, math.inf if upwards else -math.inf)
    return (">=" if upwards else "<="), near
