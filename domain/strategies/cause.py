"""What sets a strategy off: an event of a user, held against a trigger."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple
from uuid import UUID

from domain.strategies.spec import AtRisk, Entered, Held, Left, Place, Tagged, Trigger

TOPICS = ("user-tier.tier-changed.v1", "user-tier.tier-at-risk.v1", "user-tier.tag-added.v1")
"""Those that can set a strategy off. A grace that begins (downgrade-deferred) comes with a tier-at-risk."""

_NEVER = ("history", "opening")  # the past is not reacted to

Kind = Literal["entered", "left", "held", "at_risk", "tagged", "joins", "every", "hand", "start", "bulk"]

BY_CALL = ("hand", "start", "bulk")  # somebody has called: there is nothing that could be over


class Cause(NamedTuple):
    """Why a strategy reaches for a user. at: since when it is so; event_id: what led to it, unique for it.

    scheme, scope, tier: of triggers about a standing. The tier is the one that was entered, left, held or is at risk.
    """

    kind: Kind
    event_id: str
    at: int
    scheme: str = ""
    scope: str = ""
    tier: str | None = None


class Happened(NamedTuple):
    """An event of a user, as reactions read it. effective_at, recorded_at: microseconds."""

    subject_id: UUID
    recorded_at: int
    event_id: str
    topic: str
    scheme: str
    scope: str
    from_tier: str | None
    to_tier: str | None
    effective_at: int
    data: Mapping[str, Any]


def actor_of(strategy: str) -> str:
    """How events name a strategy that acts."""
    return f"strategy:{strategy}"


def cause_of(trigger: Trigger, on_model_change: bool, event: Happened) -> Cause | None:
    """What the event is to the trigger; None: nothing. A held tier is a cause at once, and counts when it was held."""
    told = event.data.get("cause")
    if told in _NEVER or (told == "model-change" and not on_model_change) or event.data.get("keeps_since"):
        return None
    place = (event.scheme, event.scope)
    match trigger, event.topic:
        case (Entered(entered=wanted), "user-tier.tier-changed.v1") if _is(wanted, event.scheme, event.to_tier):
            return Cause("entered", event.event_id, event.effective_at, *place, event.to_tier)
        case (Held(held=wanted), "user-tier.tier-changed.v1") if _is(wanted, event.scheme, event.to_tier):
            return Cause("held", event.event_id, event.effective_at, *place, event.to_tier)
        case (Left(left=wanted), "user-tier.tier-changed.v1") if event.from_tier and _is(
            wanted, event.scheme, event.from_tier
        ):
            return Cause("left", event.event_id, event.effective_at, *place, event.from_tier)
        case (AtRisk(at_risk=wanted), "user-tier.tier-at-risk.v1") if _is(wanted, event.scheme, event.from_tier):
            return Cause("at_risk", event.event_id, event.effective_at, *place, event.from_tier)
        case (Tagged(tagged=tag), "user-tier.tag-added.v1") if event.data.get("tag") == tag:
            return Cause("tagged", event.event_id, event.effective_at)
        case _:
            return None


def _is(wanted: Place, scheme: str, tier: str | None) -> bool:
    return wanted.scheme == scheme and wanted.tier in (None, tier)
