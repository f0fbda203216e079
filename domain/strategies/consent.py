"""Whom a strategy must not reach, as users' profiles say it. Asked when it is decided and again when it is sent."""

from collections.abc import Mapping
from typing import Literal

from domain.strategies.spec import Action, Notify, StrategySpec
from domain.user_tier.observation import Scalar

Suppression = Literal["opted-out", "minor", "risk-listed", "unsubscribed"]

OPT_OUT, MINOR, RISK_LISTED, UNSUBSCRIBED = "personalisation_opt_out", "minor", "risk_listed", "unsubscribed"
"""Profile attributes that suppress while they are true; unsubscribed_CHANNEL for one channel alone."""

_WHOLLY: dict[str, Suppression] = {OPT_OUT: "opted-out", MINOR: "minor", RISK_LISTED: "risk-listed"}


def suppression(attributes: Mapping[str, Scalar]) -> Suppression | None:
    """Why the user is not to be reached at all, or None."""
    for name, reason in _WHOLLY.items():
        if name in attributes and _says_so(attributes[name]):
            return reason
    return None


def is_unsubscribed(attributes: Mapping[str, Scalar], channel: str) -> bool:
    """Whether messages by the channel are refused."""
    return _says_so(attributes.get(UNSUBSCRIBED)) or _says_so(attributes.get(f"{UNSUBSCRIBED}_{channel}"))


def restrictions(attributes: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Those of the attributes that suppress, of whatever channel."""
    return {name: value for name, value in attributes.items() if _restricts(name) and _says_so(value)}


def suppressed_before(spec: StrategySpec, attributes: Mapping[str, Scalar]) -> Suppression | None:
    """Why nothing is to be decided for the user. It does not depend on the arm: else the arms could not be compared."""
    whole = suppression(attributes)
    if whole is not None or not spec.channels:
        return whole
    unreached = all(is_unsubscribed(attributes, channel) for channel in spec.channels)
    return "unsubscribed" if unreached else None


def suppressed_action(action: Action, attributes: Mapping[str, Scalar]) -> Suppression | None:
    """Why this action is not to be done, or None."""
    whole = suppression(attributes)
    if whole is None and isinstance(action, Notify) and is_unsubscribed(attributes, action.notify):
        return "unsubscribed"
    return whole


def _restricts(name: str) -> bool:
    return name in _WHOLLY or name == UNSUBSCRIBED or name.startswith(f"{UNSUBSCRIBED}_")


def _says_so(value: Scalar) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")
