"""Between the library's domain events and rows of the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, StoredEvent

from domain.facts.instants import to_datetime
from infrastructure.event_store.catalogue import CATALOGUE, Catalogue, EventType
from infrastructure.event_store.codec import MsgpackTranscoder
from infrastructure.event_store.rows import EventRow
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT, Seal

_LIBRARY_FIELDS = ("originator_id", "originator_version", "timestamp", "originator_topic")


@dataclass(frozen=True)
class LedgerEvent(StoredEvent):
    """A stored event with its clear columns. data_key: its subject's wrapped key, when it was read from the ledger."""

    row: EventRow
    data_key: bytes | None = None


class SubjectErased(Exception):
    """The subject's key is gone: what was sealed with it cannot be read, and nothing new can be sealed."""

    def __init__(self, subject_id: UUID) -> None:
        self.subject_id = subject_id
        super().__init__(f"subject {subject_id} was erased: its events are kept, but nobody can read them")


class LedgerMapper(Mapper[UUID]):
    """Seals with the subject's own key, splits off the clear columns, and decodes by the allow-list alone.

    seal_of: the seal of a subject, None when it was erased.
    """

    def __init__(
        self, keyring: Keyring, seal_of: Callable[[UUID], Seal | None], catalogue: Catalogue = CATALOGUE
    ) -> None:
        super().__init__(transcoder=MsgpackTranscoder())
        self._keyring = keyring
        self._seal_of = seal_of
        self._catalogue = catalogue

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> LedgerEvent:
        """A row to append. Raises TopicUnknown, DataInvalid, SubjectErased."""
        stream_id, version = domain_event.originator_id, domain_event.originator_version
        event_type = self._catalogue.require(str(getattr(domain_event, "TOPIC", type(domain_event).__qualname__)))
        own, clear = _split(event_type, vars(domain_event))
        self._catalogue.check(event_type.topic, own)
        state = self.transcoder.encode(own)
        if event_type.sealed:
            state = self._require_seal(stream_id, self._seal_of(stream_id)).seal(CONTEXT_EVENT, state)
        row = EventRow(
            originator_id=stream_id,
            originator_version=version,
            topic=event_type.topic,
            scheme=clear.get("scheme", ""),
            scope=clear.get("scope", ""),
            from_tier=clear.get("from_tier"),
            to_tier=clear.get("to_tier"),
            effective_at=clear["effective_at"],
            recorded_at=None,
            actor=clear["actor"],
            command_id=clear["command_id"],
            causation=clear["causation"],
            state=state,
        )
        return LedgerEvent(stream_id, version, event_type.topic, state, row)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """An event object in today's shape.

        Raises TopicUnknown, SchemaNewerThanCode, DataInvalid, SubjectErased, SealBroken, msgspec.DecodeError.
        """
        if not isinstance(stored_event, LedgerEvent):
            raise TypeError("stored_event: read it through the ledger's recorder, which brings the clear columns along")
        row, state = stored_event.row, stored_event.state
        if self._catalogue.require(stored_event.topic).sealed:
            key = stored_event.data_key
            seal = None if key is None else self._keyring.unwrap(row.originator_id, key)
            state = self._require_seal(row.originator_id, seal).unseal(CONTEXT_EVENT, state)
        event_type, own = self._catalogue.read(stored_event.topic, self.transcoder.decode(state))
        clear = {name: getattr(row, name) for name in event_type.clear_fields}
        event: DomainEventProtocol[UUID] = event_type.event_class(
            originator_id=row.originator_id,
            originator_version=row.originator_version,
            timestamp=to_datetime(row.effective_at),
            **clear,
            **own,
        )
        return event

    @staticmethod
    def _require_seal(subject_id: UUID, seal: Seal | None) -> Seal:
        if seal is None:
            raise SubjectErased(subject_id)
        return seal


def _split(event_type: EventType, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The event's own fields, and those of clear columns."""
    own = {k: v for k, v in state.items() if k not in event_type.clear_fields and k not in _LIBRARY_FIELDS}
    return own, {k: state[k] for k in event_type.clear_fields}
