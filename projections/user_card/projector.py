"""The user card: where a user stands on every scheme, as one answer. A function of the last observation."""

from typing import Any, NamedTuple
from uuid import UUID

from domain.facts.instants import format_instant
from domain.user_tier.observation import SchemeObservation
from projections.records import ObservationRecord, Record

PLATFORM = ""  # the scope of standings that are not kept per merchant


class CardOperation(NamedTuple):
    """One subject's card. card lacks the user id, for each of user_ids has a card of its own. tiers: scheme -> tier."""

    subject_id: UUID
    position: int
    user_ids: tuple[str, ...]
    tiers: dict[str, str]
    card: dict[str, Any]


def project(record: Record) -> CardOperation | None:
    """The card that an observation asks for; None for any other record, and for a subject that no user id names."""
    if not isinstance(record, ObservationRecord) or not record.user_ids:
        return None
    observation = record.observation
    shown = {scheme: scopes[PLATFORM] for scheme, scopes in observation.schemes.items() if PLATFORM in scopes}
    card = {
        "standings": {scheme: _standing(seen) for scheme, seen in shown.items()},
        "tags": sorted(observation.tags),
        "strategies": [],
        "grants": [],
        "position": record.position,
        "through": record.through,
        "decided_at": format_instant(record.decided_at),
        "subject_id": record.subject_id.hex,
    }
    tiers = {scheme: seen.standing.tier for scheme, seen in shown.items()}
    return CardOperation(record.subject_id, record.position, record.user_ids, tiers, card)


def _standing(seen: SchemeObservation) -> dict[str, Any]:
    standing = seen.standing
    return {
        "tier": standing.tier,
        "since": format_instant(standing.since),
        "model_version": seen.version,
        "pinned": False,
        "grace_until": _optional(standing.grace_until),
        "next_tier": seen.next_tier,
        "missing": seen.missing,
        "may_drop_on": _optional(seen.may_drop_on),
        "qualified": seen.qualified,
        "features": seen.features,
        "scores": seen.scores,
    }


def _optional(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
