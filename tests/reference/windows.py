"""Which local days a feature sees. Rules: "Windows", and "trend" and "rate" of "Features".

A window is (first instant, first instant after it), None for open.
"""

import re
from datetime import date, timedelta
from functools import lru_cache

from tests.reference.zones import Zone, add_months

Window = tuple[int | None, int | None]
_PERIOD_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def window(feature: dict, at: int, local: Zone, first: int | None = None, anchor: int | None = None) -> Window:
    """first: occurred_at of the subject's first visible fact. Rule: "`since: enrolment` starts at the first fact".
    anchor: the entry or requalification that a window since standing starts after; None: it holds all."""
    today, since = local.day(at), feature.get("since")
    end = local.midnight(today) if _through_yesterday(feature) else None
    if since == "standing":
        return None if anchor is None else anchor + 1, end
    if since == "enrolment":
        return first, end
    if since is None and "within" not in feature:
        return None, end
    if _whole(feature):
        return tuple(local.midnight(day) for day in _last_period(feature, today))
    start = _first_day(feature, _day_after(feature, today), today, _day(first, local))
    return None if start is None else local.midnight(start), end


def window_before(feature: dict, at: int, local: Zone, first: int | None) -> Window:
    """Rule: "the one of the same length before it (the previous period, for `this …`)": the window of the same
    spelling that ends on the day before this one's first. Nothing lies before everything, nor before enrolment."""
    today, enrolled = local.day(at), _day(first, local)
    if _whole(feature):
        start = _last_period(feature, today)[0]
        return local.midnight(_last_period(feature, start)[0]), local.midnight(start)
    start = _first_day(feature, _day_after(feature, today), today, enrolled)
    if start is None or feature.get("since") == "enrolment":
        return at + 1, at + 1
    before = _first_day(feature, start, start - timedelta(days=1), enrolled)
    return local.midnight(before), local.midnight(start)


def days_of_window(feature: dict, at: int, local: Zone, first: int | None, anchor: int | None = None) -> int:
    """Rule: "rate: count / days of the window × N (lifetime: days since the first fact, at least 1)". From the first
    day to the last, both inclusive. Since standing: from the day of the anchor, one fewer through yesterday."""
    if first is None:
        return 0
    today = local.day(at)
    if feature.get("since") == "standing" and anchor is not None:
        return (today - local.day(anchor)).days - _through_yesterday(feature)
    if _whole(feature):
        start, end = _last_period(feature, today)
        return (end - start).days
    if "within" not in feature and feature.get("since") != "anniversary":
        return max(1, (today - local.day(first)).days)
    after = _day_after(feature, today)
    return (after - _first_day(feature, after, today, local.day(first))).days


def _first_day(feature: dict, after: date, today: date, enrolled: date | None) -> date | None:
    """Of the window whose last day is the one before `after`. "N days: today and the N-1 local days before it"; with
    `through: yesterday` it steps back from today's date instead of tomorrow's."""
    if feature.get("since") == "anniversary":
        return None if enrolled is None else _last_return(enrolled, today)
    if feature.get("since") == "enrolment":
        return enrolled
    if "within" not in feature:
        return None
    number, unit = _length(feature["within"])
    return _period_start(today, _PERIOD_MONTHS[unit]) if number is None else _back(after, number, unit)


@lru_cache
def _length(within: str) -> tuple[int | None, str]:
    """(7, 'day') of '7 days'; (None, 'month') of 'this month'."""
    if within.startswith("this "):
        return None, within.split()[1]
    number, unit = re.fullmatch(r"(\d+) +(day|week|month|year)s?", within).groups()
    return int(number), unit


def _day(at: int | None, local: Zone) -> date | None:
    return None if at is None else local.day(at)


def _through_yesterday(feature: dict) -> bool:
    return feature.get("through") == "yesterday"


def _day_after(feature: dict, today: date) -> date:
    return today if _through_yesterday(feature) else today + timedelta(days=1)


def _back(day: date, number: int, unit: str) -> date:
    """Rule: "A week is 7 days. Months and years step back on the calendar … clamped to the month's last day"."""
    if unit in ("day", "week"):
        return day - timedelta(days=number * (7 if unit == "week" else 1))
    return add_months(day, -number * (12 if unit == "year" else 1))


def _whole(feature: dict) -> bool:
    """Rule: "`last …` is the whole period before this one"."""
    return feature.get("within", "").startswith("last ")


def _last_period(feature: dict, today: date) -> tuple[date, date]:
    """Its first day, and the day after its last."""
    months = _PERIOD_MONTHS[feature["within"].split()[1]]
    this = _period_start(today, months)
    return add_months(this, -months), this


def _period_start(day: date, months: int) -> date:
    """Rule: "this …` starts at the period's first midnight"."""
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _last_return(enrolled: date, today: date) -> date:
    """Rule: "`anniversary` at its last yearly return's midnight (29 February returns on the 28th)". In the first year
    the day itself. Before it (the window before) the year before."""
    years = today.year - enrolled.year
    this_year = add_months(enrolled, 12 * years)
    return this_year if this_year <= today else add_months(enrolled, 12 * (years - 1))
