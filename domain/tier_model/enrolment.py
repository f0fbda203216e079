"""The first fact of each subject, as it is seen over time: a late or voided fact may change which one that is."""

import numpy as np

from domain.facts.table import NEVER, FactTable
from domain.tier_model.calendar import Calendar, add_months
from domain.tier_model.spans import Int64s, PointIndex, covering_maximum, points_of, ranges_of

_MONTHS = 12


def first_days(table: FactTable, calendar: Calendar, index: PointIndex, size: int) -> Int64s:
    """At each point of the index, the local day of the subject's first visible fact; 0 without any."""
    first = _first_instants(table, index, size)
    return np.where(first == NEVER, 0, calendar.day(first))


def _first_instants(table: FactTable, index: PointIndex, size: int) -> Int64s:
    """The same as an instant; NEVER without any."""
    if not len(table):
        return np.full(size, NEVER, dtype=np.int64)
    visible = np.maximum(table.occurred_at, table.known_at)
    ranges = ranges_of(index, table.subject, visible, table.voided_at)
    earliest = len(table) - 1 - covering_maximum(ranges, np.arange(len(table), dtype=np.int64)[::-1].copy())
    seen = earliest < len(table)
    return np.where(seen, table.occurred_at[np.where(seen, earliest, 0)], NEVER)


class Pieces:
    """Stretches of time over which a subject's first visible fact stays at one instant: (subject, start, end, first).

    first is NEVER where all is voided.
    """

    def __init__(self, table: FactTable) -> None:
        visible = np.maximum(table.occurred_at, table.known_at)
        voided = table.voided_at != NEVER
        points = points_of(
            np.concatenate([table.subject, table.subject[voided]]),
            np.concatenate([visible, table.voided_at[voided]]),
        )
        first = _first_instants(table, PointIndex(points), len(points))
        fresh = np.ones(len(points), dtype=np.bool_)
        fresh[1:] = (points.subject[1:] != points.subject[:-1]) | (first[1:] != first[:-1])
        self.subject, self.start, self.first = points.subject[fresh], points.instant[fresh], first[fresh]
        self.end = np.full(len(self.subject), NEVER, dtype=np.int64)
        again = self.subject[1:] == self.subject[:-1]
        self.end[:-1] = np.where(again, self.start[1:], NEVER)

    def of(self, subject: np.ndarray) -> tuple[Int64s, Int64s]:
        """For each given subject all of its pieces: (index into the given, index of the piece)."""
        low, high = np.searchsorted(self.subject, subject), np.searchsorted(self.subject, subject, side="right")
        counts = high - low
        given = np.repeat(np.arange(len(subject)), counts)
        offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return given, np.repeat(low, counts) + offsets


def last_return(first: Int64s, today: Int64s) -> Int64s:
    """The last yearly return of each first day that is not after today; 29 February returns on the 28th."""
    years = _years(today) - _years(first)
    this_year = add_months(first, _MONTHS * years)
    return np.where(this_year <= today, this_year, add_months(first, _MONTHS * (years - 1)))


def next_return(first: Int64s, day: Int64s) -> Int64s:
    """The first yearly return of each first day that is after the day."""
    years = _years(day) - _years(first)
    this_year = add_months(first, _MONTHS * years)
    return np.where(this_year > day, this_year, add_months(first, _MONTHS * (years + 1)))


def _years(days: Int64s) -> Int64s:
    return np.asarray(days).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)
