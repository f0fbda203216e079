"""Text to model, with every structural fault named: its place, its value, what to write instead."""

from typing import Any

from pydantic import BaseModel

from domain.tier_model.spec.faults import ModelInvalid
from domain.tier_model.spec.features import FEATURE_KEYS, FEATURE_PARTS
from domain.tier_model.spec.growth import Earn, Growth
from domain.tier_model.spec.learned import Target
from domain.tier_model.spec.model import TierModelSpec
from domain.tier_model.spec.policy import Downgrade, PolicySpec, ReviewEvery
from domain.tier_model.spec.reading import A_TIER, Language, Location
from domain.tier_model.spec.scores import SCORE_PARTS, Label, Rule
from domain.tier_model.spec.source import Source


def parse_model(text: str | bytes) -> TierModelSpec:
    """A model out of YAML or JSON. Raises ModelInvalid with every fault of its structure; lint() finds the others."""
    return read_model(text)[0]


def read_model(text: str | bytes) -> tuple[TierModelSpec, Source]:
    """parse_model, with the source that knows every path's line and column."""
    return _MODEL.read(text)


def _spelling(location: Location) -> str | None:
    of_tiers = location[0] in ("tiers", "default") or (location[0] == "rules" and location[-1] == "[key]")
    return A_TIER if of_tiers else None


def _part_at(location: Location, _data: Any) -> type[BaseModel]:
    """The part of a model that a validation location lies in."""
    match location:
        case ("features", _, str(tag), *_) if tag in FEATURE_PARTS:
            return FEATURE_PARTS[tag]
        case ("scores", _, "score:learned", "predict", *_):
            return Target
        case ("scores", _, str(tag), *_) if tag in SCORE_PARTS:
            return SCORE_PARTS[tag]
        case ("rules", *_):
            return Rule
        case ("growth", "earn", *_):
            return Earn
        case ("growth", *_):
            return Growth
        case ("labels", *_):
            return Label
        case ("policy", "downgrade", _, "review", *_):
            return ReviewEvery
        case ("policy", "downgrade", *_):
            return Downgrade
        case ("policy", *_):
            return PolicySpec
        case _:
            return TierModelSpec


_MODEL = Language(
    TierModelSpec,
    noun="A model",
    keys="scheme, dimension, time_zone, currency, tiers, features and rules",
    refuse=ModelInvalid,
    part_at=_part_at,
    spelling=_spelling,
    markers=("kind:", "score:", "cuts:", "review:", "downgrade:"),
    no_member=("is no feature", f"Write exactly one of {', '.join(FEATURE_KEYS)}, such as {{count: order}}"),
)
