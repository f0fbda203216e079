"""The whole strategy as one frozen value, its canonical text and its hash."""

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from domain.strategies.spec.action import ActionText, GrantBenefit, Notify
from domain.strategies.spec.trigger import Scheduled, TriggerText
from domain.strategies.spec.values import (
    ArmName,
    Percent,
    Span,
    SpanText,
    StrategyName,
    TimeText,
    Word,
)
from domain.tier_model.spec import Feature, Label
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import ConditionText, Currency, TimeZone

TREATED = "treated"
"""The arm of a strategy that names none."""


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Actions = Annotated[tuple[ActionText, ...], BeforeValidator(_listed), Field(max_length=20)]


class Arm(Part):
    """One treatment. weight: percent of those who are not held out; an arm may do nothing."""

    weight: Percent
    do: Actions = ()


class Quiet(Part):
    """No action between these times of day, in the user's time zone where a profile tells it (time_zone)."""

    since: TimeText = Field(alias="from")
    until: TimeText = Field(alias="to")

    @model_validator(mode="after")
    def _some(self) -> "Quiet":
        if self.since == self.until:
            raise ValueError("begins and ends at one time of day: change one of them")
        return self


class AtMost(Part):
    """How often one user is reached. times assignments within a span."""

    times: Annotated[int, Field(ge=1, le=1_000)]
    within: SpanText


class When(Part):
    """When the actions follow: at once, unless something is said."""

    delay: SpanText | None = None
    quiet: Quiet | None = None
    at_most: AtMost | None = None


class StrategySpec(Part):
    """A strategy, as written. Two are equal when they say the same; defaults written out change nothing."""

    strategy: StrategyName
    label: Label = Label()
    time_zone: TimeZone
    currency: Currency
    trigger: TriggerText
    where: ConditionText | None = None
    max_age: SpanText = Span(1, "day")
    on_model_change: bool = False
    do: Actions = ()
    arms: dict[ArmName, Arm] = Field(default_factory=dict)
    holdout: Percent = 0.0
    salt: Annotated[str, Field(pattern=r"^[\x21-\x7e]{0,64}$")] = ""
    when: When = When()
    lasts: SpanText = Span(30, "day")
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    group: Word | None = None
    goal: Feature | None = None

    @field_validator("arms")
    @classmethod
    def _shared_out(cls, arms: dict[str, Arm]) -> dict[str, Arm]:
        total = sum(arm.weight for arm in arms.values())
        if arms and round(100 * total) != 10_000:
            raise ValueError(f"have weights that add up to {total:g}: make it 100")
        if any(arm.weight == 0 for arm in arms.values()):
            raise ValueError("have an arm of weight 0, which nobody can be in: leave it out")
        return arms

    @field_validator("goal")
    @classmethod
    def _within(cls, goal: Feature | None) -> Feature | None:
        if goal is not None and goal.within is None:
            raise ValueError("is without a window: add within, such as within: 30 days")
        return goal

    @model_validator(mode="after")
    def _whole(self) -> "StrategySpec":
        if bool(self.do) == bool(self.arms):
            raise ValueError("says what to do under do, or under arms: give one of them, and not both")
        if self.is_experiment and self.goal is None:
            raise ValueError("compares arms or a holdout without a goal: say what is to be measured, before the start")
        return self

    @cached_property
    def treatments(self) -> dict[str, Arm]:
        """The arms; of a strategy without any the one that does what it says."""
        return self.arms or {TREATED: Arm(weight=100.0, do=self.do)}

    @cached_property
    def weights(self) -> dict[str, float]:
        """Percent by arm."""
        return {name: arm.weight for name, arm in self.treatments.items()}

    @cached_property
    def channels(self) -> frozenset[str]:
        """The channels of its messages, where it does nothing but send some; empty where it does more."""
        if not all(isinstance(action, Notify) for action in self.actions):
            return frozenset()
        return frozenset(action.notify for action in self.actions)

    @property
    def is_experiment(self) -> bool:
        """Whether its users are parted, so that they can be compared."""
        return self.holdout > 0 or len(self.arms) > 1

    @property
    def actions(self) -> list[Any]:
        """Of all arms, in their order."""
        return [action for arm in self.treatments.values() for action in arm.do]

    @property
    def benefits(self) -> list[str]:
        """The benefits that it grants, each once."""
        return sorted({action.grant for action in self.actions if isinstance(action, GrantBenefit)})

    @property
    def needs_approval(self) -> bool:
        """Whether money is touched, or everybody of an audience at once."""
        return bool(self.benefits) or isinstance(self.trigger, Scheduled)

    @property
    def design(self) -> dict[str, Any]:
        """What decides who is in which arm, and what is measured: it stays as it is once the strategy has started."""
        plain = as_plain(self)
        return {
            "weights": self.weights,
            "holdout": self.holdout,
            "salt": self.salt or self.strategy,
            "goal": plain.get("goal"),
        }


def as_plain(spec: StrategySpec) -> dict[str, Any]:
    """As stored: plain values, what equals its default left out."""
    return spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def content_hash(spec: StrategySpec) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    text = json.dumps(as_plain(spec), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a strategy file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **StrategySpec.model_json_schema(mode="validation"),
    }
