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
            last=self.within.last if self.within else False,
            through_yesterday=self.through is not None,
            since=self.since,
        )

    @property
    def key(self) -> str:
        """The key that it is spelled with, such as count."""
        return next(key for key in FEATURE_KEYS if key in type(self).model_fields)

    @property
    def fields(self) -> tuple[FieldReference, ...]:
        """The fields it reads, what is subtracted last; none for features that only count facts."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value for value in values if isinstance(value, FieldReference))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of facts it reads, its main one first."""
        main = str(getattr(self, self.key)).split()[-1].split(".")[0]
        return tuple(dict.fromkeys([main, *(field.kind for field in self.fields)]))

    @model_validator(mode="after")
    def _one_window(self) -> "_Feature":
        if self.within is not None and self.since is not None:
            raise ValueError("has two windows, within and since: keep one")
        if self.within is not None and self.within.last and self.through is not None:
            raise ValueError("has a whole period behind it, and through yesterday adds nothing: leave through out")
        return self


class Count(_Feature):
    """How many facts. int64, 0 without any."""

    count: Kind


class Sum(_Feature):
    """The sum of a field, less the sum of another kind's. int64 (minor units for amounts), 0 without any."""

    sum: FieldText
    minus: FieldText | None = None


class Avg(_Feature):
    """The exact integer sum divided by the count. float64, null without any."""

    avg: FieldText


class Min(_Feature):
    """The least value of a field; null without any."""

    min: FieldText


class Max(_Feature):
    """The greatest value of a field; null without any."""

    max: FieldText


class Distinct(_Feature):
    """How many different non-null values of a field. int64, 0 without any."""

    distinct: FieldText


class Latest(_Feature):
    """The field of the last fact that has it; null without any."""

    latest: FieldText


class DaysSince(_Feature):
    """Local days since the last fact (or the first, with first: true); null without any."""

    days_since: Kind
    first: bool = False


class Top(_Feature):
    """The label with the most facts, or the most money."""

    top: FieldText
    by: Literal["count", "amount"] = "count"


class Share(_Feature):
    """The part of the facts (or of a field's sum) for which a condition holds."""

    share: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}(\.(lines\.)?[^\s.]{1,100})?$")]
    of: ConditionText


class Trend(_Feature):
    """This window over the one before it."""

    trend: Annotated[
        str,
        Field(pattern=r"^(count +[a-z][a-z0-9_]{0,62}|sum +[a-z][a-z0-9_]{0,62}\.(lines\.)?[^\s.]{1,100})$"),
    ]


class Rate(_Feature):
    """Facts per so many days."""

    rate: Kind
    per: Days


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
