"""What makes a strategy reach for a user. Each kind is told from the others by the key it is spelled with."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from domain.strategies.spec.values import PlaceText, TimeText
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import ConditionText, Days
from domain.tier_model.spec.values import Tier as TagName


class Entered(Part):
    """The user has come to stand on the tier (SCHEME: on any other tier than before)."""

    entered: PlaceText


class Left(Part):
    """The user stands on the tier no more (SCHEME: any tier)."""

    left: PlaceText


class Held(Part):
    """The user has stood on the tier for so many days without a move."""

    held: PlaceText
    days: Days = Field(alias="for")


class AtRisk(Part):
    """The tier may be lost: a warning was recorded, or a grace has begun (SCHEME: of any tier)."""

    at_risk: PlaceText


class Tagged(Part):
    """The user was given the tag."""

    tagged: TagName


class Joined(Part):
    """The user has come to match a condition of the segment language."""

    joins: ConditionText


class Scheduled(Part):
    """Everybody in the audience, again and again: every day, every week on a day (1 is Monday), every month on a day
    (clamped to its last), at a time of day in the strategy's time zone; once: right after the start."""

    every: Literal["day", "week", "month", "once"]
    on: Annotated[int, Field(ge=1, le=31)] | None = None
    at: TimeText | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Scheduled":
        if self.every == "once" and (self.on, self.at) != (None, None):
            raise ValueError("is carried out once, at the start: leave on and at out")
        if self.every != "once" and self.at is None:
            raise ValueError("needs a time of day: add at, such as at: '09:00'")
        if (self.every in ("week", "month")) != (self.on is not None):
            raise ValueError("has on for weeks and months, and for them alone: give the day there, or leave it out")
        if self.every == "week" and (self.on or 0) > 7:
            raise ValueError("is weekly on a day from 1 (Monday) to 7 (Sunday): change on")
        return self


class ByHand(Part):
    """Nobody by itself: people assign it, one by one or in bulk."""

    by: Literal["hand"]


Trigger = Entered | Left | Held | AtRisk | Tagged | Joined | Scheduled | ByHand
TRIGGER_KEYS: dict[str, type[Part]] = {
    "entered": Entered,
    "left": Left,
    "held": Held,
    "at_risk": AtRisk,
    "tagged": Tagged,
    "joins": Joined,
    "every": Scheduled,
    "by": ByHand,
}
TRIGGER_PARTS: dict[str, type[Part]] = {f"trigger:{key}": part for key, part in TRIGGER_KEYS.items()}
_KEYS = {part: key for key, part in TRIGGER_KEYS.items()}


def key_of(trigger: Trigger) -> str:
    """The key that it is spelled with, such as entered."""
    return _KEYS[type(trigger)]


def _tag(value: Any) -> str | None:
    if isinstance(value, dict):
        found = [key for key in TRIGGER_KEYS if key in value]
        return f"trigger:{found[0]}" if len(found) == 1 else None
    return f"trigger:{_KEYS[type(value)]}" if type(value) in _KEYS else None


TriggerText = Annotated[
    Annotated[Entered, Tag("trigger:entered")]
    | Annotated[Left, Tag("trigger:left")]
    | Annotated[Held, Tag("trigger:held")]
    | Annotated[AtRisk, Tag("trigger:at_risk")]
    | Annotated[Tagged, Tag("trigger:tagged")]
    | Annotated[Joined, Tag("trigger:joins")]
    | Annotated[Scheduled, Tag("trigger:every")]
    | Annotated[ByHand, Tag("trigger:by")],
    Discriminator(_tag),
]

__all__ = [
    "TRIGGER_KEYS",
    "TRIGGER_PARTS",
    "AtRisk",
    "ByHand",
    "Entered",
    "Held",
    "Joined",
    "Left",
    "Scheduled",
    "Tagged",
    "Trigger",
    "TriggerText",
    "key_of",
]
