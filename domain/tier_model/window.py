"""Windows of local days: when a fact enters one and leaves it, and how long one is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.tier_model.calendar import add_months, period_start
from domain.tier_model.spans import Int64s


@dataclass(frozen=True, slots=True)
class WindowPlan:
    """A feature's window: `days` or `months` back from today, or the calendar period of `period` months, this one
    or the last; else all.

    enrolment, anniversary: since the subject's first fact, or its last yearly return: that depends on the subject
    (enrolment.py).
    standing: since the subject's last entry or requalification (Bases).
    """

    days: int | None = None
    months: int | None = None
    period: int | None = None
    last: bool = False
    through_yesterday: bool = False
    anniversary: bool = False
    standing: bool = False

    @property
    def bounded(self) -> bool:
        """Whether facts leave it on days that follow from the calendar alone."""
        return self.days is not None or self.months is not None or self.period is not None

    def first_days(self, days: Int64s) -> Int64s:
        """For each day, the first day of the window that ends on it (or on the day before). Never decreasing."""
        tomorrow = days if self.through_yesterday else days + 1
        if self.days is not None:
            return tomorrow - self.days
        if self.months is not None:
            return add_months(tomorrow, -self.months)
        assert self.period is not None
        start = period_start(days, self.period)
        return period_start(start - 1, self.period) if self.last else start

    def first_days_before(self, days: Int64s) -> Int64s:
        """The same of the window before it: of the same spelling, ending on the day before this one starts."""
        first = self.first_days(days)
        if self.last and self.period is not None:
            return period_start(first - 1, self.period)
        if self.through_yesterday and self.period is None:
            return self.first_days(first)  # it ends on the day before the day it is asked for
        return self.first_days(first - 1)

    def entering_days(self, occurred: Int64s) -> Int64s:
        """For each day on which a fact occurred, the first day whose window holds it."""
        if self.last:
            return WindowPlan(period=self.period).leaving_days(occurred)
        return occurred + 1 if self.through_yesterday else occurred

    @property
    def reach_days(self) -> int | None:
        """How many days after it occurred a fact has left the window for certain; None: nobody can say."""
        if self.days is None and self.months is None:
            return None
        return (self.days or 31 * (self.months or 0)) + 3  # a zone may skip a date, or move the midnight

    def leaving_days(self, occurred: Int64s) -> Int64s:
        """For each day on which a fact occurred, the first day whose window no longer holds it."""
        if self.days is not None:
            return occurred + (self.days + 1 if self.through_yesterday else self.days)
        return self._first_beyond(occurred, self.first_days, 2 if self.last else 1)

    def leaving_days_before(self, occurred: Int64s) -> Int64s:
        """The first day whose window before no longer holds it."""
        return self._first_beyond(occurred, self.first_days_before, 3 if self.last else 2)

    def lengths(self, days: Int64s) -> Int64s:
        """How many days the window that ends on each day has; may be 0 through yesterday."""
        if self.last:
            return period_start(days, self.period or 1) - self.first_days(days)
        return days - self.first_days(days) + (0 if self.through_yesterday else 1)

    def _first_beyond(self, occurred: Int64s, first_days: Callable[[Int64s], Int64s], windows: int) -> Int64s:
        reach = windows * (self.days or (self.months or self.period or 0) * 31)
        first, last = int(occurred.min()), int(occurred.max()) + reach + 3
        starts = first_days(np.arange(first, last + 1))
        return np.asarray(first + np.searchsorted(starts, occurred, side="right"))
