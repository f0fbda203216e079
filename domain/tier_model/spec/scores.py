"""Scores, rules and labels."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StrictFloat,
    StrictInt,
    Tag,
    model_validator,
)

from domain.tier_model.spec.learned import LearnedScore
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import ConditionText, Name

Cut = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | Annotated[StrictFloat, Field(allow_inf_nan=False)]
Weight = Annotated[StrictInt, Field(ge=-(2**31), lt=2**31)] | Annotated[StrictFloat, Field(allow_inf_nan=False)]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _cuts_tag(value: Any) -> str:
    return "cuts:fitted" if isinstance(value, str) else "cuts:fixed"


FixedCuts = Annotated[tuple[Cut, ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=99)]
Cuts = Annotated[
    Annotated[Literal["fitted"], Tag("cuts:fitted")] | Annotated[FixedCuts, Tag("cuts:fixed")],
    Discriminator(_cuts_tag),
]


class CutScore(Part):
    """bin = 1 + cuts strictly below the value; the score counts bins from the worse end. Integer, null of null.

    of: a feature, the growth value, or a learned score. cuts: in its own unit (minor units for money), or 'fitted'
    until they are. fit: at quantiles, or one cut at the mean.
    """

    of: Name
    bins: Annotated[int, Field(ge=2, le=100)] | None = None
    best: Literal["high", "low"] = "high"
    cuts: Cuts = "fitted"
    fit: Literal["quantile", "mean"] = "quantile"

    @property
    def fitted(self) -> bool:
        """Whether it has cuts."""
        return self.cuts != "fitted"

    @model_validator(mode="after")
    def _bins_or_cuts(self) -> "CutScore":
        if self.cuts == "fitted" and self.bins is None:
            raise ValueError("has fitted cuts but no bins: say how many, such as bins: 5")
        if self.fit == "mean" and self.bins != 2:
            raise ValueError("fits one cut, the mean: write bins: 2")
        return self


class WeightedScore(Part):
    """The sum of weight x score, by code point of their names. missing 0: a null score counts as 0; null: it makes the
    sum null."""

    weighted: Annotated[
        dict[Name, Weight],
        Field(min_length=1),
        AfterValidator(lambda given: dict(sorted(given.items()))),
    ]
    missing: Literal[0] | None = None


_TAGS: dict[type, str] = {CutScore: "score:cuts", WeightedScore: "score:weighted", LearnedScore: "score:learned"}


def _score_tag(value: Any) -> str:
    if isinstance(value, dict):
        return next((f"score:{key}" for key in ("weighted", "learned") if key in value), "score:cuts")
    return _TAGS.get(type(value), "score:cuts")


Score = Annotated[
    Annotated[CutScore, Tag("score:cuts")]
    | Annotated[WeightedScore, Tag("score:weighted")]
    | Annotated[LearnedScore, Tag("score:learned")],
    Discriminator(_score_tag),
]
SCORE_PARTS: dict[str, type[Part]] = {tag: part for part, tag in _TAGS.items()}


class Rule(Part):
    """When a tier is entered and kept. Without keep, keep is enter. Written short as the enter condition alone."""

    enter: ConditionText
    keep: ConditionText | None = None


def _rule(value: Any) -> Any:
    return {"enter": value} if isinstance(value, str) else value


RuleText = Annotated[Rule, BeforeValidator(_rule, json_schema_input_type=str | Rule)]


class Label(Part):
    """Names for people."""

    zh_cn: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(default=None, alias="zh-CN")
    en: Annotated[str, Field(min_length=1, max_length=100)] | None = None
