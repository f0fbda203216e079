"""The column executor: features of thousands of subjects at many instants at once. The only evaluator there is.

Live decisions, history, replay and verification all come through here, so they cannot differ.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from domain.facts.table import NEVER, FactTable
from domain.tier_model.calendar import Calendar, add_months, period_start
from domain.tier_model.column import Column
from domain.tier_model.expression import Condition
from domain.tier_model.spans import (
    Bools,
    Int64s,
    PointIndex,
    Points,
    covering_count,
    covering_distinct,
    covering_maximum,
    covering_sum,
    ranges_of,
)

Aggregate = Literal["count", "sum", "avg", "min", "max", "distinct", "latest", "days_since"]
Objects = npt.NDArray[np.object_]

_EXACT_FLOAT = 2**53


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """A feature's window: `days` or `months` back from today, or the calendar period of `period` months; else all."""

    days: int | None = None
    months: int | None = None
    period: int | None = None
    through_yesterday: bool = False

    def first_days(self, days: Int64s) -> Int64s:
        """For each day, the first day of the window that ends on it (or on the day before). Never decreasing."""
        tomorrow = days if self.through_yesterday else days + 1
        if self.days is not None:
            return tomorrow - self.days
        if self.months is not None:
            return add_months(tomorrow, -self.months)
        assert self.period is not None
        return period_start(days, self.period)

    def leaving_days(self, occurred: Int64s) -> Int64s:
        """For each day on which a fact occurred, the first day whose window no longer holds it."""
        reach = self.days or (self.months or self.period or 0) * 31
        first, last = int(occurred.min()), int(occurred.max()) + reach + 3
        starts = self.first_days(np.arange(first, last + 1))
        return first + np.searchsorted(starts, occurred, side="right")

    @property
    def bounded(self) -> bool:
        """Whether facts ever leave it."""
        return self.days is not None or self.months is not None or self.period is not None


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """One feature, resolved. field: 'amount' or an attribute. crossings: days_since values after which a condition or
    score may change its mind, None: any."""

    name: str
    aggregate: Aggregate
    kind: str
    field: str | None
    minus: tuple[str, str] | None
    first: bool
    window: WindowPlan
    where: Condition | None
    crossings: tuple[int, ...] | None = ()


@dataclass(frozen=True, slots=True)
class FeatureFacts:
    """The facts that a feature looks at: table rows, and the instants [start, end) during which each counts."""

    row: Int64s
    subject: npt.NDArray[np.int32]
    start: Int64s
    end: Int64s
    number: Int64s  # what sum and avg add up, sign included
    value: Objects | None  # what min, max, latest, distinct read


