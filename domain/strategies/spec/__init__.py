"""The strategy as types: what can be written in a strategy file, read, checked for structure, and hashed."""

from domain.strategies.spec.action import Action, GrantBenefit, Notify, PutTag, StartStrategy, action_to_json
from domain.strategies.spec.parse import StrategyInvalid, read_strategy
from domain.strategies.spec.strategy import (
    TREATED,
    Arm,
    AtMost,
    Quiet,
    StrategySpec,
    When,
    as_plain,
    content_hash,
    json_schema,
)
from domain.strategies.spec.trigger import (
    AtRisk,
    ByHand,
    Entered,
    Held,
    Joined,
    Left,
    Scheduled,
    Tagged,
    Trigger,
    key_of,
)
from domain.strategies.spec.values import SHARES, Place, Span, TimeOfDay

__all__ = [
    "SHARES",
    "TREATED",
    "Action",
    "Arm",
    "AtMost",
    "AtRisk",
    "ByHand",
    "Entered",
    "GrantBenefit",
    "Held",
    "Joined",
    "Left",
    "Notify",
    "Place",
    "PutTag",
    "Quiet",
    "Scheduled",
    "Span",
    "StartStrategy",
    "StrategyInvalid",
    "StrategySpec",
    "Tagged",
    "TimeOfDay",
    "Trigger",
    "When",
    "action_to_json",
    "as_plain",
    "content_hash",
    "json_schema",
    "key_of",
    "read_strategy",
]
