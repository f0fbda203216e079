"""Text to strategy, with every structural fault named: its place, its value, what to write instead."""

from pydantic import BaseModel, ValidationError

from domain.refusal import Complaint, Refusal
from domain.strategies.spec.action import ACTION_KEYS, ACTION_PARTS
from domain.strategies.spec.strategy import Arm, AtMost, Quiet, StrategySpec, When
from domain.strategies.spec.trigger import TRIGGER_KEYS, TRIGGER_PARTS
from domain.tier_model.spec import Label, ModelFault, ModelInvalid
from domain.tier_model.spec.features import FEATURE_PARTS
from domain.tier_model.spec.parse import Grammar, faults_in, no_feature
from domain.tier_model.spec.source import Source, read_source

_NEEDED = "strategy, time_zone, currency, trigger, and do or arms"


class StrategyInvalid(Refusal):
    """The text is no strategy. errors: every fault that was found."""

    def __init__(self, errors: list[ModelFault]) -> None:
        self.errors = errors
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(
            f"The strategy is invalid: {errors[0]}{more}",
            *(Complaint(fault.path, fault.value, f"{fault.message}. {fault.remedy}") for fault in errors),
        )


def read_strategy(text: str | bytes) -> tuple[StrategySpec, Source]:
    """A strategy out of YAML or JSON, with the source that knows every path's line and column.

    Raises StrategyInvalid with every fault of its structure; lint() finds the others.
    """
    try:
        source = read_source(text)
    except ModelInvalid as unreadable:
        raise StrategyInvalid(unreadable.errors) from None
    if not isinstance(source.data, dict):
        line, column = source.place(())
        raise StrategyInvalid(
            [ModelFault("", line, column, None, "is not a mapping", f"A strategy has the keys {_NEEDED}")]
        )
    try:
        return StrategySpec.model_validate(source.data), source
    except ValidationError as problem:
        raise StrategyInvalid(faults_in(problem, source, _GRAMMAR)) from None


def _part_at(location: tuple[int | str, ...]) -> type[BaseModel]:
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


def _no_member(location: tuple[int | str, ...]) -> tuple[str, str]:
    if "trigger" in location:
        return "is no trigger", f"Write exactly one of {', '.join(TRIGGER_KEYS)}, such as {{entered: value.high}}"
    if "do" in location:
        return "is no action", f"Write exactly one of {', '.join(ACTION_KEYS)}, such as {{tag: vip}}"
    return no_feature(location)


_GRAMMAR = Grammar(_part_at, _no_member)
