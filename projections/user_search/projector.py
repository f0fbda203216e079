"""User search: one document a subject, for segments. A function of the last observation."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from domain.facts.instants import format_instant
from domain.tier_model.expression import SCALAR_PARTS
from domain.user_tier.observation import Scalar, SchemeObservation
from projections.records import ObservationRecord, Record
from projections.search_index import Document

PLATFORM = ""  # the scope of standings that are not kept per merchant
_FIRST_DAY = date(1970, 1, 1)

# Many users share a midnight, and one user's instants are much alike.
_text = lru_cache(maxsize=65_536)(format_instant)

_TEXT = {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1_024}}
# Without coercion a value of another type than the first is refused, not bent: a fraction never becomes a whole number.
_WHOLE = {"type": "long", "coerce": False}
_FRACTION = {"type": "double", "coerce": False}


# A feature may be of another type for another user, or by another version: each value has the field of its type.
_BY_TYPE = {"whole": _WHOLE, "fraction": _FRACTION, "text": _TEXT["mapping"], "flag": {"type": "boolean"}}
# What outsiders call an attribute may change its type: such a value is kept, but not found by it.
_LENIENT = {"ignore_malformed": True}


_ATTRIBUTE = {"path_match": "attributes.*"}
_OPEN = {"type": "object", "dynamic": "true"}

MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "date_detection": False,
    "numeric_detection": False,
    "dynamic_templates": [
        {"tiers": {"path_match": "tiers.*", "mapping": {"type": "keyword"}}},
        {"pinned": {"path_match": "pinned.*", "mapping": {"type": "keyword"}}},
        {"frozen": {"path_match": "frozen.*", "mapping": {"type": "boolean"}}},
        {"since": {"path_match": "since.*", "mapping": {"type": "date"}}},
        {"days": {"path_match": "days.*.*", "mapping": {"type": "date", "format": "strict_date"}}},
        *({f"typed_{part}": {"path_match": f"typed.*.*.{part}", "mapping": kind}} for part, kind in _BY_TYPE.items()),
        {"tag_numbers": {"path_match": "tag_numbers.*", "mapping": _FRACTION}},
        {"tag_texts": {"path_match": "tag_texts.*", "mapping": _TEXT["mapping"]}},
        {"attributes_text": {**_ATTRIBUTE, **_TEXT}},
        {"attributes_whole": {**_ATTRIBUTE, "match_mapping_type": "long", "mapping": {**_WHOLE, **_LENIENT}}},
        {"attributes_fraction": {**_ATTRIBUTE, "match_mapping_type": "double", "mapping": {**_FRACTION, **_LENIENT}}},
    ],
    "properties": {
        "subject_id": {"type": "keyword"},
        "user_ids": {"type": "keyword"},
        "tiers": _OPEN,
        "pinned": _OPEN,  # the pin's mode, where there is one
        "frozen": _OPEN,
        "since": _OPEN,
        "scoped_tiers": {"type": "keyword"},  # SCHEME/SCOPE/TIER: one field, however many scopes there are
        "tags": {"type": "keyword"},
        "benefits": {"type": "keyword"},  # those with something left
        "strategies": {"type": "keyword"},  # those that the user is in, held out or not
        "arms": {"type": "keyword"},  # STRATEGY/ARM of them; STRATEGY/ without an arm is held out
        "grants_expire_at": {"type": "date"},  # the first of them to end
        "tag_values": {"type": "object", "enabled": False},  # as shown
        "tag_numbers": _OPEN,  # as found: tag_numbers.NAME, or tag_texts.NAME
        "tag_texts": _OPEN,
        "features": {"type": "object", "enabled": False},  # as shown
        "typed": _OPEN,  # as found: typed.SCHEME.NAME.(whole|fraction|text|flag)
        "days": _OPEN,
        "attributes": _OPEN,
        "gone": {"type": "boolean"},  # merged into another subject
        "position": {"type": "long"},
        "through": {"type": "long"},
        "decided_at": {"type": "date"},
    },
}


def project(record: Record) -> Document | None:
    """The document that an observation asks for; None for any other record.

    Of a subject that no user id names, since it was merged into another, a tombstone that no search finds: a deleted
    document's version would be forgotten.
    """
    if not isinstance(record, ObservationRecord):
        return None
    observation = record.observation
    subject_id = record.subject_id.hex
    if not record.user_ids:
        gone = {"subject_id": subject_id, "user_ids": [], "gone": True, "position": record.position}
        return Document(subject_id, record.position, record.subject_id, gone)
    tiers, pinned, frozen, since, features, typed, days = {}, {}, {}, {}, {}, {}, {}
    scoped_tiers = []
    for scheme, scopes in observation.schemes.items():
        scoped_tiers += [scoped_tier(scheme, scope, at.standing.tier) for scope, at in scopes.items() if scope]
        seen = scopes.get(PLATFORM)
        if seen is not None:
            tiers[scheme] = seen.standing.tier
            if seen.standing.pin is not None:
                pinned[scheme] = seen.standing.pin.mode
            if seen.standing.frozen is not None:
                frozen[scheme] = True
            since[scheme] = _text(seen.standing.since)
            features[scheme] = _features(seen)
            typed[scheme] = {name: {SCALAR_PARTS[type(value)]: value} for name, value in features[scheme].items()}
            days[scheme] = {name: _date(day) for name, day in seen.days.items() if day is not None}
    source = {
        "subject_id": subject_id,
        "user_ids": record.user_ids,
        "tiers": tiers,
        "pinned": pinned,
        "frozen": frozen,
        "since": since,
        "scoped_tiers": sorted(scoped_tiers),
        "tags": sorted(observation.tags),
        "benefits": sorted({grant.benefit for grant in record.grants}),
        **_tag_values(observation.tag_values),
        "strategies": sorted({assignment.strategy for assignment in record.strategies}),
        "arms": sorted({f"{assignment.strategy}/{assignment.arm or ''}" for assignment in record.strategies}),
        "features": features,
        "typed": typed,
        "days": days,
        "attributes": {name: value for name, value in observation.attributes.items() if value is not None},
        "position": record.position,
        "through": record.through,
        "decided_at": _text(record.decided_at),
    }
    ends = [grant.expires_at for grant in record.grants if grant.expires_at is not None]
    if ends:
        source["grants_expire_at"] = _text(min(ends))
    return Document(subject_id, record.position, record.subject_id, source)


def _tag_values(values: Mapping[str, Scalar]) -> dict[str, Any]:
    """As shown and as found; nothing where there are none."""
    if not values:
        return {}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    numbers = {name: float(value) for name, value in values.items() if isinstance(value, int | float)}
    return {"tag_values": dict(values), "tag_numbers": numbers, "tag_texts": texts}


def scoped_tier(scheme: str, scope: str, tier: str = "") -> str:
    """How a standing in a scope is indexed; without a tier what all of the scope begin with."""
    return f"{scheme}/{_escaped(scope)}/{_escaped(tier)}"


def _escaped(text: str) -> str:
    """Without a slash, so that no two standings are written alike."""
    return text.replace("%", "%25").replace("/", "%2F")


def _features(seen: SchemeObservation) -> dict[str, Any]:
    """Values that stay true while no fact comes; a days_since is told by its day."""
    return {name: value for name, value in seen.features.items() if value is not None and name not in seen.days}


@lru_cache(maxsize=4_096)
def _date(day: int) -> str:
    return (_FIRST_DAY + timedelta(days=day)).isoformat()
