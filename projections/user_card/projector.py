"""The user card: where a user stands on every scheme, as one answer. A function of the last observation."""

from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from domain.facts.instants import format_instant
from domain.tier_model.spec.growth import GROWTH
from domain.user_tier.observation import SchemeObservation, Standing, running_grace
from projections.records import LiveAssignment, LiveGrant, ObservationRecord, Record

PLATFORM = ""  # the scope of standings that are not kept per merchant


# Many users share a midnight, and one user's instants are much alike.
_text = lru_cache(maxsize=65_536)(format_instant)


class CardOperation(NamedTuple):
    """One subject's card. card lacks the user id, for each of user_ids has a card of its own.

    stands: (scheme, scope, tier) of every standing, for counting; scope '' is the platform. shared: some of user_ids
    are or were one of several of a subject, so that another may have written their cards.
    """

    subject_id: UUID
    position: int
    user_ids: tuple[str, ...]
    stands: list[tuple[str, str, str]]
    card: dict[str, Any]
    shared: bool = False


def project(record: Record) -> CardOperation | None:
    """The card that an observation asks for; None for any other record.

    Of a subject that no user id names, since it was merged into another, there is none: its standings count no more.
    """
    if not isinstance(record, ObservationRecord):
        return None
    if not record.user_ids:
        return CardOperation(record.subject_id, record.position, (), [], {})
    standings: dict[str, Any] = {}
    scopes: dict[str, dict[str, Any]] = {}
    stands = []
    for scheme, seen_in in record.observation.schemes.items():
        for scope, seen in seen_in.items():
            stands.append((scheme, scope, seen.standing.tier))
            if scope == PLATFORM:
                standings[scheme] = _standing(seen, record.decided_at)
            else:
                scopes.setdefault(scheme, {})[scope] = _standing(seen, record.decided_at)
    card = {
        "standings": standings,
        **({"scopes": scopes} if scopes else {}),
        "tags": sorted(record.observation.tags),
        **({"tag_values": record.observation.tag_values} if record.observation.tag_values else {}),
        "strategies": [_strategy(assignment) for assignment in record.strategies],
        "grants": [_grant(grant) for grant in record.grants],
        "position": record.position,
        "through": record.through,
        "decided_at": _text(record.decided_at),
        "subject_id": record.subject_id.hex,
    }
    return CardOperation(record.subject_id, record.position, record.user_ids, stands, card, record.shared)


def _standing(seen: SchemeObservation, now: int) -> dict[str, Any]:
    standing = seen.standing
    growth = {"growth": _growth(seen)} if GROWTH in seen.features else {}
    return {
        "tier": standing.tier,
        "since": _text(standing.since),
        "model_version": seen.version,
        "pinned": standing.pin is not None,
        "grace_until": _optional(running_grace(standing, now)),
        "next_tier": seen.next_tier,
        "missing": seen.missing,
        "may_drop_on": _optional(seen.may_drop_on),
        "qualified": seen.qualified,
        "features": seen.features,
        "scores": seen.scores,
        **growth,
        **_held(standing),
    }


def _held(standing: Standing) -> dict[str, Any]:
    """What people, or the promise of an activation, do to it; nothing of what there is not."""
    pin, frozen, promise = standing.pin, standing.frozen, standing.protected
    shown: dict[str, Any] = {}
    if pin is not None:
        until = _optional(pin.until)
        shown["pin"] = {"mode": pin.mode, "tier": pin.tier, "until": until, "reason": pin.reason}
    if frozen is not None:
        shown["frozen"] = {"since": _text(frozen.since), "until": _optional(frozen.until), "reason": frozen.reason}
    if promise is not None and promise.floor is not None:
        shown["promised"] = {"tier": promise.floor, "until": _optional(promise.until)}
    return shown


def _growth(seen: SchemeObservation) -> dict[str, Any]:
    """The growth value as of the last decision. carried: what the last settlement left."""
    return {
        "balance": seen.features[GROWTH],
        "carried": seen.standing.growth_carried,
        "settled_at": _optional(seen.standing.growth_settled_at),
    }


def _strategy(assignment: LiveAssignment) -> dict[str, Any]:
    """arm null: held out, by whom says holdout."""
    return {
        "strategy": assignment.strategy,
        "strategy_version": assignment.strategy_version,
        "assignment_id": assignment.assignment_id,
        "arm": assignment.arm,
        "holdout": assignment.holdout or None,
        "campaign": assignment.campaign or None,
        "assigned_at": _text(assignment.assigned_at),
        "ends_at": _text(assignment.ends_at),
    }


def _grant(grant: LiveGrant) -> dict[str, Any]:
    return {
        "grant_id": grant.grant_id,
        "benefit": grant.benefit,
        "benefit_version": grant.benefit_version,
        "kind": grant.kind,
        "units": grant.units,
        "left": grant.left,
        "granted_at": _text(grant.granted_at),
        "expires_at": _optional(grant.expires_at),
    }


def _optional(instant: int | None) -> str | None:
    return None if instant is None else _text(instant)
