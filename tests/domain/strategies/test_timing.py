"""Quiet hours, delays and schedules by the wall clock."""

import pytest

from domain.facts.instants import format_instant, parse_instant
from domain.strategies.spec import Scheduled
from domain.strategies.timing import due_at, held_until, next_round
from tests.domain.strategies.worded import NOW, strategy

QUIET = {"quiet": {"from": "21:00", "to": "09:00"}}


@pytest.mark.parametrize(
    ("at", "zone", "due"),
    [
        ("2026-03-01T09:00:00Z", None, "2026-03-01T09:00:00Z"),  # 17:00 in Shanghai
        ("2026-03-01T13:00:00Z", None, "2026-03-02T01:00:00Z"),  # 21:00: to 09:00 of the next day
        ("2026-03-01T12:59:59Z", None, "2026-03-01T12:59:59Z"),
        ("2026-03-01T20:00:00Z", None, "2026-03-02T01:00:00Z"),  # 04:00: to 09:00 of the same day
        ("2026-03-02T01:00:00Z", None, "2026-03-02T01:00:00Z"),
        ("2026-03-01T13:00:00Z", "Europe/Berlin", "2026-03-01T13:00:00Z"),  # the user's own day
        ("2026-03-01T23:30:00Z", "Europe/Berlin", "2026-03-02T08:00:00Z"),
        ("2026-03-29T00:30:00Z", "Europe/Berlin", "2026-03-29T07:00:00Z"),  # the clock is put forward that night
        ("2026-03-01T13:00:00Z", "Mars/Olympus", "2026-03-02T01:00:00Z"),  # the strategy's, for want of such a zone
    ],
)
def test_actions_wait_for_the_end_of_quiet_hours(at: str, zone: str | None, due: str) -> None:
    attributes = {} if zone is None else {"time_zone": zone}
    assert format_instant(due_at(strategy(when=QUIET), attributes, parse_instant(at))) == due


def test_quiet_hours_of_one_day() -> None:
    spec = strategy(when={"quiet": {"from": "12:00", "to": "14:00"}})
    assert [
        format_instant(due_at(spec, {}, parse_instant(f"2026-03-01T{at}:00Z")))[11:16] for at in ("03:59", "04:00")
    ] == [
        "03:59",
        "06:00",
    ]


def test_the_delay_comes_before_the_quiet_hours() -> None:
    spec = strategy(when={"delay": "4 hours", **QUIET})
    assert format_instant(due_at(spec, {}, NOW)) == "2026-03-02T01:00:00Z"
    assert due_at(strategy(when={"delay": "30 minutes"}), {}, NOW) == NOW + 30 * 60_000_000


def test_a_tier_is_held_at_a_midnight_of_the_zone() -> None:
    assert format_instant(held_until(strategy(), NOW, 30)) == "2026-03-30T16:00:00Z"


@pytest.mark.parametrize(
    ("trigger", "rounds"),
    [
        ({"every": "day", "at": "09:00"}, ["2026-03-02T01:00:00Z", "2026-03-03T01:00:00Z"]),
        ({"every": "day", "at": "18:00"}, ["2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z"]),
        ({"every": "week", "on": 1, "at": "09:00"}, ["2026-03-02T01:00:00Z", "2026-03-09T01:00:00Z"]),
        ({"every": "week", "on": 7, "at": "09:00"}, ["2026-03-08T01:00:00Z", "2026-03-15T01:00:00Z"]),
        ({"every": "month", "on": 1, "at": "09:00"}, ["2026-04-01T01:00:00Z", "2026-05-01T01:00:00Z"]),
        ({"every": "month", "on": 31, "at": "09:00"}, ["2026-03-31T01:00:00Z", "2026-04-30T01:00:00Z"]),
    ],
)
def test_schedules_come_round(trigger: dict[str, object], rounds: list[str]) -> None:
    schedule = strategy(trigger=trigger).trigger
    assert isinstance(schedule, Scheduled)
    first = next_round(schedule, "Asia/Shanghai", NOW)
    assert [format_instant(first), format_instant(next_round(schedule, "Asia/Shanghai", first))] == rounds
