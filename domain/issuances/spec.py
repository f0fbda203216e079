"""Benefits that are granted again and again by themselves: every month, on birthdays, after an upgrade. Pure."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from domain.benefits.spec import Count, Id
from domain.tier_model.calendar import calendar_of, day_of_date, year_month_day
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.scores import Label
from domain.tier_model.spec.values import Name, Tier, TimeZone

_BIRTHDAY = re.compile(r"(?:\d{4}-)?(\d{2})-(\d{2})")
_LEAP_YEAR = 2000  # every day of a year is there


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class IssuanceSpec(Part):
    """What is granted, to whom and when; exactly one of monthly, birthday and upgrade.

    monthly: on this day of the month, clamped to it. birthday: the profile attribute that has it, as MM-DD or
    YYYY-MM-DD; 29 February returns on the 28th. upgrade: the scheme on which a tier rises; into: only to these tiers;
    once a calendar year at most. Days begin at midnight of the time zone. Who is entitled is the benefit's to say.
    """

    benefit: Id
    units: Count = 1
    time_zone: TimeZone
    monthly: Annotated[int, Field(ge=1, le=31)] | None = None
    birthday: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    upgrade: Name | None = None
    into: Annotated[tuple[Tier, ...], BeforeValidator(_as_tuple)] = ()
    budgets: Annotated[tuple[Id, ...], BeforeValidator(_as_tuple)] = ()
    labels: Label = Label()

    @model_validator(mode="after")
    def _one_occasion(self) -> "IssuanceSpec":
        if sum(one is not None for one in (self.monthly, self.birthday, self.upgrade)) != 1:
            raise ValueError("has no occasion, or several: give one of monthly, birthday and upgrade")
        if self.into and self.upgrade is None:
            raise ValueError("names tiers without an upgrade: leave out into, or give upgrade")
        return self

    @property
    def by_timer(self) -> bool:
        """Whether time brings it about."""
        return self.upgrade is None


def next_turn(spec: IssuanceSpec, attributes: Mapping[str, Any], after: int) -> int | None:
    """The first instant after `after` (microseconds) at which it is due for a user; None: never, as far as is known."""
    calendar = calendar_of(spec.time_zone)
    day = calendar.day_of(after)
    if spec.monthly is not None:
        year, month, _ = year_month_day(day)
        for _ in range(2):
            turn = calendar.midnight_of(day_of_date(year, month, spec.monthly))
            if turn > after:
                return turn
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        return calendar.midnight_of(day_of_date(year, month, spec.monthly))
    born = _born(attributes.get(spec.birthday or ""))
    if born is None:
        return None
    year = year_month_day(day)[0]
    turns = (calendar.midnight_of(day_of_date(at, *born)) for at in (year, year + 1))
    return next(turn for turn in turns if turn > after)


def period_of(spec: IssuanceSpec, instant: int) -> str:
    """What it is granted for once: the month, or the year, of an instant."""
    year, month, _ = year_month_day(calendar_of(spec.time_zone).day_of(instant))
    return f"{year}-{month:02d}" if spec.monthly is not None else str(year)


def _born(text: Any) -> tuple[int, int] | None:
    """Month and day; None for what is no birthday."""
    found = _BIRTHDAY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    month, day = int(found[1]), int(found[2])
    try:
        date(_LEAP_YEAR, month, day)
    except ValueError:
        return None
    return month, day
