"""The small values that a strategy is spelled with: spans of time, times of day, tiers of schemes."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema

_UNITS = {"minute": 60_000_000, "hour": 3_600_000_000, "day": 86_400_000_000}
_SPAN = re.compile(r"([1-9][0-9]{0,5}) +(minute|hour|day)s?")
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_PLACE = re.compile(r"([A-Za-z_][A-Za-z0-9_]{0,63})(?:\.(\S.*\S|\S))?")
_LONGEST_DAYS = 3_660
_ROUNDING = 1e-6
SHARES = 10_000  # of a percentage: hundredths


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time by the clock, not the calendar: a day is 24 hours. Written '2 hours'."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'s' if self.count > 1 else ''}"

    @property
    def micros(self) -> int:
        """In microseconds."""
        return self.count * _UNITS[self.unit]


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """Minutes since midnight, by a wall clock. Written '21:30'."""

    minutes: int

    def __str__(self) -> str:
        return f"{self.minutes // 60:02d}:{self.minutes % 60:02d}"


@dataclass(frozen=True, slots=True)
class Place:
    """A scheme, or one tier of it. Written 'value' or 'value.high'."""

    scheme: str
    tier: str | None = None

    def __str__(self) -> str:
        return self.scheme if self.tier is None else f"{self.scheme}.{self.tier}"


def _span(text: Any) -> Span:
    if isinstance(text, Span):
        return text
    found = _SPAN.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("must be a span: N minutes|hours|days, such as '2 hours'")
    span = Span(int(found[1]), found[2])
    if span.micros > _LONGEST_DAYS * _UNITS["day"]:
        raise ValueError("is longer than 10 years: write a shorter span")
    return span


def _time(text: Any) -> TimeOfDay:
    if isinstance(text, TimeOfDay):
        return text
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("must be a time of day: HH:MM in quotes, such as '09:00'")
    return TimeOfDay(60 * int(found[1]) + int(found[2]))


def _place(text: Any) -> Place:
    if isinstance(text, Place):
        return text
    found = _PLACE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("must name a scheme or one of its tiers: SCHEME or SCHEME.TIER, such as value.high")
    return Place(found[1], found[2])


def _hundredths(value: float) -> float:
    if abs(round(value * 100) - value * 100) > _ROUNDING:
        raise ValueError("has more than two decimals: round it")
    return value


def _spelled(parse: Any, pattern: str) -> tuple[BeforeValidator, PlainSerializer, WithJsonSchema]:
    return BeforeValidator(parse), PlainSerializer(str), WithJsonSchema({"type": "string", "pattern": pattern})


_SPELLED_SPAN = _spelled(_span, r"^[1-9][0-9]{0,5} +(minute|hour|day)s?$")
_SPELLED_TIME = _spelled(_time, r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
_SPELLED_PLACE = _spelled(_place, r"^[A-Za-z_][A-Za-z0-9_]{0,63}(\.\S.*)?$")

SpanText = Annotated[Span, *_SPELLED_SPAN]
TimeText = Annotated[TimeOfDay, *_SPELLED_TIME]
PlaceText = Annotated[Place, *_SPELLED_PLACE]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, strict=False), AfterValidator(_hundredths)]
StrategyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
ArmName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
