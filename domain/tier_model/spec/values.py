"""The small values a model is spelled with: lengths of time, references to fact kinds and fields, names."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, StringConstraints, WithJsonSchema

from domain.tier_model.calendar import load_zone

Unit = Literal["day", "week", "month", "year"]
CalendarUnit = Literal["month", "quarter", "year"]
Since = Literal["enrolment", "anniversary", "standing"]

_LENGTH = re.compile(r"([1-9][0-9]{0,4}) +(day|week|month|year)s?")
_PERIOD = re.compile(r"(this|last) +(month|quarter|year)")
_VALIDITY_END = re.compile(r"(.+?) +to +end +of +(month|quarter|year)")
_REFERENCE = re.compile(r"([a-z][a-z0-9_]{0,62})\.(?:(lines)\.)?([^\s.]{1,100})")
_KIND = r"^[a-z][a-z0-9_]{0,62}$"
_LONGEST_YEARS = 100


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time on the calendar: count of units, at least 1. Written '30 days'; str() gives the normal form."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'s' if self.count > 1 else ''}"

    @property
    def days(self) -> int | None:
        """The length in local days, None when it is counted in months."""
        return {"day": self.count, "week": 7 * self.count}.get(self.unit)

    @property
    def months(self) -> int | None:
        """The length in months, None when it is counted in days."""
        return {"month": self.count, "year": 12 * self.count}.get(self.unit)


@dataclass(frozen=True, slots=True)
class Window:
    """Which facts a feature sees. length and unit, or calendar (this one, or the last), or since; none: all facts."""

    length: int | None = None
    unit: Unit = "day"
    calendar: CalendarUnit | None = None
    last: bool = False
    through_yesterday: bool = False
    since: Since | None = None

    @property
    def days(self) -> int | None:
        """The length in local days (a week is 7), None for months, years, calendar windows and no window."""
        return Length(self.length, self.unit).days if self.length is not None else None

    @property
    def months(self) -> int | None:
        """The length in months, None when it is not counted in months or years."""
        return Length(self.length, self.unit).months if self.length is not None else None


@dataclass(frozen=True, slots=True)
class FieldReference:
    """KIND.FIELD, or KIND.lines.FIELD for a field of the order lines. field 'amount' is the fact's own amount."""

    kind: str
    field: str
    of_lines: bool = False

    def __str__(self) -> str:
        return f"{self.kind}.lines.{self.field}" if self.of_lines else f"{self.kind}.{self.field}"

    @property
    def is_amount(self) -> bool:
        """Whether it is money in minor units."""
        return self.field == "amount"


@dataclass(frozen=True, slots=True)
class Within:
    """`within` as spelled: a length, or a calendar period ('this month', 'last year')."""

    length: Length | None
    calendar: CalendarUnit | None
    last: bool = False

    def __str__(self) -> str:
        return f"{'last' if self.last else 'this'} {self.calendar}" if self.calendar else str(self.length)


@dataclass(frozen=True, slots=True)
class Validity:
    """How long a standing is valid: a length, and then on to the end of the period that it has come to."""

    length: Length
    to_end_of: CalendarUnit | None = None

    def __str__(self) -> str:
        return f"{self.length} to end of {self.to_end_of}" if self.to_end_of else str(self.length)


def parse_length(text: Any, units: tuple[Unit, ...]) -> Length:
    """'30 days', '1 month' to a length in one of the units. Raises ValueError that names them."""
    if isinstance(text, Length):
        return text
    wanted = "|".join(f"{unit}s" for unit in units)
    found = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    if found is None or found[2] not in units:
        raise ValueError(f"must be a length: N {wanted}, such as '{30 if units[0] == 'day' else 6} {units[0]}s'")
    count, unit = int(found[1]), found[2]
    if count > {"day": 366, "week": 53, "month": 12, "year": 1}[unit] * _LONGEST_YEARS:
        raise ValueError(f"is longer than {_LONGEST_YEARS} years")
    return Length(count, unit)


def _within(text: Any) -> Within:
    if isinstance(text, Within):
        return text
    calendar = _PERIOD.fullmatch(text) if isinstance(text, str) else None
    if calendar is not None:
        return Within(None, calendar[2], calendar[1] == "last")  # type: ignore[arg-type]
    try:
        return Within(parse_length(text, ("day", "week", "month", "year")), None)
    except ValueError as problem:
        if "longer" in str(problem):
            raise
        wanted = "N days|weeks|months|years, or this or last month|quarter|year"
        raise ValueError(f"must be {wanted}, such as '90 days'") from None


def _validity(text: Any) -> Validity:
    if isinstance(text, Validity):
        return text
    ended = _VALIDITY_END.fullmatch(text) if isinstance(text, str) else None
    length = parse_length(ended[1] if ended else text, ("day", "month", "year"))
    return Validity(length, ended[2] if ended else None)  # type: ignore[arg-type]


def _reference(text: Any) -> FieldReference:
    if isinstance(text, FieldReference):
        return text
    found = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("must name a field of a kind of fact: KIND.FIELD, such as order.amount")
    return FieldReference(found[1], found[3], found[2] is not None)


def _zone(name: str) -> str:
    try:
        load_zone(name)
    except ValueError:
        raise ValueError("is not an IANA time zone: write one such as Asia/Shanghai") from None
    return name


def _spelled(parse: Any, pattern: str) -> tuple[BeforeValidator, PlainSerializer, WithJsonSchema]:
    schema = {"type": "string", "pattern": pattern}
    return (
        BeforeValidator(parse),
        PlainSerializer(str, return_type=str),
        WithJsonSchema(schema),
    )


def _length_of(*units: Unit) -> Any:
    pattern = rf"^[1-9][0-9]{{0,4}} +({'|'.join(units)})s?$"
    return _spelled(lambda text: parse_length(text, units), pattern)


_DAYS, _MONTHS = _length_of("day"), _length_of("month")
_VALIDITY = _spelled(_validity, r"^[1-9][0-9]{0,4} +(day|month|year)s?( +to +end +of +(month|quarter|year))?$")
_WITHIN = _spelled(_within, r"^([1-9][0-9]{0,4} +(day|week|month|year)s?|(this|last) +(month|quarter|year))$")
_FIELD = _spelled(_reference, r"^[a-z][a-z0-9_]{0,62}\.(lines\.)?[^\s.]{1,100}$")

Days = Annotated[Length, *_DAYS]
Months = Annotated[Length, *_MONTHS]
ValidityLength = Annotated[Validity, *_VALIDITY]
WithinText = Annotated[Within, *_WITHIN]
FieldText = Annotated[FieldReference, *_FIELD]
Kind = Annotated[str, StringConstraints(pattern=_KIND)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
Tier = Annotated[
    str,
    StringConstraints(pattern=r"^[^\s'\"\\\x00-\x1f\x7f]([^'\"\\\x00-\x1f\x7f]{0,62}[^\s'\"\\\x00-\x1f\x7f])?$"),
]
TimeZone = Annotated[str, AfterValidator(_zone)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
ConditionText = Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
