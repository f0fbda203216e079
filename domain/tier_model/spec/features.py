"""The kinds of features. Each is told from the others by the key it is spelled with."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import (
    ConditionText,
    Days,
    FieldReference,
    FieldText,
    Kind,
    Since,
    Window,
    WithinText,
)

FEATURE_KEYS = (
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "distinct",
    "latest",
    "days_since",
    "top",
    "share",
    "trend",
    "rate",
)


class _Feature(Part):
    """What every feature may say: which facts it sees."""

    within: WithinText | None = None
    through: Literal["yesterday"] | None = None
    since: Since | None = None
    where: ConditionText | None = None
    after: Days | None = None
    refunds: Literal["at_order"] | None = None

    @property
    def window(self) -> Window:
        """within, through and since as one value."""
        length = self.within.length if self.within else None
        return Window(
            length=length.count if length else None,
            unit=length.unit if length else "day",
            calendar=self.within.calendar if self.within else None,
            through_yesterday=self.through is not None,
            since=self.since,
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of facts it reads."""
        return tuple(dict.fromkeys(field.kind for field in self.fields))

    @property
    def fields(self) -> tuple[FieldReference, ...]:
        """The fields it reads; none for features that only count facts."""
        return ()

    @model_validator(mode="after")
    def _one_window(self) -> "_Feature":
        if self.within is not None and self.since is not None:
            raise ValueError("has two windows, within and since: keep one")
        if self.through is not None and self.within is None:
            raise ValueError("says through: yesterday but has no window: add within, such as '30 days'")
        return self


class _OfKind(_Feature):
    @property
    def kinds(self) -> tuple[str, ...]:
        return (self._kind(),)

    def _kind(self) -> str:
        raise NotImplementedError


class _OfField(_Feature):
    @property
    def fields(self) -> tuple[FieldReference, ...]:
        return (self._field(),)

    def _field(self) -> FieldReference:
        raise NotImplementedError


class Count(_OfKind):
    """How many facts. int64, 0 without any."""

    count: Kind

    def _kind(self) -> str:
        return self.count


class Sum(_OfField):
    """The sum of a field, less the sum of another kind's. int64 (minor units for amounts), 0 without any."""

    sum: FieldText
    minus: FieldText | None = None

    def _field(self) -> FieldReference:
        return self.sum

    @property
    def fields(self) -> tuple[FieldReference, ...]:
        return (self.sum,) if self.minus is None else (self.sum, self.minus)


class Avg(_OfField):
    """The exact integer sum divided by the count. float64, null without any."""

    avg: FieldText

    def _field(self) -> FieldReference:
        return self.avg


class Min(_OfField):
    """The least value of a field; null without any."""

    min: FieldText

    def _field(self) -> FieldReference:
        return self.min


class Max(_OfField):
    """The greatest value of a field; null without any."""

    max: FieldText

    def _field(self) -> FieldReference:
        return self.max


class Distinct(_OfField):
    """How many different non-null values of a field. int64, 0 without any."""

    distinct: FieldText

    def _field(self) -> FieldReference:
        return self.distinct


class Latest(_OfField):
    """The field of the last fact that has it; null without any."""

    latest: FieldText

    def _field(self) -> FieldReference:
        return self.latest


class DaysSince(_OfKind):
    """Local days since the last fact (or the first, with first: true); null without any."""

    days_since: Kind
    first: bool = False

    def _kind(self) -> str:
        return self.days_since


class Top(_OfField):
    """The label with the most facts, or the most money."""

    top: FieldText
    by: Literal["count", "amount"] = "count"

    def _field(self) -> FieldReference:
        return self.top


class Share(_Feature):
    """The part of the facts (or of a field's sum) for which a condition holds."""

    share: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}(\.(lines\.)?[^\s.]{1,64})?$")]
    of: ConditionText

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.share.split(".")[0],)


class Trend(_Feature):
    """This window over the one before it."""

    trend: Annotated[
        str,
        Field(pattern=r"^(count +[a-z][a-z0-9_]{0,63}|sum +[a-z][a-z0-9_]{0,63}\.(lines\.)?[^\s.]{1,64})$"),
    ]

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.trend.split()[1].split(".")[0],)


class Rate(_OfKind):
    """Facts per so many days."""

    rate: Kind
    per: Days

    def _kind(self) -> str:
        return self.rate


def _feature_tag(value: Any) -> str | None:
    if isinstance(value, dict):
        found = [key for key in FEATURE_KEYS if key in value]
        return f"kind:{found[0]}" if len(found) == 1 else None
    return f"kind:{_TAGS.get(type(value))}" if type(value) in _TAGS else None


_TAGS: dict[type, str] = {
    Count: "count",
    Sum: "sum",
    Avg: "avg",
    Min: "min",
    Max: "max",
    Distinct: "distinct",
    Latest: "latest",
    DaysSince: "days_since",
    Top: "top",
    Share: "share",
    Trend: "trend",
    Rate: "rate",
}

Feature = Annotated[
    Annotated[Count, Tag("kind:count")]
    | Annotated[Sum, Tag("kind:sum")]
    | Annotated[Avg, Tag("kind:avg")]
    | Annotated[Min, Tag("kind:min")]
    | Annotated[Max, Tag("kind:max")]
    | Annotated[Distinct, Tag("kind:distinct")]
    | Annotated[Latest, Tag("kind:latest")]
    | Annotated[DaysSince, Tag("kind:days_since")]
    | Annotated[Top, Tag("kind:top")]
    | Annotated[Share, Tag("kind:share")]
    | Annotated[Trend, Tag("kind:trend")]
    | Annotated[Rate, Tag("kind:rate")],
    Discriminator(_feature_tag),
]
FEATURE_PARTS: dict[str, type[_Feature]] = {f"kind:{key}": part for part, key in _TAGS.items()}
