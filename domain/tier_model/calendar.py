"""Local days of a time zone, and the windows and periods made of them.

Days are ints since 1970-01-01, instants microseconds since the Unix epoch. Everything works on whole numpy arrays.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import numpy as np

from domain.facts.instants import to_datetime

Days = np.ndarray
Instants = np.ndarray

DAY_MICROS = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = -366
LAST_DAY = 73_000  # the year 2169
_FOREVER = np.iinfo(np.int64)
_FEW = 64  # instants that are searched for sooner than all are guessed
_KEPT = 10_000  # answers about single days: policies ask for the same few again and again


class Calendar:
    """midnight(d): the first instant whose local date is d or later. day(t): the greatest d with midnight(d) <= t."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._midnights = _midnights(load_zone(zone))
        self._edges = np.concatenate([[_FOREVER.min], self._midnights, [_FOREVER.max]])
        self._listed: list[int] = self._midnights.tolist()  # of one day or instant it is asked sooner than an array
        self._first = self._listed[0]

    def midnight(self, days: Days) -> Instants:
        """Instants of the first moments of the days; days past the table's end take its last."""
        return np.asarray(self._midnights[np.minimum(np.maximum(days, _FIRST_DAY), LAST_DAY) - _FIRST_DAY])

    def day(self, instants: Instants) -> Days:
        """Local days of the instants."""
        if len(instants) <= _FEW:
            return np.asarray(self._midnights.searchsorted(instants, side="right") - 1 + _FIRST_DAY)
        instants = np.minimum(np.maximum(instants, self._first - 1), self._listed[-1])
        # A guess by days of 24 hours is off by a few at most, whatever the zone did: much sooner than searching.
        guess = np.asarray((instants - self._first) // DAY_MICROS + 1)
        while (late := self._edges[guess] > instants).any():
            guess = guess - late
        while (early := self._edges[guess + 1] <= instants).any():
            guess = guess + early
        return np.asarray(guess - 1 + _FIRST_DAY)

    def midnight_of(self, day: int) -> int:
        """midnight of one day."""
        return self._listed[min(max(day, _FIRST_DAY), LAST_DAY) - _FIRST_DAY]

    def day_of(self, instant: int) -> int:
        """day of one instant."""
        return bisect_right(self._listed, instant) - 1 + _FIRST_DAY


@lru_cache(maxsize=64)
def calendar_of(zone: str) -> Calendar:
    """The calendar of a zone, computed once a process. Raises ValueError for an unknown zone."""
    return Calendar(zone)


def load_zone(zone: str) -> ZoneInfo:
    """The zone out of the locked tzdata package, never the machine's own. Raises ValueError for an unknown one."""
    parts = zone.split("/")
    if not all(part and part.replace("_", "").replace("-", "").replace("+", "").isalnum() for part in parts):
        raise ValueError(f"{zone!r} is not an IANA time zone; write one such as Asia/Shanghai")
    entry = resources.files("tzdata").joinpath("zoneinfo", *parts)
    if not entry.is_file():
        raise ValueError(f"{zone!r} is not an IANA time zone; write one such as Asia/Shanghai")
    with entry.open("rb") as data:
        return ZoneInfo.from_file(data, key=zone)


def _midnights(zone: ZoneInfo) -> Instants:
    """midnight(d) for every d of the table; never decreasing (a skipped date shares its successor's midnight)."""
    first = (_EPOCH + timedelta(days=_FIRST_DAY)).replace(tzinfo=None)
    midnights = [first + timedelta(days=index) for index in range(LAST_DAY - _FIRST_DAY + 1)]
    # fold=0: of two midnights the first
    offsets = np.array([_micros(local.replace(tzinfo=zone).utcoffset()) for local in midnights], dtype=np.int64)
    table = np.arange(_FIRST_DAY, LAST_DAY + 1) * DAY_MICROS - offsets
    # Only where the offset changes from one midnight to the next can a gap in local time lie before one.
    turns = np.flatnonzero(np.diff(offsets))
    for index in np.unique(np.concatenate([turns, turns + 1])).tolist():
        table[index] = _first_instant_of(midnights[index].date(), int(table[index]), zone)
    return np.asarray(np.maximum.accumulate(table))


def _micros(offset: timedelta | None) -> int:
    return 0 if offset is None else offset // timedelta(microseconds=1)


def _first_instant_of(day: date, near: int, zone: ZoneInfo) -> int:
    """The first instant whose local date is day or later: `near`, unless a gap in local time ends between."""
    if _date(near - 1, zone) < day:
        return near
    low, high = near - 30 * 3_600_000_000, near
    while low + 1 < high:
        middle = (low + high) // 2
        if _date(middle, zone) >= day:
            high = middle
        else:
            low = middle
    return high


def _date(instant: int, zone: ZoneInfo) -> date:
    return to_datetime(instant).astimezone(zone).date()


def add_months(days: Days, months: int | Days) -> Days:
    """The same day of the month `months` later (or earlier), clamped to that month's last day."""
    dates = np.asarray(days).astype("datetime64[D]")
    month = dates.astype("datetime64[M]")
    day_of_month = (dates - month.astype("datetime64[D]")).astype(np.int64)
    target = month + np.asarray(months).astype("timedelta64[M]")
    first = target.astype("datetime64[D]").astype(np.int64)
    length = (target + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int64) - first
    return np.asarray(first + np.minimum(day_of_month, length - 1))


@lru_cache(maxsize=_KEPT)
def add_months_to(day: int, months: int) -> int:
    """add_months of one day."""
    return int(add_months(np.array([day]), months)[0])


def period_start(days: Days, months: int) -> Days:
    """First day of the calendar period of `months` (1, 3, 6 or 12, counted from January) that each day lies in."""
    month = np.asarray(days).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray((month - month % months).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64))


@lru_cache(maxsize=_KEPT)
def year_month_day(day: int) -> tuple[int, int, int]:
    """Civil date of a day."""
    civil = date(1970, 1, 1) + timedelta(days=day)
    return civil.year, civil.month, civil.day


@lru_cache(maxsize=_KEPT)
def day_of_date(year: int, month: int, day: int) -> int:
    """Day of a civil date, clamped to the month's last day."""
    first = (date(year, month, 1) - date(1970, 1, 1)).days
    following = (date(year + month // 12, month % 12 + 1, 1) - date(1970, 1, 1)).days
    return min(first + day - 1, following - 1)
