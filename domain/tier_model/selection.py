"""Which facts of a table a feature reads, and what it reads of each: rows, or order lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from domain.facts.table import FactTable
from domain.tier_model.column import Column
from domain.tier_model.expression import Condition
from domain.tier_model.spans import ALWAYS, Int64s

Aggregate = Literal[
    "count", "sum", "avg", "min", "max", "distinct", "latest", "days_since", "top", "share", "trend", "rate"
]
Objects = npt.NDArray[np.object_]

_ADDS = ("sum", "avg", "share", "trend")
_ORDERS = ("min", "max")


@dataclass(frozen=True, slots=True)
class Reading:
    """KIND, KIND.FIELD or KIND.lines.FIELD. field 'amount' is money in minor units."""

    kind: str
    field: str | None = None
    of_lines: bool = False


class Selected(msgspec.Struct, frozen=True, gc=False):
    """What was read: table rows (a row again for each of its lines), numbers to add up, values to compare."""

    row: Int64s
    number: Int64s
    value: Objects | None

    def taken(self, mask: npt.NDArray[np.bool_] | Int64s) -> "Selected":
        """A part of it."""
        return Selected(self.row[mask], self.number[mask], None if self.value is None else self.value[mask])


def select(
    table: FactTable,
    reading: Reading,
    where: Condition | None,
    aggregate: Aggregate,
    weigh_by_amount: bool = False,
    part: Condition | None = None,
    after: int = ALWAYS,
) -> Selected:
    """The facts of the kind that pass `where` (and `part`) and have the field, in table order.

    weigh_by_amount: number is the amount (of the line, or of the fact; 0 without one) instead of the value itself.
    after: those that occurred before this instant may be missing.
    """
    there = table.is_kind(reading.kind)
    rows = np.flatnonzero(there if after == ALWAYS else there & (table.occurred_at >= after))
    for condition in (where, part):
        if condition is not None and len(rows):
            rows = rows[condition.matches(_fact_columns(table, rows, condition.names), len(rows))]
    if reading.field is None:
        return Selected(rows, np.ones(len(rows), dtype=np.int64), None)
    if reading.field == "amount" and not reading.of_lines:
        rows = rows[table.amount_valid[rows]]
        number = table.amount[rows]
        return Selected(rows, number, number.astype(object) if aggregate == "distinct" else None)
    rows, values, weights = (
        _lines(table, rows, reading.field) if reading.of_lines else _attributes(table, rows, reading.field)
    )
    kept = [index for index, value in enumerate(values) if _readable(value, aggregate)]
    column = np.empty(len(kept), dtype=object)
    column[:] = [values[index] for index in kept]
    if weigh_by_amount:
        number = np.array([weights[index] for index in kept], dtype=np.int64)
    elif aggregate in _ADDS:
        number = column.astype(np.int64)
    else:
        number = np.ones(len(kept), dtype=np.int64)
    return Selected(rows[np.array(kept, dtype=np.int64)], number, column)


def _attributes(table: FactTable, rows: Int64s, field: str) -> tuple[Int64s, list[Any], list[int]]:
    values = [(table.attributes[row] or {}).get(field) for row in rows]
    return rows, values, table.amount[rows].tolist()  # amount is 0 where there is none


def _lines(table: FactTable, rows: Int64s, field: str) -> tuple[Int64s, list[Any], list[int]]:
    pairs = [(row, line) for row in rows.tolist() for line in table.lines[row] or ()]
    weights = [amount if type(amount := line.get("amount")) is int else 0 for _, line in pairs]
    return np.array([row for row, _ in pairs], dtype=np.int64), [line.get(field) for _, line in pairs], weights


def _readable(value: Any, aggregate: Aggregate) -> bool:
    """Sums add integers up, min and max order numbers, top counts labels; anything else is nothing there."""
    if value is None:
        return False
    if aggregate in _ADDS:
        return type(value) is int
    if aggregate in _ORDERS:
        return type(value) in (int, float)
    return aggregate != "top" or type(value) is str


def _fact_columns(table: FactTable, rows: Int64s, names: Iterable[str]) -> dict[str, Column]:
    """What a condition on facts reads: amount, and attributes of whatever type."""
    columns = {}
    for name in names:
        if name == "amount":
            columns[name] = Column(table.amount[rows], table.amount_valid[rows])
            continue
        values = np.empty(len(rows), dtype=object)
        values[:] = [(table.attributes[row] or {}).get(name) for row in rows]
        columns[name] = Column(values, np.array([value is not None for value in values], dtype=np.bool_))
    return columns
