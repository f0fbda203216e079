"""Columns: one value a subject, with a mask of which of them are there. What features, scores and rules are made of."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Scalar = int | float | str | bool | None


class Type(StrEnum):
    """What a column holds. The types keep units apart; a column's dtype says how the values are stored."""

    integer = "integer"  # int64
    money = "money"  # minor units: int64 for sums, float64 for averages
    number = "number"  # float64
    text = "text"  # object (str), ordered by code point
    boolean = "boolean"  # bool
    day = "day"  # int64, days since 1970-01-01
    scalar = "scalar"  # object: whatever the fact's attribute holds (int, float, str or bool)


class Column(NamedTuple):
    """values and valid have the same length; where valid is false the value is null, whatever stands there."""

    values: NDArray[Any]
    valid: NDArray[np.bool_]

    def item(self, row: int) -> Scalar:
        """The plain Python value of one row, None when null."""
        if not self.valid[row]:
            return None
        value = self.values[row]
        return value.item() if isinstance(value, np.generic) else value  # type: ignore[no-any-return]

    def plain(self) -> list[Scalar]:
        """The plain Python value of every row, None where null."""
        values = self.values.tolist()
        if self.valid.all():
            return values  # type: ignore[no-any-return]
        return [value if valid else None for value, valid in zip(values, self.valid.tolist(), strict=True)]


_DTYPES: dict[Type, Any] = {
    Type.integer: np.int64,
    Type.money: np.int64,
    Type.day: np.int64,
    Type.number: np.float64,
    Type.boolean: np.bool_,
    Type.text: object,
    Type.scalar: object,
}


def column_of(values: Iterable[Scalar], type_: Type) -> Column:
    """A column out of plain values (None is null). Money with a fraction (an average) is stored as float64."""
    plain = list(values)
    valid = np.array([value is not None for value in plain], dtype=np.bool_)
    dtype = _DTYPES[type_]
    if type_ is Type.money and any(isinstance(value, float) for value in plain):
        dtype = np.float64
    if dtype is object:
        held = np.empty(len(plain), dtype=object)
        held[:] = plain
        return Column(held, valid)
    return Column(np.array([0 if value is None else value for value in plain], dtype=dtype), valid)
