"""Three-valued logic on whole columns: numpy for numbers, one by one only where a column holds texts or mixed types."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.tier_model.column import Column, Scalar
from domain.tier_model.expression import scalar
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

_INT64_MIN = -(2**63)
_TESTS: dict[str, Callable[[Any, Any], NDArray[np.bool_]]] = {
    "=": np.equal,
    "<>": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


def tag_column(name: str) -> str:
    """The key under which evaluate looks for the boolean column of a tag."""
    return f"tag('{name}')"


def evaluate(node: Node, columns: Mapping[str, Column], size: int, known: dict[int, Column] | None = None) -> Column:
    """The node's column. columns: one for each name that it reads, of `size` values. Raises KeyError without one.

    known: by the identity of a node what it came out as; filled, so that a part that is shared is looked at once.
    """
    column = _evaluate(node, columns, {} if known is None else known)
    if len(column.values) == size:
        return column
    return Column(np.repeat(column.values, size), np.repeat(column.valid, size))


def _evaluate(node: Node, columns: Mapping[str, Column], known: dict[int, Column]) -> Column:
    found = known.get(id(node))
    if found is None:
        found = known[id(node)] = _evaluated(node, columns, known)
    return found


def _evaluated(node: Node, columns: Mapping[str, Column], known: dict[int, Column]) -> Column:
    """Columns of the full size, or of one value that stands for all."""
    match node:
        case Constant():
            return _constant(type(node.value).__name__, repr(node.value), node.value)
        case Name():
            return _loaded(columns[node.name])
        case Tag():
            return columns[tag_column(node.name)]
        case Negative():
            return _calculate(
                "-",
                Column(np.zeros(1, np.int64), np.ones(1, np.bool_)),
                _evaluate(node.operand, columns, known),
            )
        case Arithmetic():
            return _calculate(node.op, _evaluate(node.left, columns, known), _evaluate(node.right, columns, known))
        case Coalesce():
            return _coalesce([_evaluate(option, columns, known) for option in node.options])
        case Compare():
            return _compare(node.op, _evaluate(node.left, columns, known), _evaluate(node.right, columns, known))
        case Membership():
            mine = _evaluate(node.operand, columns, known)
            options = [option.value for option in node.options if isinstance(option, Constant)]
            if mine.values.dtype.kind == "O" and len(options) == len(node.options):  # looked at once, not for each
                return _mapped(
                    lambda held: scalar.either([scalar.compare("=", held, one) for one in options]), np.bool_, mine
                )
            return _either([_compare("=", mine, _evaluate(option, columns, known)) for option in node.options])
        case IsNull():
            valid = _evaluate(node.operand, columns, known).valid
            return Column(~valid, np.ones(len(valid), np.bool_))
        case Not():
            return _opposite(_truth(_evaluate(node.operand, columns, known)))
        case And():
            return _all([_truth(_evaluate(part, columns, known)) for part in node.parts])
        case Or():
            return _either([_truth(_evaluate(part, columns, known)) for part in node.parts])


@lru_cache(maxsize=10_000)
def _constant(kind: str, written: str, value: Scalar) -> Column:
    """Shared, so nobody may write to it. kind: the value's type; with `written` it tells values apart that are equal as
    keys, as 1 and true, 0.0 and -0.0 are."""
    dtype: Any = {"int": np.int64, "float": np.float64, "str": np.object_}.get(kind, np.bool_)
    column = Column(np.array([False if value is None else value], dtype=dtype), np.array([value is not None]))
    for part in column:
        part.setflags(write=False)
    return column


def _loaded(column: Column) -> Column:
    """The column with numbers that are none turned to null, and every other dtype to one of ours."""
    kind = column.values.dtype.kind
    if kind == "f":
        return Column(
            column.values.astype(np.float64, copy=False),
            column.valid & ~np.isnan(column.values),
        )
    if kind in "iu":
        return Column(column.values.astype(np.int64, copy=False), column.valid)
    if kind == "b":
        return column
    held = column.values.astype(object, copy=False)
    return Column(held, column.valid & (held == held))  # what is no number is not equal to itself


def _truth(column: Column) -> Column:
    if column.values.dtype.kind == "b":
        return column
    return _mapped(scalar.truth, np.bool_, column) if column.values.dtype.kind == "O" else _nulls(len(column.valid))


def _nulls(size: int) -> Column:
    return Column(np.zeros(size, np.bool_), np.zeros(size, np.bool_))


def _opposite(column: Column) -> Column:
    return Column(~column.values, column.valid)


def _either(parts: list[Column]) -> Column:
    true: Any = np.zeros(1, np.bool_)
    valid: Any = np.ones(1, np.bool_)
    for part in parts:
        true = true | (part.values & part.valid)
        valid = valid & part.valid
    return Column(true, valid | true)


def _all(parts: list[Column]) -> Column:
    false: Any = np.zeros(1, np.bool_)
    valid: Any = np.ones(1, np.bool_)
    for part in parts:
        false = false | (part.valid & ~part.values)
        valid = valid & part.valid
    return Column(~false, valid | false)


# ------------------------------------------------------------------------------------------------------------ compare


def _compare(op: str, left: Column, right: Column) -> Column:
    valid = left.valid & right.valid
    kinds = left.values.dtype.kind, right.values.dtype.kind
    if "O" in kinds:
        return _mapped(lambda mine, other: scalar.compare(op, mine, other), np.bool_, left, right)
    if "b" in kinds:
        if kinds != ("b", "b") or op not in ("=", "<>"):
            return _nulls(len(valid))
        equal = left.values == right.values
        return Column(equal if op == "=" else ~equal, valid)
    if kinds == ("i", "f"):
        return Column(_TESTS[op](_sign_of_mixed(left.values, right.values), 0), valid)
    if kinds == ("f", "i"):
        return Column(_TESTS[op](0, _sign_of_mixed(right.values, left.values)), valid)
    return Column(_TESTS[op](left.values, right.values), valid)


def _sign_of_mixed(whole: NDArray[np.int64], real: NDArray[np.float64]) -> NDArray[np.int8]:
    """-1, 0 or 1 as whole is below, equal to or above real. float64 holds no integer beyond 2^53 exactly, so compare
    with the integer part of the real number instead."""
    with np.errstate(invalid="ignore"):
        floor = np.floor(real)
        above, below = floor >= 2.0**63, floor < -(2.0**63)
        part = np.where(above | below | np.isnan(floor), 0, floor).astype(np.int64)
        sign = (whole > part).astype(np.int8) - ((whole < part) | ((whole == part) & (floor < real))).astype(np.int8)
    return np.where(above, -1, np.where(below, 1, sign)).astype(np.int8)


# --------------------------------------------------------------------------------------------------------- arithmetic


def _calculate(op: str, left: Column, right: Column) -> Column:
    valid = left.valid & right.valid
    kinds = left.values.dtype.kind, right.values.dtype.kind
    if "O" in kinds:
        return _mapped(lambda mine, other: scalar.calculate(op, mine, other), object, left, right)
    if "b" in kinds:
        return _nulls(len(valid))
    with np.errstate(all="ignore"):
        if op != "/" and kinds == ("i", "i"):
            values, fits = _WHOLE[op](left.values, right.values)
        else:
            values = _REAL[op](left.values.astype(np.float64), right.values.astype(np.float64))
            fits = np.isfinite(values)
    return Column(np.where(fits, values, 0), valid & fits)


def _add(left: NDArray[np.int64], right: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    total = left + right
    return total, ((left ^ total) & (right ^ total)) >= 0


def _subtract(left: NDArray[np.int64], right: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    rest = left - right
    return rest, ((left ^ right) & (left ^ rest)) >= 0


def _multiply(left: NDArray[np.int64], right: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    product = left * right
    divisor = np.where((left == 0) | (left == -1), 1, left)
    checks = np.where(
        left == 0,
        True,
        np.where(
            left == -1,
            right != _INT64_MIN,
            (product % divisor == 0) & (product // divisor == right),
        ),
    )
    return product, checks


_WHOLE: dict[str, Any] = {"+": _add, "-": _subtract, "*": _multiply}
_REAL: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


def _coalesce(options: list[Column]) -> Column:
    size = max(len(option.valid) for option in options)
    same = len({option.values.dtype for option in options if option.valid.any()}) <= 1
    present = [option for option in options if option.valid.any()] or options[:1]
    dtype = present[0].values.dtype if same else np.dtype(object)
    values, valid = np.zeros(size, dtype=dtype), np.zeros(size, np.bool_)
    for option in present:
        take = ~valid & option.valid
        values = np.where(take, option.values.astype(dtype), values)
        valid = valid | take
    return Column(values, valid)


def _remembering(function: Callable[..., Any], columns: Sequence[Column], varying: list[Any]) -> list[Any]:
    """The function of the one column that varies, and of constants: values repeat, so each is looked at once."""
    constants = [column.values.tolist()[0] if len(column.valid) == 1 else None for column in columns]
    place = next(index for index, column in enumerate(columns) if len(column.valid) != 1)
    before, after = constants[:place], constants[place + 1 :]
    if len(set(map(type, varying))) == 1:
        answers = {value: function(*before, value, *after) for value in set(varying)}
        return [answers[value] for value in varying]
    keys = [(type(value), value) for value in varying]  # 1, 1.0 and true are equal as keys
    known = {key: function(*before, key[1], *after) for key in set(keys)}
    return [known[key] for key in keys]


def _mapped(function: Callable[..., Any], dtype: Any, *columns: Column) -> Column:
    """The function applied value by value where all columns have one; its None is null."""
    (size,) = np.broadcast_shapes(*(column.valid.shape for column in columns))  # of no rows none, beside a constant too
    valid = np.ones(size, np.bool_)
    for column in columns:
        valid = valid & column.valid
    rows = np.flatnonzero(valid)
    varying = [column for column in columns if len(column.valid) != 1]
    if len(varying) == 1 and len(rows):
        results = _remembering(function, columns, varying[0].values[rows].tolist())
    else:
        inputs = [np.broadcast_to(column.values, size)[rows].tolist() for column in columns]
        results = [function(*row) for row in zip(*inputs, strict=True)]
    values = np.zeros(size, dtype=dtype)
    nulls = [number for number, result in enumerate(results) if result is None]
    if nulls:
        valid[rows[nulls]] = False
        results = [0 if result is None else result for result in results]
    held = np.empty(len(results), dtype=dtype)
    held[:] = results
    values[rows] = held
    return Column(values, valid)
