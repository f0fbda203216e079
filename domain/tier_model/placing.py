"""When each fact counts for a feature: visible, matured, inside the window, not voided."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.facts.table import FactTable
from domain.tier_model.calendar import Calendar
from domain.tier_model.enrolment import Pieces, next_return
from domain.tier_model.selection import Objects, Selected
from domain.tier_model.spans import Int64s
from domain.tier_model.window import WindowPlan


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """The facts that a feature looks at: table rows, and the instants [start, end) during which each counts."""

    row: Int64s
    subject: npt.NDArray[np.int32]
    start: Int64s
    end: Int64s
    number: Int64s  # what is added up, sign included
    value: Objects | None  # what min, max, latest, distinct and top read

    def less(self, other: "FeatureFacts") -> "FeatureFacts":
        """Together with facts whose numbers are taken away."""
        return FeatureFacts(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.subject, other.subject]),
            np.concatenate([self.start, other.start]),
            np.concatenate([self.end, other.end]),
            np.concatenate([self.number, -other.number]),
            None,
        )


class Placing:
    """Places selected facts in time for one feature."""

    def __init__(
        self, table: FactTable, calendar: Calendar, window: WindowPlan, after_days: int, at_order: bool
    ) -> None:
        self._table, self._calendar, self._window = table, calendar, window
        self._after_days = after_days
        self._stands_at = _at_orders(table) if at_order else table.occurred_at

    def placed(self, selected: Selected) -> FeatureFacts:
        """While they are in the window."""
        start, end, days = self._visible(selected)
        window = self._window
        if len(days) and window.through_yesterday:
            start = np.maximum(start, self._calendar.midnight(days + 1))
        if len(days) and window.bounded:
            end = np.minimum(end, self._calendar.midnight(window.leaving_days(days)))
        if len(days) and window.anniversary:
            return self._since_anniversary(selected, start, end, days)
        return self._facts(selected, start, end)

    def before(self, selected: Selected) -> FeatureFacts:
        """While they are in the window before."""
        start, end, days = self._visible(selected)
        if len(days):
            start = np.maximum(start, self._calendar.midnight(self._window.leaving_days(days)))
            end = np.minimum(end, self._calendar.midnight(self._window.leaving_days_before(days)))
        return self._facts(selected, start, end)

    def _visible(self, selected: Selected) -> tuple[Int64s, Int64s, Int64s]:
        """From when to when they are visible, and the local days that they stand at."""
        table, rows = self._table, selected.row
        start = np.maximum(table.occurred_at[rows], table.known_at[rows])
        if self._after_days and len(rows):
            matured = self._calendar.day(table.occurred_at[rows]) + self._after_days
            start = np.maximum(start, self._calendar.midnight(matured))
        return start, table.voided_at[rows], self._calendar.day(self._stands_at[rows])

    def _since_anniversary(self, selected: Selected, start: Int64s, end: Int64s, days: Int64s) -> FeatureFacts:
        """Until the next yearly return of the first fact, whichever that is at the time."""
        pieces = Pieces(self._table, self._calendar)
        given, piece = pieces.of(self._table.subject[selected.row])
        leaves = self._calendar.midnight(next_return(pieces.day[piece], days[given]))
        return self._facts(
            selected.taken(given),
            np.maximum(start[given], pieces.start[piece]),
            np.minimum(np.minimum(end[given], pieces.end[piece]), leaves),
        )

    def _facts(self, selected: Selected, start: Int64s, end: Int64s) -> FeatureFacts:
        counted = end > start
        kept = selected.taken(counted)
        return FeatureFacts(
            kept.row, self._table.subject[kept.row], start[counted], end[counted], kept.number, kept.value
        )


def _at_orders(table: FactTable) -> Int64s:
    """occurred_at of each fact, but of a refund that names its order the order's: the earliest recorded of that id."""
    at = table.occurred_at.copy()
    orders: dict[tuple[int, str], int] = {}
    rows = np.flatnonzero(table.is_kind("order"))
    for row in rows[np.argsort(table.position[rows])].tolist():
        orders.setdefault((int(table.subject[row]), table.fact_id[row]), int(table.occurred_at[row]))
    for row in np.flatnonzero(table.is_kind("refund")).tolist():
        order_id = str((table.attributes[row] or {}).get("order_id"))
        at[row] = orders.get((int(table.subject[row]), order_id), int(at[row]))
    return at
