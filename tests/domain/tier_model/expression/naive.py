"""What random conditions mean, read by the book, row by row: three-valued logic, exact comparisons."""

import math
from fractions import Fraction
from typing import Any

_LIMIT = 2**63


def naive(part: Any, row: dict[str, Any], tags: frozenset[str] = frozenset()) -> Any:
    """The value by the book: three-valued logic, exact comparisons."""
    match part:
        case ("name", name):
            value = row[name]
            return None if isinstance(value, float) and math.isnan(value) else value
        case ("tag", name):
            return name in tags
        case ("money", value) | ("value", value):
            return value
        case ("neg", inner):
            return _calculated("-", 0, naive(inner, row, tags))
        case ("coalesce", options):
            return next((value for option in options if (value := naive(option, row, tags)) is not None), None)
        case ("in", inner, options):
            return naive(("or", [("=", inner, option) for option in options]), row, tags)
        case ("between", inner, low, high):
            return naive(("and", [(">=", inner, low), ("<=", inner, high)]), row, tags)
        case ("is null", inner):
            return naive(inner, row, tags) is None
        case ("not", inner):
            value = _truth(naive(inner, row, tags))
            return None if value is None else not value
        case ("and", parts):
            values = [_truth(naive(inner, row, tags)) for inner in parts]
            return False if False in values else None if None in values else True
        case ("or", parts):
            values = [_truth(naive(inner, row, tags)) for inner in parts]
            return True if True in values else None if None in values else False
        case ("+" | "-" | "*" | "/" as operator, left, right):
            return _calculated(operator, naive(left, row, tags), naive(right, row, tags))
        case (operator, left, right):
            return _compared(operator, naive(left, row, tags), naive(right, row, tags))
    raise AssertionError(part)


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _calculated(operator: str, left: Any, right: Any) -> Any:
    if not _is_number(left) or not _is_number(right):
        return None
    if operator == "/" or float in (type(left), type(right)):
        left, right = float(left), float(right)
    try:
        value = {"+": left.__add__, "-": left.__sub__, "*": left.__mul__, "/": float(left).__truediv__}[operator](right)
    except ZeroDivisionError:
        return None
    if isinstance(value, int):
        return value if -_LIMIT <= value < _LIMIT else None
    return value if math.isfinite(value) else None


def _exact(value: Any) -> Any:
    return value if math.isinf(value) else Fraction(value)


def _compared(operator: str, left: Any, right: Any) -> bool | None:
    if _is_number(left) and _is_number(right):
        left, right = _exact(left), _exact(right)
    elif left is None or type(left) is not type(right):
        return None
    if isinstance(left, bool) and operator not in ("=", "<>"):
        return None
    return {
        "=": left == right,
        "<>": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[operator]
