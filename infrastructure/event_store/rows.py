"""Rows of the ledger as they are written: sealed, and in the order of their columns."""

from typing import NamedTuple
from uuid import UUID

import msgspec

from domain.user_tier.decisions import NewEvent
from domain.user_tier.observation import Observation, encode_observation
from infrastructure.event_store.catalogue import CATALOGUE
from infrastructure.security.seal import CONTEXT_EVENT, CONTEXT_OBSERVATION, Seal

_encode = msgspec.msgpack.Encoder().encode


class EventRow(NamedTuple):
    """A row of events without its position. Instants in microseconds; state is sealed for subjects.

    recorded_at: None is for the append to fill in (not in bulk).
    """

    originator_id: UUID
    originator_version: int
    topic: str
    scheme: str
    scope: str
    from_tier: str | None
    to_tier: str | None
    effective_at: int
    recorded_at: int | None
    actor: str
    command_id: str
    causation: str
    state: bytes


class ObservationRow(NamedTuple):
    """A row of observations without its position.

    through: position of the last fact, command or activation decided; due_at: None when nothing is to come.
    """

    subject_id: UUID
    through: int
    decided_at: int
    due_at: int | None
    body: bytes


def seal_event(event: NewEvent, seal: Seal, recorded_at: int) -> EventRow:
    """The row of a subject's event. Raises TopicUnknown, SchemaNewerThanCode or DataInvalid."""
    CATALOGUE.check(event.topic, event.data)
    return EventRow(
        event.subject_id,
        event.version,
        event.topic,
        event.scheme,
        event.scope,
        event.from_tier,
        event.to_tier,
        event.effective_at,
        recorded_at,
        event.actor,
        event.command_id,
        event.causation,
        seal.seal(CONTEXT_EVENT, _encode(event.data)),
    )


def seal_observation(
    observation: Observation, seal: Seal, *, through: int, decided_at: int, due_at: int | None
) -> ObservationRow:
    """The row of a subject's observation."""
    body = seal.seal(CONTEXT_OBSERVATION, encode_observation(observation))
    return ObservationRow(seal.subject_id, through, decided_at, due_at, body)
