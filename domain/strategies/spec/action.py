"""What a strategy does for a user. Each kind is told from the others by the key it is spelled with."""

from typing import Annotated, Any

from pydantic import Discriminator, StringConstraints, Tag

from domain.strategies.spec.values import StrategyName, Word
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import Days
from domain.tier_model.spec.values import Tier as TagName

Benefit = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9_.\-]{0,62}[a-z0-9])?$")]


class GrantBenefit(Part):
    """The user receives a benefit."""

    grant: Benefit


class PutTag(Part):
    """The user gets a tag, for good or for so many days (of 24 hours)."""

    tag: TagName
    days: Days | None = None


class Notify(Part):
    """A message to the user by a channel. template: what the channel's sender makes of it."""

    notify: Word
    template: Word


class StartStrategy(Part):
    """Another strategy reaches for the user, by its own rules."""

    start: StrategyName


Action = GrantBenefit | PutTag | Notify | StartStrategy
ACTION_KEYS: dict[str, type[Part]] = {"grant": GrantBenefit, "tag": PutTag, "notify": Notify, "start": StartStrategy}
ACTION_PARTS: dict[str, type[Part]] = {f"action:{key}": part for key, part in ACTION_KEYS.items()}
_KEYS = {part: key for key, part in ACTION_KEYS.items()}


def _tag(value: Any) -> str | None:
    if isinstance(value, dict):
        found = [key for key in ACTION_KEYS if key in value]
        return f"action:{found[0]}" if len(found) == 1 else None
    return f"action:{_KEYS[type(value)]}" if type(value) in _KEYS else None


ActionText = Annotated[
    Annotated[GrantBenefit, Tag("action:grant")]
    | Annotated[PutTag, Tag("action:tag")]
    | Annotated[Notify, Tag("action:notify")]
    | Annotated[StartStrategy, Tag("action:start")],
    Discriminator(_tag),
]


def action_to_json(action: Action) -> dict[str, Any]:
    """As events tell it, and files spell it."""
    return action.model_dump(mode="json", by_alias=True, exclude_defaults=True)
