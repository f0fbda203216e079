"""The user card: where a user stands on every scheme, as one answer. A function of the last observation."""

from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from domain.facts.instants import format_instant
from domain.user_tier.observation import SchemeObservation
from projections.records import ObservationRecord, Record

PLATFORM = ""  # the scope of standings that are not kept per merchant


# Many users share a midnight, and one user's instants are much alike.
_text = lru_cache(maxsize=65_536)(format_instant)


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
    standings, tiers = {}, {}
    for scheme, scopes in record.observation.schemes.items():
        seen = scopes.get(PLATFORM)
        if seen is not None:
            standings[scheme] = _standing(seen)
            tiers[scheme] = seen.standing.tier
    card = {
        "standings": standings,
        "tags": sorted(record.observation.tags),
        "strategies": [],
        "grants": [],
        "position": record.position,
        "through": record.through,
        "decided_at": _text(record.decided_at),
        "subject_id": record.subject_id.hex,
    }
    return CardOperation(record.subject_id, record.position, record.user_ids, tiers, card)


def _standing(seen: SchemeObservation) -> dict[str, Any]:
    standing = seen.standing
    return {
        "tier": standing.tier,
        "since": _text(standing.since),
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
    return None if instant is None else _text(instant)
