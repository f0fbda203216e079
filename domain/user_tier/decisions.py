"""What a decision says before it is written: plain values, no event library."""

from typing import Any
from uuid import UUID

import msgspec


class NewEvent(msgspec.Struct, frozen=True):
    """One event of a subject, ready to be sealed and appended.

    version: position in the subject's stream, from 1; two events never share one.
    topic: stored name, such as user-tier.tier-changed.v1.
    effective_at: the decision's instant, microseconds.
    actor: who or what decided; command_id: the caller's key; causation: what led to it.
    data: the event's own fields, receipt included; scalars, lists and dicts only.
    """

    subject_id: UUID
    version: int
    topic: str
    scheme: str
    scope: str
    from_tier: str | None
    to_tier: str | None
    effective_at: int
    actor: str
    command_id: str
    causation: str
    data: dict[str, Any]


def event_id_of(stream_id: UUID, version: int) -> str:
    """The id of an event: derived, never stored."""
    return f"{stream_id.hex}-{version}"
