"""User search: one document a subject, for segments. A function of the last observation."""

from datetime import date, timedelta
from typing import Any

from domain.facts.instants import format_instant
from domain.user_tier.observation import SchemeObservation
from projections.records import ObservationRecord, Record
from projections.search_index import Document

PLATFORM = ""  # the scope of standings that are not kept per merchant
_FIRST_DAY = date(1970, 1, 1)

_TEXT = {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1_024}}
# Without coercion a value of another type than the first is refused, not bent: a fraction never becomes a whole number.
_WHOLE = {"type": "long", "coerce": False}
_FRACTION = {"type": "double", "coerce": False}


def _templates(parent: str, lenient: bool) -> list[dict[str, Any]]:
    extra = {"ignore_malformed": True} if lenient else {}
    path = {"path_match": f"{parent}.*"}
    return [
        {f"{parent}_text": {**path, **_TEXT}},
        {f"{parent}_whole": {**path, "match_mapping_type": "long", "mapping": {**_WHOLE, **extra}}},
        {f"{parent}_fraction": {**path, "match_mapping_type": "double", "mapping": {**_FRACTION, **extra}}},
    ]


_OPEN = {"type": "object", "dynamic": "true"}

MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "date_detection": False,
    "numeric_detection": False,
    "dynamic_templates": [
        {"tiers": {"path_match": "tiers.*", "mapping": {"type": "keyword"}}},
        {"since": {"path_match": "since.*", "mapping": {"type": "date"}}},
        {"days": {"path_match": "days.*.*", "mapping": {"type": "date", "format": "strict_date"}}},
        *_templates("features", lenient=False),
        # What outsiders call an attribute may change its type: such a value is kept, but not found by it.
        *_templates("attributes", lenient=True),
    ],
    "properties": {
        "subject_id": {"type": "keyword"},
        "user_ids": {"type": "keyword"},
        "tiers": _OPEN,
        "since": _OPEN,
        "tags": {"type": "keyword"},
        "features": _OPEN,
        "days": _OPEN,
        "attributes": _OPEN,
        "position": {"type": "long"},
        "through": {"type": "long"},
        "decided_at": {"type": "date"},
    },
}


def project(record: Record) -> Document | None:
    """The document that an observation asks for; None for any other record, and for a subject that no user id names."""
    if not isinstance(record, ObservationRecord) or not record.user_ids:
        return None
    observation = record.observation
    shown = {scheme: scopes[PLATFORM] for scheme, scopes in observation.schemes.items() if PLATFORM in scopes}
    subject_id = record.subject_id.hex
    source = {
        "subject_id": subject_id,
        "user_ids": list(record.user_ids),
        "tiers": {scheme: seen.standing.tier for scheme, seen in shown.items()},
        "since": {scheme: format_instant(seen.standing.since) for scheme, seen in shown.items()},
        "tags": sorted(observation.tags),
        "features": {scheme: _features(seen) for scheme, seen in shown.items()},
        "days": {scheme: _days(seen) for scheme, seen in shown.items()},
        "attributes": {name: value for name, value in observation.attributes.items() if value is not None},
        "position": record.position,
        "through": record.through,
        "decided_at": format_instant(record.decided_at),
    }
    return Document(subject_id, record.position, record.subject_id, source)


def _features(seen: SchemeObservation) -> dict[str, Any]:
    """Values that stay true while no fact comes; a days_since is told by its day."""
    return {name: value for name, value in seen.features.items() if value is not None and name not in seen.days}


def _days(seen: SchemeObservation) -> dict[str, str]:
    return {name: _date(day) for name, day in seen.days.items() if day is not None}


def _date(day: int) -> str:
    return (_FIRST_DAY + timedelta(days=day)).isoformat()