class FeatureColumns:
    """One feature over one table: when it can change, and its values at points."""

    def __init__(self, plan: FeaturePlan, table: FactTable, calendar: Calendar) -> None:
        self.plan = plan
        self._table = table
        self._calendar = calendar
        self._facts = self._select()

    def instants(self, until: Int64s) -> tuple[npt.NDArray[np.int32], Int64s]:
        """(subjects, instants) at which this feature can change, or be seen to: until[subject] is the exclusive end."""
        facts = self._facts
        ends = facts.end != NEVER
        subjects, instants = [facts.subject, facts.subject[ends]], [facts.start, facts.end[ends]]
        if self.plan.aggregate == "days_since":
            crossing_subjects, crossing_instants = self._crossings(until)
            subjects.append(crossing_subjects)
            instants.append(crossing_instants)
        return np.concatenate(subjects), np.concatenate(instants)

    def values(self, points: Points, index: PointIndex) -> Column:
        """Values at the points; valid where there is one."""
        facts, plan = self._facts, self.plan
        ranges = ranges_of(index, facts.subject, facts.start, facts.end)
        everywhere = np.ones(len(points), dtype=np.bool_)
        if plan.aggregate == "count":
            return Column(covering_count(ranges), everywhere)
        if plan.aggregate == "sum":
            return Column(*covering_sum(ranges, facts.number))
        if plan.aggregate == "avg":
            return _average(*covering_sum(ranges, facts.number), covering_count(ranges))
        if plan.aggregate == "distinct":
            return Column(covering_distinct(ranges, self._distinct_codes()), everywhere)
        best = covering_maximum(ranges, self._priority())
        valid = best >= 0
        chosen = self._by_priority()[np.where(valid, best, 0)] if len(facts.row) else np.zeros(len(points), np.int64)
        if plan.aggregate == "days_since":
            return Column(self._age(points, chosen, valid), valid)
        if not len(facts.row):
            return Column(np.zeros(len(points), dtype=np.int64), valid)
        if plan.field == "amount":
            return Column(np.where(valid, facts.number[chosen], 0), valid)
        assert facts.value is not None
        return Column(facts.value[chosen], valid)

    def day_counted_from(self, points: Points, index: PointIndex) -> Column:
        """For days_since: the local day of the fact that it counts from."""
        facts = self._facts
        best = covering_maximum(ranges_of(index, facts.subject, facts.start, facts.end), self._priority())
        valid = best >= 0
        if not len(facts.row):
            return Column(np.zeros(len(points), dtype=np.int64), valid)
        occurred = self._table.occurred_at[facts.row[self._by_priority()[np.where(valid, best, 0)]]]
        return Column(self._calendar.day(occurred), valid)

    # ------------------------------------------------------------------------------------------------------ selection

    def _select(self) -> FeatureFacts:
        plan = self.plan
        rows, number, value = self._rows_of(plan.kind, plan.field, sign=1)
        if plan.minus is not None:
            more, subtrahend, _ = self._rows_of(*plan.minus, sign=-1)
            rows, number = np.concatenate([rows, more]), np.concatenate([number, subtrahend])
        start, end = self._counted(rows)
        counted = end > start
        return FeatureFacts(
            row=rows[counted],
            subject=self._table.subject[rows[counted]],
            start=start[counted],
            end=end[counted],
            number=number[counted],
            value=value[counted] if value is not None else None,
        )

    def _rows_of(self, kind: str, field: str | None, sign: int) -> tuple[Int64s, Int64s, Objects | None]:
        table = self._table
        mask = table.is_kind(kind)
        if self.plan.where is not None and mask.any():
            rows = np.flatnonzero(mask)
            mask[rows] = self.plan.where.matches(_fact_columns(table, rows, self.plan.where.names), len(rows))
        if field is None:
            rows = np.flatnonzero(mask)
            return rows, np.ones(len(rows), dtype=np.int64), None
        if field == "amount":
            rows = np.flatnonzero(mask & table.amount_valid)
            number = table.amount[rows]
            return rows, number * sign, number.astype(object) if self.plan.aggregate == "distinct" else None
        rows = np.flatnonzero(mask)
        values = [(table.attributes[row] or {}).get(field) for row in rows]
        readable = [value is not None and self._readable(value) for value in values]
        kept = [value for value, good in zip(values, readable, strict=True) if good]
        rows = rows[np.array(readable, dtype=np.bool_)] if len(rows) else rows
        column = np.empty(len(kept), dtype=object)
        column[:] = kept
        if self.plan.aggregate in ("sum", "avg"):
            return rows, column.astype(np.int64) * sign, None
        return rows, np.zeros(len(kept), np.int64), column

    def _readable(self, value: Any) -> bool:
        """Sums and averages add integers up, min and max order numbers; anything else is nothing there."""
        if self.plan.aggregate in ("sum", "avg"):
            return type(value) is int
        if self.plan.aggregate in ("min", "max"):
            return type(value) in (int, float)
        return True

    def _counted(self, rows: Int64s) -> tuple[Int64s, Int64s]:
        """When each row counts: visible, in the window, not voided."""
        table, window = self._table, self.plan.window
        occurred_at = table.occurred_at[rows]
        start = np.maximum(occurred_at, table.known_at[rows])
        end = table.voided_at[rows]
        if not len(rows) or not (window.bounded or window.through_yesterday):
            return start, end
        days = self._calendar.day(occurred_at)
        if window.through_yesterday:
            start = np.maximum(start, self._calendar.midnight(days + 1))
        if window.bounded:
            end = np.minimum(end, self._calendar.midnight(window.leaving_days(days)))
        return start, end

    # ----------------------------------------------------------------------------------------------------- priorities

    def _priority(self) -> Int64s:
        """What the feature prefers among its facts: >= 0, the greatest wins; ties go to the later fact."""
        return self._ranked()[0]

    def _by_priority(self) -> Int64s:
        return self._ranked()[1]

    def _ranked(self) -> tuple[Int64s, Int64s]:
        facts, plan = self._facts, self.plan
        if plan.aggregate in ("min", "max"):
            keys = facts.number if plan.field == "amount" else facts.value
            assert keys is not None
            order = np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
            backwards = plan.aggregate == "min"
        else:
            order = np.argsort(facts.row, kind="stable").astype(np.int64)
            backwards = plan.first
        if backwards:
            order = order[::-1]
        priority = np.empty(len(order), dtype=np.int64)
        priority[order] = np.arange(len(order))
        return priority, order

    def _distinct_codes(self) -> Int64s:
        facts = self._facts
        assert facts.value is not None
        codes: dict[tuple[int, bool, Any], int] = {}
        pairs = zip(facts.subject.tolist(), facts.value.tolist(), strict=True)
        return np.array([codes.setdefault((s, type(v) is bool, v), len(codes)) for s, v in pairs], dtype=np.int64)

    # ----------------------------------------------------------------------------------------------------- days_since

    def _age(self, points: Points, chosen: Int64s, valid: Bools) -> Int64s:
        if not len(self._facts.row):
            return np.zeros(len(points), dtype=np.int64)
        occurred = self._table.occurred_at[self._facts.row[chosen]]
        return np.where(valid, self._calendar.day(points.instant) - self._calendar.day(occurred), 0)

    def _crossings(self, until: Int64s) -> tuple[npt.NDArray[np.int32], Int64s]:
        """Midnights at which the age may cross a threshold; every midnight where any value may matter."""
        facts = self._facts
        if not len(facts.row):
            return facts.subject, facts.start
        if self.plan.crossings is None:
            return self._every_midnight(until)
        days = self._calendar.day(self._table.occurred_at[facts.row])
        superseded = self._superseded_at()
        subjects, instants = [], []
        for age in self.plan.crossings:
            midnight = self._calendar.midnight(days + age)
            matters = (midnight > facts.start) & (midnight < np.minimum(facts.end, superseded))
            subjects.append(facts.subject[matters])
            instants.append(midnight[matters])
        if not subjects:
            return facts.subject[:0], facts.start[:0]
        return np.concatenate(subjects), np.concatenate(instants)

    def _superseded_at(self) -> Int64s:
        """When a later fact takes over for good (never voided): crossings after that cannot matter."""
        facts = self._facts
        superseded = np.full(len(facts.row), NEVER, dtype=np.int64)
        if self.plan.first or len(facts.row) < 2:
            return superseded
        lasting = (facts.subject[1:] == facts.subject[:-1]) & (self._table.voided_at[facts.row[1:]] == NEVER)
        superseded[:-1] = np.where(lasting, facts.start[1:], NEVER)
        return superseded

    def _every_midnight(self, until: Int64s) -> tuple[npt.NDArray[np.int32], Int64s]:
        facts = self._facts
        first = np.full(len(until), NEVER, dtype=np.int64)
        np.minimum.at(first, facts.subject, facts.start)
        subjects = np.flatnonzero(first < until)
        starts, ends = self._calendar.day(first[subjects]) + 1, self._calendar.day(until[subjects])
        lengths = np.maximum(ends - starts + 1, 0)
        offsets = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        repeated = np.repeat(subjects, lengths).astype(np.int32)
        return repeated, self._calendar.midnight(np.repeat(starts, lengths) + offsets)


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


def _average(total: Int64s, fits: Bools, count: Int64s) -> Column:
    """The exact sum divided by the count, correctly rounded."""
    valid = fits & (count > 0)
    mean = np.divide(total, count, out=np.zeros(len(total), dtype=np.float64), where=valid)
    for point in np.flatnonzero(valid & (np.abs(total) > _EXACT_FLOAT)):
        mean[point] = int(total[point]) / int(count[point])
    return Column(mean, valid)
