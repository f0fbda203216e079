"""Events of a user as they are answered, over HTTP and at the command line."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from application.queries import RecordedEvent
from domain.facts.instants import format_instant
from domain.tier_model.receipt import receipt_id

# Every instant that an event has of its own, by name; `trigger` and `opened` hold some as well.
INSTANTS = (
    "at",
    "at_risk_on",
    "due_at",
    "ends_at",
    "expires_at",
    "facts_known_at",
    "grace_until",
    "sent_at",
    "since",
    "until",
    "valid_until",
)
_HOLDERS = ("opened", "trigger")


def event_json(event: RecordedEvent) -> dict[str, Any]:
    """As the history shows it. What is kept in clear columns stands in data too: it belongs to the event."""
    shown = asdict(event)
    own = _with_texts(event.data)
    own |= {holder: _with_texts(own[holder]) for holder in _HOLDERS if own.get(holder) is not None}
    clear = {"scheme": shown.pop("scheme"), "scope": shown.pop("scope")}
    moved = {"from": shown.pop("from_tier"), "to": shown.pop("to_tier")}
    shown["receipt_id"] = None if event.receipt is None else receipt_id(event.receipt)
    shown["data"] = clear | moved | own
    shown["effective_at"] = format_instant(event.effective_at)
    shown["recorded_at"] = format_instant(event.recorded_at)
    return shown


def _with_texts(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: format_instant(value) if key in INSTANTS and isinstance(value, int) else value
        for key, value in data.items()
    }
