"""When each fact counts for a feature: visible, matured, inside the window, not voided."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from domain.facts.table import FactTable
from domain.tier_model.calendar import Calendar
from domain.tier_model.enrolment import Pieces, next_return
from domain.tier_model.selection import Objects, Selected
from domain.tier_model.spans import Bools, Int64s
from domain.tier_model.window import WindowPlan


class FeatureFacts(msgspec.Struct, frozen=True, gc=False):
    """The facts that a feature looks at: table rows, and the instants [start, end) during which each counts.

    at: the instant that each stands at, which a window since standing asks for.
    """

    row: Int64s
    subject: npt.NDArray[np.int32]
    start: Int64s
    end: Int64s
    at: Int64s
    number: Int64s  # what is added up, sign included
    value: Objects | None  # what min, max, latest, distinct and top read

    def taken(self, mask: Bools) -> "FeatureFacts":
        """A part of them."""
        return FeatureFacts(
            self.row[mask],
            self.subject[mask],
            self.start[mask],
            self.end[mask],
            self.at[mask],
            self.number[mask],
            None if self.value is None else self.value[mask],
        )

    def less(self, other: "FeatureFacts") -> "FeatureFacts":
        """Together with facts whose numbers are taken away."""
        return FeatureFacts(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.subject, other.subject]),
            np.concatenate([self.start, other.start]),
            np.concatenate([self.end, other.end]),
            np.concatenate([self.at, other.at]),
            np.concatenate([self.number, -other.number]),
            None,
        )


class _Spans(msgspec.Struct, frozen=True, gc=False):
    """Selected facts, the instants [start, end) in which they are visible, and the instant and day they stand at."""

    selected: Selected
    start: Int64s
    end: Int64s
    at: Int64s
    day: Int64s


class Placing:
    """Places selected facts in time for one feature."""

    def __init__(
        self, table: FactTable, calendar: Calendar, window: WindowPlan, after_days: int, at_order: bool
    ) -> None:
        self._table, self._calendar, self._window = table, calendar, window
        self._after_days = after_days
        self._orders = _orders(table) if at_order else {}

    def placed(self, selected: Selected) -> FeatureFacts:
        """While they are in the window."""
        spans = self._visible(selected)
        window, start, end = self._window, spans.start, spans.end
        if len(spans.day) and (window.through_yesterday or window.last):
            start = np.maximum(start, self._calendar.midnight(window.entering_days(spans.day)))
        if len(spans.day) and window.bounded:
            end = np.minimum(end, self._calendar.midnight(window.leaving_days(spans.day)))
        if len(spans.day) and window.anniversary:
            return self._since_return(replace(spans, start=start, end=end))
        return self._facts(spans.selected, start, end, spans.at)

    def before(self, selected: Selected) -> FeatureFacts:
        """While they are in the window before."""
        spans = self._visible(selected)
        start, end = spans.start, spans.end
        if len(spans.day):
            start = np.maximum(start, self._calendar.midnight(self._window.leaving_days(spans.day)))
            end = np.minimum(end, self._calendar.midnight(self._window.leaving_days_before(spans.day)))
        return self._facts(spans.selected, start, end, spans.at)

    def _visible(self, selected: Selected) -> "_Spans":
        """From when to when they are visible (and have matured), and the local days that they stand at."""
        table, rows = self._table, selected.row
        start = np.maximum(table.occurred_at[rows], table.known_at[rows])
        if self._after_days and len(rows):
            matured = self._calendar.day(table.occurred_at[rows]) + self._after_days
            start = np.maximum(start, self._calendar.midnight(matured))
        end, at = table.voided_at[rows], table.occurred_at[rows]
        if self._orders and self._table.is_kind("refund")[rows].any():  # then all are: one kind is read at a time
            index, start, end, at = self._at_orders(rows, start, end, at)
            selected = selected.taken(index)
        return _Spans(selected, start, end, at, self._calendar.day(at))

    def _at_orders(self, rows: Int64s, start: Int64s, end: Int64s, at: Int64s) -> tuple[Int64s, Int64s, Int64s, Int64s]:
        """(index, start, end, instant it stands at): a refund once for each instant that it stands at meanwhile."""
        pieces: list[tuple[int, int, int, int]] = []
        columns = (rows.tolist(), start.tolist(), end.tolist(), at.tolist())
        for index, (row, first, last, own) in enumerate(zip(*columns, strict=True)):
            order_id = (self._table.attributes[row] or {}).get("order_id")
            key = (int(self._table.subject[row]), order_id if isinstance(order_id, str) else "")  # no id is empty
            pieces += [(index, *piece) for piece in _where_it_stands(own, first, last, self._orders.get(key, ()))]
        found = np.array(pieces, dtype=np.int64).reshape(-1, 4)
        return found[:, 0], found[:, 1], found[:, 2], found[:, 3]

    def _since_return(self, spans: "_Spans") -> FeatureFacts:
        """Until the next yearly return of the first fact, whichever fact that is at the time."""
        pieces = Pieces(self._table)
        given, piece = pieces.of(self._table.subject[spans.selected.row])
        start = np.maximum(spans.start[given], pieces.start[piece])
        end = np.minimum(spans.end[given], pieces.end[piece])
        leaves = next_return(self._calendar.day(pieces.first[piece]), spans.day[given])
        end = np.minimum(end, self._calendar.midnight(leaves))
        return self._facts(spans.selected.taken(given), start, end, spans.at[given])

    def _facts(self, selected: Selected, start: Int64s, end: Int64s, at: Int64s) -> FeatureFacts:
        counted = end > start
        kept = selected.taken(counted)
        return FeatureFacts(
            kept.row, self._table.subject[kept.row], start[counted], end[counted], at[counted], kept.number, kept.value
        )


class _Order(NamedTuple):
    """An order, visible in [start, end)."""

    start: int
    end: int
    position: int
    occurred_at: int


def _orders(table: FactTable) -> dict[tuple[int, str], list[_Order]]:
    """The orders of each subject and id."""
    orders: dict[tuple[int, str], list[_Order]] = {}
    rows = np.flatnonzero(table.is_kind("order"))
    seen, occurred = np.maximum(table.occurred_at[rows], table.known_at[rows]), table.occurred_at[rows]
    columns = (seen, table.voided_at[rows], table.position[rows], occurred)
    for row, *order in zip(rows.tolist(), *(column.tolist() for column in columns), strict=True):
        orders.setdefault((int(table.subject[row]), table.fact_id[row]), []).append(_Order(*order))
    return orders


def _where_it_stands(own: int, start: int, end: int, orders: Sequence[_Order]) -> Iterator[tuple[int, int, int]]:
    """(start, end, instant that it stands at): of the visible orders the first recorded one's, without any its own."""
    edges = {edge for order in orders for edge in (order.start, order.end) if start < edge < end}
    for first, last in pairwise([start, *sorted(edges), end]):
        seen = [order for order in orders if order.start <= first < order.end]
        yield first, last, min(seen, key=lambda order: order.position).occurred_at if seen else own
