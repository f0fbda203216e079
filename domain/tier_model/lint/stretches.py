"""One value for each stretch of values that constants cannot tell apart."""

from collections.abc import Collection, Sequence
from itertools import pairwise
from math import ceil, floor, inf, isfinite, nextafter

from domain.tier_model.column import Scalar, Type
from domain.tier_model.lint.reach import Reach

_LEAST, _MOST = -(2**63), 2**63 - 1


def values_of(reach: Reach, constants: Collection[Scalar]) -> list[Scalar]:
    """A value of each stretch that the name reaches, null last where it can be null. Never empty."""
    numbers = [value for value in constants if isinstance(value, int | float) and not isinstance(value, bool)]
    texts = [value for value in constants if isinstance(value, str)]
    found: list[Scalar] = []
    if reach.type not in (Type.text, Type.boolean):
        found += _numbers(reach, sorted(set(numbers)))
    if reach.texts is not None:
        found += reach.texts
    elif reach.type in (Type.text, Type.scalar):
        found += _texts(sorted(set(texts)))
    if reach.type in (Type.boolean, Type.scalar):
        found += [False, True]
    return [*found, None] if reach.null or not found else found


def _numbers(reach: Reach, constants: Sequence[int | float]) -> list[int | float]:
    least = reach.least if reach.least is not None else _LEAST if reach.whole else -inf
    greatest = reach.greatest if reach.greatest is not None else _MOST if reach.whole else inf
    found: set[int | float] = {value for value in (reach.least, reach.greatest) if value is not None}
    if reach.whole:
        for constant in constants:
            found |= {ceil(constant) - 1, floor(constant), floor(constant) + 1}
        found |= set() if found else {0}
    else:
        edges = sorted({*constants, *found})
        found |= {*edges, *(low / 2 + high / 2 for low, high in pairwise(edges))}
        found |= {min(edge - 1, nextafter(edge, -inf)) for edge in edges[:1]}
        found |= {max(edge + 1, nextafter(edge, inf)) for edge in edges[-1:]} or {0.0}
    return sorted(value for value in found if least <= value <= greatest and isfinite(value))


def _texts(constants: Sequence[str]) -> list[Scalar]:
    """The constants, what lies right behind each, and the first of all texts."""
    return [*sorted({"", *constants, *(constant + "\0" for constant in constants)})]
