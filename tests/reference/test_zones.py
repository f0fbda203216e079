"""The reference's days: daylight saving, skipped dates, midnights that do not exist or come twice."""

from datetime import date

import pytest

from tests.reference.zones import add_months, instant, zone


@pytest.mark.parametrize(
    ("name", "day", "midnight"),
    [
        ("UTC", date(2026, 3, 1), "2026-03-01T00:00:00Z"),
        ("Asia/Shanghai", date(2026, 3, 1), "2026-02-28T16:00:00Z"),
        ("America/New_York", date(2026, 3, 8), "2026-03-08T05:00:00Z"),
        ("America/New_York", date(2026, 3, 9), "2026-03-09T04:00:00Z"),
        ("America/New_York", date(2026, 11, 1), "2026-11-01T04:00:00Z"),
        ("America/New_York", date(2026, 11, 2), "2026-11-02T05:00:00Z"),
        # The whole of 30 December was left out.
        ("Pacific/Apia", date(2011, 12, 29), "2011-12-29T10:00:00Z"),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00:00Z"),
        # 00:00 does not exist: the day begins at 01:00.
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00Z"),
        ("Africa/Cairo", date(2023, 4, 28), "2023-04-27T22:00:00Z"),
        # At 24:00 it is 23:00 again: the next day begins an hour later.
        ("America/Sao_Paulo", date(2018, 2, 18), "2018-02-18T03:00:00Z"),
        ("Africa/Cairo", date(2023, 10, 27), "2023-10-26T22:00:00Z"),
        # At 00:01 it is 23:01 again: the day had begun.
        ("America/St_Johns", date(2006, 10, 29), "2006-10-29T02:30:00Z"),
    ],
)
def test_midnight(name, day, midnight):
    assert zone(name).midnight(day) == instant(midnight)


@pytest.mark.parametrize(
    ("name", "at", "day"),
    [
        ("America/New_York", "2026-03-09T03:59:59.999999Z", date(2026, 3, 8)),
        ("America/New_York", "2026-03-09T04:00:00Z", date(2026, 3, 9)),
        ("Pacific/Apia", "2011-12-30T09:59:59Z", date(2011, 12, 29)),
        ("Pacific/Apia", "2011-12-30T10:00:00Z", date(2011, 12, 31)),
        ("America/St_Johns", "2006-10-29T02:45:00Z", date(2006, 10, 29)),  # the clock says 23:15 on the 28th
    ],
)
def test_day(name, at, day):
    assert zone(name).day(instant(at)) == day


def test_days_beginning_at():
    apia = zone("Pacific/Apia")
    assert apia.days_beginning_at(instant("2011-12-30T10:00:00Z")) == [date(2011, 12, 31), date(2011, 12, 30)]
    assert apia.days_beginning_at(instant("2011-12-30T11:00:00Z")) == []


def test_months_are_clamped():
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2024, 2, 29), 12) == date(2025, 2, 28)
    assert add_months(date(2026, 3, 31), -1) == date(2026, 2, 28)
    assert add_months(date(2026, 1, 15), -1) == date(2025, 12, 15)
