"""Who is in which arm: drawn by salted hashes of the subject's id, so that asking again answers the same."""

from collections.abc import Mapping
from typing import Literal, NamedTuple
from uuid import UUID

from domain.strategies.spec import SHARES, StrategySpec
from domain.tier_model.migration import share_of

Holdout = Literal["", "global", "strategy"]

GLOBAL_SALT = "tierline/holdout"


class Drawn(NamedTuple):
    """arm: None for who is held out. holdout: by whom, the whole programme or the strategy; empty for nobody."""

    arm: str | None
    holdout: Holdout = ""


def draw(spec: StrategySpec, global_percent: float, subject_id: UUID) -> Drawn:
    """The subject's arm: nested, first the programme's holdout, then the strategy's, then the arms by their weights.

    The three are drawn independently. A greater global_percent holds everybody of a smaller one out.
    """
    if global_percent and share_of(GLOBAL_SALT, subject_id) < _shares(global_percent):
        return Drawn(None, "global")
    salt = spec.salt or spec.strategy
    if spec.holdout and share_of(f"{salt}/holdout", subject_id) < _shares(spec.holdout):
        return Drawn(None, "strategy")
    weights = {name: arm.weight for name, arm in spec.treatments.items()}
    return Drawn(arm_at(weights, share_of(f"{salt}/arm", subject_id) if len(weights) > 1 else 0))


def arm_at(weights: Mapping[str, float], share: int) -> str:
    """The arm that a share, 0 to 9,999, falls in. weights: percent by arm, in their order; they add up to 100."""
    reached = 0
    for name, weight in weights.items():
        reached += _shares(weight)
        if share < reached:
            return name
    raise ValueError(f"weights add up to {reached / 100}, not to 100")


def _shares(percent: float) -> int:
    return round(percent * SHARES / 100)
