"""Whom a strategy must not reach, as users' profiles say it. Asked when it is decided and again when it is sent."""

from collections.abc import Mapping, Sequence
from typing import Literal

from domain.strategies.spec import Action, Notify, StrategySpec
from domain.user_tier.observation import Scalar

Suppression = Literal["opted-out", "minor", "risk-listed", "unsubscribed"]

OPT_OUT, MINOR, RISK_LISTED, UNSUBSCRIBED = "personalisation_opt_out", "minor", "risk_listed", "unsubscribed"
"""Profile attributes that suppress while they are true; unsubscribed_CHANNEL for one channel alone."""

_WHOLLY: dict[str, Suppression] = {OPT_OUT: "opted-out", MINOR: "minor", RISK_LISTED: "risk-listed"}


def suppression(attributes: Mapping[str, Scalar]) -> Suppression | None:
    """Why the user is not to be reached at all, or None."""
    return next((reason for name, reason in _WHOLLY.items() if _says_so(attributes.get(name))), None)


def is_unsubscribed(attributes: Mapping[str, Scalar], channel: str) -> bool:
    """Whether messages by the channel are refused."""
    return _says_so(attributes.get(UNSUBSCRIBED)) or _says_so(attributes.get(f"{UNSUBSCRIBED}_{channel}"))


def suppressed_before(spec: StrategySpec, attributes: Mapping[str, Scalar]) -> Suppression | None:
    """Why nothing is to be decided for the user. It does not depend on the arm: else the arms could not be compared."""
    whole = suppression(attributes)
    if whole is not None:
        return whole
    reaching = [_reaches(arm.do, attributes) for arm in spec.treatments.values() if arm.do]
    return "unsubscribed" if reaching and not any(reaching) else None


def suppressed_action(action: Action, attributes: Mapping[str, Scalar]) -> Suppression | None:
    """Why this action is not to be done, or None."""
    whole = suppression(attributes)
    if whole is None and isinstance(action, Notify) and is_unsubscribed(attributes, action.notify):
        return "unsubscribed"
    return whole


def _reaches(actions: Sequence[Action], attributes: Mapping[str, Scalar]) -> bool:
    return any(suppressed_action(action, attributes) is None for action in actions)


def _says_so(value: Scalar) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")
