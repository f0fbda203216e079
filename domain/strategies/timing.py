"""When an action is due, and when a schedule comes round: by the wall clock of a time zone. Instants in µs."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from domain.facts.instants import from_datetime, to_datetime
from domain.strategies.spec import Quiet, Scheduled, StrategySpec, TimeOfDay
from domain.tier_model.calendar import calendar_of, day_of_date, load_zone, year_month_day
from domain.user_tier.observation import Scalar

TIME_ZONE = "time_zone"
"""The profile attribute that names a user's own zone."""


def due_at(spec: StrategySpec, attributes: Mapping[str, Scalar], now: int) -> int:
    """When the actions of an assignment made now are due: after the delay, and not in the user's quiet hours."""
    delay = spec.when.delay
    return out_of_quiet(spec, attributes, now if delay is None else now + delay.micros)


def out_of_quiet(spec: StrategySpec, attributes: Mapping[str, Scalar], instant: int) -> int:
    """The instant, or the end of the user's quiet hours that it lies in."""
    quiet = spec.when.quiet
    return instant if quiet is None else _after_quiet(quiet, zone_of(spec, attributes), instant)


def zone_of(spec: StrategySpec, attributes: Mapping[str, Scalar]) -> ZoneInfo:
    """The user's own zone, or the strategy's where there is none, or none of that name."""
    named = attributes.get(TIME_ZONE)
    if isinstance(named, str):
        try:
            return load_zone(named)
        except ValueError:
            pass
    return load_zone(spec.time_zone)


def held_until(spec: StrategySpec, since: int, days: int) -> int:
    """The midnight, in the strategy's zone, at which a tier has been held for so many days."""
    calendar = calendar_of(spec.time_zone)
    return calendar.midnight_of(calendar.day_of(since) + days)


def next_round(trigger: Scheduled, time_zone: str, after: int) -> int:
    """The first instant after `after` at which the schedule comes round; once: right then."""
    if trigger.every == "once" or trigger.at is None:
        return after
    zone = load_zone(time_zone)
    day = calendar_of(time_zone).day_of(after)
    for candidate in range(day, day + 64):  # a month's day comes round within two months
        if _falls_on(trigger, candidate):
            instant = _at(zone, candidate, trigger.at)
            if instant > after:
                return instant
    raise ValueError(f"schedule {trigger}: it never comes round")


def _falls_on(trigger: Scheduled, day: int) -> bool:
    if trigger.every == "day":
        return True
    if trigger.every == "week":
        return (day + 3) % 7 + 1 == trigger.on  # 1970-01-01 was a Thursday
    year, month, _ = year_month_day(day)
    return day == day_of_date(year, month, trigger.on or 1)


def _at(zone: ZoneInfo, day: int, time: TimeOfDay) -> int:
    year, month, number = year_month_day(day)
    return from_datetime(datetime(year, month, number, time.minutes // 60, time.minutes % 60, tzinfo=zone))


def _after_quiet(quiet: Quiet, zone: ZoneInfo, instant: int) -> int:
    local = to_datetime(instant).astimezone(zone)
    since, until, now = quiet.since.minutes, quiet.until.minutes, 60 * local.hour + local.minute
    overnight = since > until
    if not (now >= since or now < until if overnight else since <= now < until):
        return instant
    date = local.date() + timedelta(days=1 if overnight and now >= since else 0)
    end = datetime(date.year, date.month, date.day, until // 60, until % 60, tzinfo=zone)
    return max(from_datetime(end), instant)
