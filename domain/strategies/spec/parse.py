"""Text to strategy, with every structural fault named: its place, its value, what to write instead."""

from typing import Any

from pydantic import BaseModel

from domain.refusal import Refusal
from domain.strategies.spec.action import ACTION_KEYS, ACTION_PARTS
from domain.strategies.spec.strategy import Arm, AtMost, Quiet, StrategySpec, When
from domain.strategies.spec.trigger import TRIGGER_KEYS, TRIGGER_PARTS
from domain.tier_model.spec.faults import Fault, complaints_of, first_of
from domain.tier_model.spec.features import FEATURE_KEYS, FEATURE_PARTS
from domain.tier_model.spec.reading import Language, Location
from domain.tier_model.spec.scores import Label
from domain.tier_model.spec.source import Source


class StrategyInvalid(Refusal):
    """The text is no strategy. errors: every fault that was found."""

    def __init__(self, errors: list[Fault]) -> None:
        self.errors = errors
        super().__init__(f"The strategy is invalid: {first_of(errors)}", *complaints_of(errors, "strategy"))


def read_strategy(text: str | bytes) -> tuple[StrategySpec, Source]:
    """A strategy out of YAML or JSON, with the source that knows every path's line and column.

    Raises StrategyInvalid with every fault of its structure; lint() finds the others.
    """
    return _STRATEGY.read(text)


def _part_at(location: Location, _data: Any) -> type[BaseModel]:
    """The part of a strategy that a validation location lies in."""
    match location:
        case ("trigger", str(tag), *_) if tag in TRIGGER_PARTS:
            return TRIGGER_PARTS[tag]
        case (*_, "do", int(), str(tag)) if tag in ACTION_PARTS:
            return ACTION_PARTS[tag]
        case ("goal", str(tag), *_) if tag in FEATURE_PARTS:
            return FEATURE_PARTS[tag]
        case ("arms", *_):
            return Arm
        case ("when", "quiet", *_):
            return Quiet
        case ("when", "at_most", *_):
            return AtMost
        case ("when", *_):
            return When
        case ("label", *_):
            return Label
        case _:
            return StrategySpec


_STRATEGY = Language(
    StrategySpec,
    noun="A strategy",
    keys="strategy, time_zone, currency, trigger, and do or arms",
    refuse=StrategyInvalid,
    part_at=_part_at,
    spelling=lambda _location: None,
    markers=("kind:", "trigger:", "action:"),
    members={
        "trigger": (
            "is no trigger",
            f"Write exactly one of {', '.join(TRIGGER_KEYS)}, such as {{left: value.high}}",
        ),
        "do": ("is no action", f"Write exactly one of {', '.join(ACTION_KEYS)}, such as {{tag: vip}}"),
        "goal": ("is no feature", f"Write exactly one of {', '.join(FEATURE_KEYS)}, such as {{count: order}}"),
    },
)
