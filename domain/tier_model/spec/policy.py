"""The policy block: how a qualified tier becomes the standing one."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import Days, Months, ValidityLength

ReviewName = Literal["continuous", "monthly", "quarterly", "half-yearly", "yearly", "anniversary", "validity"]


class ReviewEvery(Part):
    """A review on day D of every N months, counted from January, D clamped to the month."""

    every: Months
    day: Annotated[int, Field(ge=1, le=31)] = 1


def _review_tag(value: Any) -> str:
    return "review:every" if isinstance(value, dict | ReviewEvery) else "review:name"


Review = Annotated[
    Annotated[ReviewName, Tag("review:name")] | Annotated[ReviewEvery, Tag("review:every")],
    Discriminator(_review_tag),
]


class Downgrade(Part):
    """When and how far a standing falls."""

    review: Review = "continuous"
    grace: Days | None = None
    steps: Annotated[int, Field(ge=1, le=100)] | Literal["all"] = "all"


def _downgrade_tag(value: Any) -> str:
    return "downgrade:rules" if isinstance(value, dict | Downgrade) else "downgrade:never"


class PolicySpec(Part):
    """Defaults: upgrade immediate, review continuous, all steps, no grace, no minimum stay, no validity, no warning."""

    upgrade: Literal["immediate", "at_review"] = "immediate"
    downgrade: Annotated[
        Annotated[Literal["never"], Tag("downgrade:never")] | Annotated[Downgrade, Tag("downgrade:rules")],
        Discriminator(_downgrade_tag),
    ] = Downgrade()
    minimum_stay: Days | None = None
    validity: ValidityLength | None = None
    warn: Days | None = None
