"""The column executor: features of thousands of subjects at many instants at once. The only evaluator there is.

Live decisions, history, replay and verification all come through here, so they cannot differ.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.facts.table import NEVER, FactTable
from domain.tier_model.calendar import DAY_MICROS, Calendar
from domain.tier_model.column import Column
from domain.tier_model.enrolment import first_days, last_return
from domain.tier_model.expression import Condition
from domain.tier_model.placing import FeatureFacts, Placing
from domain.tier_model.selection import Aggregate, Reading, select
from domain.tier_model.spans import (
    ALWAYS,
    Bools,
    Int64s,
    PointIndex,
    Points,
    Ranges,
    covering_count,
    covering_distinct,
    covering_maximum,
    covering_sum,
    covering_top,
    ranges_of,
)
from domain.tier_model.window import WindowPlan

_EXACT_FLOAT = 2**53


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """One feature, resolved.

    part: the condition of a share. weigh_by_amount: of a top. per_days: of a rate. after_days: facts mature.
    at_order: refunds stand where their order does. crossings: days_since values after which a condition or score may
    change its mind, None: any.
    """

    name: str
    aggregate: Aggregate
    of: Reading
    window: WindowPlan
    minus: Reading | None = None
    first: bool = False
    where: Condition | None = None
    part: Condition | None = None
    weigh_by_amount: bool = False
    per_days: int = 1
    after_days: int = 0
    at_order: bool = False
    crossings: tuple[int, ...] | None = ()


class FeatureColumns:
    """One feature over one table: when it can change, and its values at points."""

    def __init__(self, plan: FeaturePlan, table: FactTable, calendar: Calendar, since: Int64s | None = None) -> None:
        """since: per subject, an instant before which nothing is asked; None: anything may be."""
        self.plan = plan
        self._table = table
        self._calendar = calendar
        placing = Placing(table, calendar, plan.window, plan.after_days, plan.at_order)
        self._after = _needed_after(plan, since)
        self._facts = self._read(placing)
        # What the main facts are held against: the part of a share, the window before of a trend.
        self._other: FeatureFacts | None = None
        if plan.part is not None:
            self._other = self._read(placing, plan.part)
        if plan.aggregate == "trend":
            self._other = placing.before(select(table, plan.of, plan.where, plan.aggregate))
        if since is not None and not self._every_day:
            self._facts = self._mattering(self._facts, since)
            self._other = self._mattering(self._other, since) if self._other is not None else None

    def _mattering(self, facts: FeatureFacts, since: Int64s) -> FeatureFacts:
        """Without those that have left the window for good, or never leave it and can be the last one no more: most of
        a year's."""
        asked = since[facts.subject]
        matters = facts.end > asked
        if self.plan.aggregate in ("days_since", "latest"):
            matters &= (facts.end != NEVER) | (self._superseded_at(facts) > asked)
        return facts.taken(matters)

    def _read(self, placing: Placing, part: Condition | None = None) -> FeatureFacts:
        plan = self.plan
        facts = placing.placed(
            select(self._table, plan.of, plan.where, plan.aggregate, plan.weigh_by_amount, part, self._after)
        )
        if plan.minus is None:
            return facts
        return facts.less(
            placing.placed(select(self._table, plan.minus, plan.where, plan.aggregate, after=self._after))
        )

    def instants(self, until: Int64s) -> tuple[npt.NDArray[np.int32], Int64s]:
        """(subjects, instants) at which this feature can change, or be seen to: until[subject] is the exclusive end."""
        subjects, instants = [], []
        for facts in (self._facts, self._other):
            if facts is not None:
                ends = facts.end != NEVER
                subjects += [facts.subject, facts.subject[ends]]
                instants += [facts.start, facts.end[ends]]
        if self._every_day or self.plan.aggregate == "days_since":
            moved = self._every_midnight(until) if self._every_day else self._crossings()
            subjects.append(moved[0])
            instants.append(moved[1])
        return np.concatenate(subjects), np.concatenate(instants)

    @property
    def _every_day(self) -> bool:
        """Whether it may change at any midnight."""
        plan = self.plan
        if plan.aggregate == "rate":
            return plan.window.days is None
        return plan.aggregate == "days_since" and plan.crossings is None

    def values(self, points: Points, index: PointIndex) -> Column:
        """Values at the points; valid where there is one."""
        facts, plan = self._facts, self.plan
        ranges = self._ranges(facts, index)
        everywhere = np.ones(len(points), dtype=np.bool_)
        match plan.aggregate:
            case "count":
                return Column(covering_count(ranges), everywhere)
            case "sum":
                return Column(*covering_sum(ranges, facts.number))
            case "avg":
                return _quotient(
                    Column(*covering_sum(ranges, facts.number)), Column(covering_count(ranges), everywhere)
                )
            case "distinct":
                return Column(covering_distinct(ranges, self._distinct_codes), everywhere)
            case "share" | "trend":
                assert self._other is not None
                main = Column(*covering_sum(ranges, facts.number))
                other = Column(*covering_sum(self._ranges(self._other, index), self._other.number))
                return _quotient(other, main) if plan.aggregate == "share" else _quotient(main, other)
            case "rate":
                return Column(self._rate(covering_count(ranges), points, index), everywhere)
            case "top":
                assert facts.value is not None
                return covering_top(ranges, facts.value, facts.number)
            case _:
                return self._picked(points, ranges)

    def _picked(self, points: Points, ranges: Ranges) -> Column:
        """One fact's value: the least, the greatest, the last."""
        facts = self._facts
        priority, by_priority = self._ranked
        best = covering_maximum(ranges, priority)
        valid = best >= 0
        chosen = by_priority[np.where(valid, best, 0)] if len(facts.row) else np.zeros(len(points), np.int64)
        if self.plan.aggregate == "days_since":
            return Column(self._age(points, chosen, valid), valid)
        if not len(facts.row):
            return Column(np.zeros(len(points), dtype=np.int64), valid)
        if facts.value is None:
            return Column(np.where(valid, facts.number[chosen], 0), valid)
        return Column(facts.value[chosen], valid)

    def _rate(self, count: Int64s, points: Points, index: PointIndex) -> npt.NDArray[np.float64]:
        """count / days of the window x N; over the lifetime, days since the subject's first fact, at least 1."""
        window, today = self.plan.window, self._calendar.day(points.instant)
        if window.days is not None:
            days = np.full(len(points), window.days, dtype=np.int64)
        elif window.bounded:
            days = window.lengths(today)
        else:
            first = first_days(self._table, self._calendar, index, len(points))
            if window.anniversary:
                days = today - last_return(first, today) + (0 if window.through_yesterday else 1)
            else:
                days = np.maximum(today - first, 1)
            if window.standing and points.bases is not None:
                anchor = points.bases.anchor
                since = today - self._calendar.day(anchor) - (1 if window.through_yesterday else 0)
                days = np.where(anchor == ALWAYS, days, since)
        zero = np.zeros(len(points), dtype=np.float64)
        return np.divide(count, days, out=zero, where=days > 0) * self.plan.per_days

    def _ranges(self, facts: FeatureFacts, index: PointIndex) -> Ranges:
        """Where each fact counts. A window since standing loses it at the first point whose anchor has reached it."""
        if not self.plan.window.standing:
            return ranges_of(index, facts.subject, facts.start, facts.end)
        lost = index.first_anchored_at(facts.subject, facts.at)
        return ranges_of(index, facts.subject, facts.start, facts.end, lost)

    # ----------------------------------------------------------------------------------------------------- priorities

    @cached_property
    def _ranked(self) -> tuple[Int64s, Int64s]:
        """What the feature prefers among its facts: each fact's priority (>= 0, the greatest wins; ties go to the later
        fact), and the facts by priority. Evaluated several times, ranked once."""
        facts, plan = self._facts, self.plan
        if plan.aggregate in ("min", "max"):
            if facts.value is None:
                order = np.argsort(facts.number, kind="stable").astype(np.int64)
            else:  # whole numbers and others: numpy would compare them as float64
                order = np.array(sorted(range(len(facts.value)), key=facts.value.__getitem__), dtype=np.int64)
            backwards = plan.aggregate == "min"
        else:
            order = np.argsort(facts.row, kind="stable").astype(np.int64)
            backwards = plan.first
        if backwards:
            order = order[::-1]
        priority = np.empty(len(order), dtype=np.int64)
        priority[order] = np.arange(len(order))
        return priority, order

    @cached_property
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

    def _crossings(self) -> tuple[npt.NDArray[np.int32], Int64s]:
        """Midnights at which the age may cross a threshold."""
        facts = self._facts
        if not len(facts.row) or not self.plan.crossings:
            return facts.subject[:0], facts.start[:0]
        days = self._calendar.day(self._table.occurred_at[facts.row])
        superseded = self._superseded_at(facts)
        subjects, instants = [], []
        for age in self.plan.crossings:
            midnight = self._calendar.midnight(days + age)
            matters = (midnight > facts.start) & (midnight < np.minimum(facts.end, superseded))
            subjects.append(facts.subject[matters])
            instants.append(midnight[matters])
        return np.concatenate(subjects), np.concatenate(instants)

    def _superseded_at(self, facts: FeatureFacts) -> Int64s:
        """When a later fact takes over for good (never voided): crossings after that cannot matter."""
        superseded = np.full(len(facts.row), NEVER, dtype=np.int64)
        if self.plan.first or len(facts.row) < 2:
            return superseded
        lasting = (facts.subject[1:] == facts.subject[:-1]) & (self._table.voided_at[facts.row[1:]] == NEVER)
        # It must not leave the window first, as a refund that stands at an earlier order would.
        lasting &= (facts.end[1:] >= facts.end[:-1]) & (facts.at[1:] >= facts.at[:-1])
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


def _needed_after(plan: FeaturePlan, since: Int64s | None) -> int:
    """Facts that occurred before this instant have left the window before anything is asked: they need not be read."""
    reach = plan.window.reach_days
    if since is None or not len(since) or reach is None or plan.at_order or plan.aggregate == "trend":
        return ALWAYS
    oldest = int(since.min())
    return ALWAYS if oldest == ALWAYS else oldest - reach * DAY_MICROS


def _quotient(part: Column, whole: Column) -> Column:
    """Exact integers divided, correctly rounded; null where the whole is 0."""
    valid = part.valid & whole.valid & (whole.values != 0)
    result = np.divide(part.values, whole.values, out=np.zeros(len(valid), dtype=np.float64), where=valid)
    large = (np.abs(part.values) > _EXACT_FLOAT) | (np.abs(whole.values) > _EXACT_FLOAT)
    for point in np.flatnonzero(valid & large):
        result[point] = int(part.values[point]) / int(whole.values[point])
    return Column(result, valid)
