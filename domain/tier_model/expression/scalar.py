"""Three-valued logic on plain Python values, None being null. For one user at a time, and for values of mixed types."""

import math
from collections.abc import Collection, Mapping

from domain.tier_model.column import Scalar
from domain.tier_model.expression.tree import (
    And,
    Arithmetic,
    Coalesce,
    Compare,
    Constant,
    IsNull,
    Membership,
    Name,
    Negative,
    Node,
    Not,
    Or,
    Tag,
)

_INT64_LIMIT = 2**63


def value_of(node: Node, row: Mapping[str, Scalar], tags: Collection[str] = ()) -> Scalar:
    """The value of a node for one row; a name that the row does not have is null."""
    match node:
        case Constant():
            return node.value
        case Name():
            return known(row.get(node.name))
        case Tag():
            return node.name in tags
        case Negative():
            return calculate("-", 0, value_of(node.operand, row, tags))
        case Arithmetic():
            return calculate(node.op, value_of(node.left, row, tags), value_of(node.right, row, tags))
        case Coalesce():
            values = (value_of(option, row, tags) for option in node.options)
            return next((value for value in values if value is not None), None)
        case Compare():
            return compare(node.op, value_of(node.left, row, tags), value_of(node.right, row, tags))
        case Membership():
            mine = value_of(node.operand, row, tags)
            return either([compare("=", mine, value_of(option, row, tags)) for option in node.options])
        case IsNull():
            return value_of(node.operand, row, tags) is None
        case Not():
            return opposite(truth(value_of(node.operand, row, tags)))
        case And():
            return opposite(either([opposite(truth(value_of(part, row, tags))) for part in node.parts]))
        case Or():
            return either([truth(value_of(part, row, tags)) for part in node.parts])


def known(value: Scalar) -> Scalar:
    """The value; null for a number that is none."""
    return None if isinstance(value, float) and math.isnan(value) else value


def truth(value: Scalar) -> bool | None:
    """true, false, or null for anything else."""
    return value if isinstance(value, bool) else None


def opposite(value: bool | None) -> bool | None:
    """not value."""
    return None if value is None else not value


def either(values: list[bool | None]) -> bool | None:
    """or: true when one is; else null when one is; else false."""
    return True if True in values else None if None in values else False


def compare(op: str, left: Scalar, right: Scalar) -> bool | None:
    """left op right; null when one is null or they are of different types. Python compares int with float exactly."""
    if left is None or right is None or _family(left) is not _family(right):
        return None
    if op == "=":
        return left == right
    if op == "<>":
        return left != right
    if isinstance(left, bool):
        return None
    below, above = left < right, left > right  # type: ignore[operator]
    return {"<": below, ">": above, "<=": not above, ">=": not below}[op]


def calculate(op: str, left: Scalar, right: Scalar) -> int | float | None:
    """left op right for numbers; null for anything else, when it leaves int64 or float64, and by zero."""
    if not _is_number(left) or not _is_number(right):
        return None
    if op != "/" and isinstance(left, int) and isinstance(right, int):
        whole = left + right if op == "+" else left - right if op == "-" else left * right
        return whole if -_INT64_LIMIT <= whole < _INT64_LIMIT else None
    mine, other = float(left), float(right)  # type: ignore[arg-type]
    if op == "/" and other == 0:
        return None
    result = mine + other if op == "+" else mine - other if op == "-" else mine * other if op == "*" else mine / other
    return result if math.isfinite(result) else None


def _family(value: Scalar) -> type:
    return bool if isinstance(value, bool) else str if isinstance(value, str) else float


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
