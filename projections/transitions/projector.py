"""Transitions: one document for each thing that happened to a standing. A function of one event."""

from typing import Any

from domain.facts.instants import format_instant
from projections.records import EventRecord, Record
from projections.search_index import Document

MAPPINGS: dict[str, Any] = {
    "dynamic": "strict",
    "properties": {
        "event_id": {"type": "keyword"},
        "subject_id": {"type": "keyword"},
        "topic": {"type": "keyword"},
        "scheme": {"type": "keyword"},
        "scope": {"type": "keyword"},
        "from_tier": {"type": "keyword"},
        "to_tier": {"type": "keyword"},
        "cause": {"type": "keyword"},
        "effective_at": {"type": "date"},
        "recorded_at": {"type": "date"},
        "actor": {"type": "keyword"},
        "version": {"type": "integer"},
        "position": {"type": "long"},
    },
}


def project(record: Record) -> Document | None:
    """The document of a transition; None for a record that is no event. What happened never changes, nor does it.

    Which user ids name the subject may change, and is asked elsewhere.
    """
    if not isinstance(record, EventRecord):
        return None
    source = {
        "event_id": record.event_id,
        "subject_id": record.subject_id.hex,
        "topic": record.topic,
        "scheme": record.scheme,
        "scope": record.scope,
        "from_tier": record.from_tier,
        "to_tier": record.to_tier,
        "cause": record.data.get("cause"),
        "effective_at": format_instant(record.effective_at),
        "recorded_at": format_instant(record.recorded_at),
        "actor": record.actor,
        "version": record.version,
        "position": record.position,
    }
    return Document(record.event_id, record.position, record.subject_id, source)
