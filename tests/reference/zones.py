"""Local days of a time zone, found by looking at its clocks. Rule: "Time" and "Windows" of the semantics.

Instants are microseconds since 1970, UTC. Days are `datetime.date`. Nothing here is clever: clocks are read hour by
hour.
"""

import calendar as gregorian
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

SECOND = 1_000_000
HOUR = 3600
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REMEMBERED = 100_000  # instants whose day is kept; midnights all are


def instant(text: str) -> int:
    """'2017-03-12T07:30:00Z' to microseconds; for tests and examples."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def text(at: int) -> str:
    """Back from `instant`, for messages."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def add_months(day: date, months: int) -> date:
    """Rule: "clamped to the month's last day": 31 January and one month is 28 or 29 February."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, day.day if day.day <= 28 else min(day.day, gregorian.monthrange(year, month)[1]))


class Zone:
    """One time zone's days."""

    def __init__(self, name: str) -> None:
        with resources.files("tzdata.zoneinfo").joinpath(name).open("rb") as data:
            self._zone = ZoneInfo.from_file(data, name)
        self._midnights: dict[date, int] = {}
        self._days: dict[int, date] = {}

    def midnight(self, day: date) -> int:
        """Rule: "the first instant whose local date in the scheme's time zone is d or later"."""
        found = self._midnights.get(day)
        if found is None:
            found = self._midnights[day] = self._find_midnight(day) * SECOND
        return found

    def day(self, at: int) -> date:
        """Rule: "the greatest d with midnight(d) <= t"."""
        found = self._days.get(at)
        if found is None:
            found = (_EPOCH + timedelta(microseconds=at) + timedelta(days=2)).date()
            while self.midnight(found) > at:
                found -= timedelta(days=1)
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            self._days[at] = found
        return found

    def days_beginning_at(self, at: int) -> list[date]:
        """The days whose midnight is this instant: none, one, or more where the zone skips a date."""
        day, found = self.day(at), []
        while self.midnight(day) == at:
            found.append(day)
            day -= timedelta(days=1)
        return found

    def _find_midnight(self, day: date) -> int:
        """In seconds. While the offset stays the same the local clock runs evenly, so each such stretch is looked at
        once."""
        zero = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        for start, end, offset in self._stretches(zero - 36 * HOUR, zero + 36 * HOUR):
            first = max(start, zero - offset)
            if first < end:
                return first
        raise AssertionError(f"no midnight for {day}")

    def _stretches(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """(from, to, offset) of each stretch of time with one offset to UTC."""
        found, began = [], start
        for hour in range(start, end, HOUR):
            if self._offset(hour) != self._offset(hour + HOUR):
                change = self._change_between(hour, hour + HOUR)
                found.append((began, change, self._offset(hour)))
                began = change
        return [*found, (began, end + HOUR, self._offset(end + HOUR))]

    def _change_between(self, before: int, after: int) -> int:
        """The first second with the later offset (there is at most one change within an hour)."""
        while after - before > 1:
            middle = (before + after) // 2
            if self._offset(middle) == self._offset(before):
                before = middle
            else:
                after = middle
        return after

    def _offset(self, second: int) -> int:
        offset = datetime.fromtimestamp(second, tz=self._zone).utcoffset()
        assert offset is not None
        return offset // timedelta(seconds=1)


@lru_cache
def zone(name: str) -> Zone:
    """The zone from the locked tzdata package, remembered with all its midnights."""
    return Zone(name)
