"""When grants end, and which calendar period an instant lies in. Instants in microseconds."""

import numpy as np

from domain.benefits.spec import BenefitSpec, Period
from domain.facts.instants import parse_instant
from domain.tier_model.calendar import add_months_to, calendar_of, period_start

_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def end_of_grant(spec: BenefitSpec, granted_at: int) -> int | None:
    """From when on a grant made at an instant is over; None: never."""
    validity = spec.validity
    if validity is None:
        return None
    if validity.until is not None:
        return parse_instant(validity.until)
    calendar = calendar_of(spec.time_zone)
    day = calendar.day_of(granted_at)
    if validity.end_of is not None:
        return calendar.midnight_of(add_months_to(_first_day(day, validity.end_of), _MONTHS[validity.end_of]))
    length = validity.length
    assert length is not None
    end = day + length.days if length.days is not None else add_months_to(day, length.months or 0)
    return calendar.midnight_of(end)


def start_of_period(period: Period, time_zone: str, instant: int) -> int:
    """The first instant of the calendar period that an instant lies in. Weeks begin on Mondays."""
    calendar = calendar_of(time_zone)
    return calendar.midnight_of(_first_day(calendar.day_of(instant), period))


def period_named(period: Period, time_zone: str, instant: int) -> str:
    """The first local day of the calendar period that an instant lies in, as 2026-03-01."""
    return str(np.datetime64(_first_day(calendar_of(time_zone).day_of(instant), period), "D"))


def starts_of_periods(period: Period, time_zone: str, first: int, last: int) -> list[int]:
    """Starts of all calendar periods from the one that `first` lies in to the one that `last` lies in."""
    calendar = calendar_of(time_zone)
    day, end = _first_day(calendar.day_of(first), period), calendar.day_of(last)
    starts = []
    while day <= end:
        starts.append(calendar.midnight_of(day))
        day = day + _DAYS[period] if period in _DAYS else add_months_to(day, _MONTHS[period])
    return starts


def _first_day(day: int, period: Period) -> int:
    if period == "day":
        return day
    if period == "week":
        return day - (day + 3) % 7  # 1 January 1970 was a Thursday
    return int(period_start(np.array([day]), _MONTHS[period])[0])
