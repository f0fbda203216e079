"""The stored event names this code knows. A name read from the database is looked up here, and never imported.

A stored name ends in its schema version, `user-tier.tier-changed.v1`. The code has one current version of each; an
older one is upcast step by step, a newer one is refused.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_type_hints

import msgspec
from eventsourcing.domain import AggregateEvent

import domain.benefits.events as benefits
import domain.budgets.events as budgets
import domain.bulk_grants.events as bulk_grants
import domain.campaigns.events as campaigns
import domain.definitions.events as definitions
import domain.grant_stops.events as grant_stops
import domain.issuances.events as issuances
import domain.segments.events as segments
import domain.strategies.events as strategies
import domain.tags.events as tags
import domain.tier_model.events as tier_model
import domain.user_tier.events as user_tier
import domain.user_tier.outreach.events as outreach
import domain.user_tier.user_ids.events as user_ids

Upcast = Callable[[dict[str, Any]], dict[str, Any]]
_NAME = re.compile(r"([a-z-]+\.[a-z-]+)\.v(\d+)")
_NOT_OWN = {"originator_id", "originator_version", "timestamp", "originator_topic"}


class TopicUnknown(Exception):
    """A stored event name that is not in the catalogue."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        super().__init__(f"events.topic {topic!r} is not in the catalogue: run code that knows it, or correct the name")


class SchemaNewerThanCode(Exception):
    """A stored event has a newer schema version than this code."""

    def __init__(self, topic: str, newest_known: int) -> None:
        self.topic, self.newest_known = topic, newest_known
        super().__init__(
            f"events.topic {topic!r} is newer than this code, which knows up to v{newest_known}: deploy that release"
        )


class DataInvalid(Exception):
    """An event's own fields do not have the shape that its name promises."""

    def __init__(self, topic: str, reason: str) -> None:
        self.topic, self.reason = topic, reason
        super().__init__(f"events.state of {topic!r}: {reason}; give the fields that the event class names")


@dataclasses.dataclass(frozen=True)
class EventType:
    """One event name. upcasts: from a schema version to the next one's fields; sealed: with its subject's key."""

    event_class: type[AggregateEvent]
    clear_fields: tuple[str, ...]
    sealed: bool
    upcasts: Mapping[int, Upcast] = dataclasses.field(default_factory=dict)

    @property
    def topic(self) -> str:
        """The current stored name."""
        return str(getattr(self.event_class, "TOPIC"))  # noqa: B009  (the library's base class does not declare it)


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    event_type: EventType
    upcasts: tuple[Upcast, ...]
    own: type[msgspec.Struct]


class Catalogue:
    """An allow-list of event types."""

    def __init__(self, types: Iterable[EventType]) -> None:
        self._entries: dict[str, _Entry] = {}
        self._newest: dict[str, int] = {}
        for event_type in types:
            self._add(event_type)

    def names(self) -> set[str]:
        """Every stored name that can be read, older schema versions included."""
        return set(self._entries)

    def require(self, topic: str) -> EventType:
        """The type behind a stored name. Raises TopicUnknown or SchemaNewerThanCode."""
        return self._entry(topic).event_type

    def check(self, topic: str, data: dict[str, Any]) -> None:
        """Refuse new data that could not be read again. Raises DataInvalid, TopicUnknown, SchemaNewerThanCode."""
        entry = self._entry(topic)
        if entry.upcasts:
            raise TopicUnknown(topic)
        self._validate(entry, topic, data)

    def read(self, topic: str, data: dict[str, Any]) -> tuple[EventType, dict[str, Any]]:
        """The type and the data in today's shape. Raises DataInvalid, TopicUnknown, SchemaNewerThanCode."""
        entry = self._entry(topic)
        for upcast in entry.upcasts:
            data = upcast(data)
        self._validate(entry, topic, data)
        return entry.event_type, data

    def _entry(self, topic: str) -> _Entry:
        entry = self._entries.get(topic)
        if entry is not None:
            return entry
        match = _NAME.fullmatch(topic)
        newest = self._newest.get(match[1]) if match else None
        if match and newest is not None and int(match[2]) > newest:
            raise SchemaNewerThanCode(topic, newest)
        raise TopicUnknown(topic)

    def _add(self, event_type: EventType) -> None:
        match = _NAME.fullmatch(event_type.topic)
        if match is None:
            raise ValueError(f"TOPIC {event_type.topic!r}: write aggregate.event-name.v1")
        stem, version = match[1], int(match[2])
        if stem in self._newest:
            raise ValueError(f"TOPIC {event_type.topic!r} is in the catalogue twice")
        self._newest[stem] = version
        own = _own_struct(event_type)
        steps: tuple[Upcast, ...] = ()
        self._entries[event_type.topic] = _Entry(event_type, steps, own)
        for older in range(version - 1, -1, -1):
            if older not in event_type.upcasts:
                break
            steps = (event_type.upcasts[older], *steps)
            self._entries[f"{stem}.v{older}"] = _Entry(event_type, steps, own)

    @staticmethod
    def _validate(entry: _Entry, topic: str, data: dict[str, Any]) -> None:
        try:
            msgspec.convert(data, entry.own)
        except msgspec.ValidationError as error:
            raise DataInvalid(topic, str(error)) from None


def _own_struct(event_type: EventType) -> type[msgspec.Struct]:
    """The event's own fields, without those of clear columns and of the library, as a type to validate against."""
    hints = get_type_hints(event_type.event_class)
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for field in dataclasses.fields(event_type.event_class):
        if field.name in _NOT_OWN or field.name in event_type.clear_fields:
            continue
        if field.default is dataclasses.MISSING:
            fields.append((field.name, hints[field.name]))
        else:
            fields.append((field.name, hints[field.name], field.default))
    return msgspec.defstruct(f"{event_type.event_class.__name__}Data", fields, kw_only=True)


CATALOGUE = Catalogue(
    [
        *(
            EventType(event, user_tier.CLEAR_FIELDS, sealed=True)
            for event in (*user_tier.EVENTS, *user_ids.EVENTS, *outreach.EVENTS)
        ),
        *(EventType(event, tier_model.CLEAR_FIELDS, sealed=False) for event in tier_model.EVENTS),
        *(EventType(event, benefits.CLEAR_FIELDS, sealed=False) for event in bulk_grants.EVENTS),
        *(EventType(event, benefits.CLEAR_FIELDS, sealed=False) for event in benefits.EVENTS),
        *(EventType(event, benefits.CLEAR_FIELDS, sealed=False) for event in budgets.EVENTS),
        *(EventType(event, benefits.CLEAR_FIELDS, sealed=False) for event in grant_stops.EVENTS),
        *(
            EventType(event, definitions.CLEAR_FIELDS, sealed=False)
            for event in (*tags.EVENTS, *segments.EVENTS, *issuances.EVENTS)
        ),
        *(EventType(event, strategies.CLEAR_FIELDS, sealed=False) for event in strategies.EVENTS),
        *(EventType(event, campaigns.CLEAR_FIELDS, sealed=False) for event in campaigns.EVENTS),
    ]
)
