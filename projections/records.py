"""What the log's tail hands to projectors. Instants in microseconds; positions are the log's order."""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec

from domain.user_tier.observation import Observation


class EventRecord(msgspec.Struct, frozen=True):
    """One event. user_ids is empty for a tier model's events and for an erased subject."""

    position: int
    subject_id: UUID
    user_ids: tuple[str, ...]
    version: int
    topic: str
    scheme: str
    scope: str
    from_tier: str | None
    to_tier: str | None
    effective_at: int
    recorded_at: int
    actor: str
    command_id: str
    causation: str
    data: dict[str, Any]

    @property
    def event_id(self) -> str:
        """`SUBJECT-VERSION`: derived, never stored."""
        return f"{self.subject_id.hex}-{self.version}"


class LiveGrant(msgspec.Struct, frozen=True, array_like=True):
    """A grant of which something is left. Instants in microseconds; expires_at None: it has no end."""

    grant_id: str
    benefit: str
    benefit_version: int
    kind: str
    units: int
    left: int
    granted_at: int
    expires_at: int | None
    campaign: str


class LiveAssignment(msgspec.Struct, frozen=True, array_like=True):
    """A strategy that a user is in. arm None: held out, by whom says holdout. Instants in microseconds."""

    assignment_id: str
    strategy: str
    strategy_version: int
    arm: str | None
    holdout: str
    assigned_at: int
    ends_at: int
    campaign: str


class ObservationRecord(msgspec.Struct, frozen=True):
    """The one current observation of a subject, with what it holds. through: the last fact, command or activation
    decided. position: of the observation, or of the event that gave or took something after it. shared: some of
    user_ids are or were one of several of a subject."""

    position: int
    subject_id: UUID
    user_ids: tuple[str, ...]
    through: int
    decided_at: int
    observation: Observation
    grants: tuple[LiveGrant, ...] = ()
    strategies: tuple[LiveAssignment, ...] = ()
    shared: bool = False


class BrokenRecord(msgspec.Struct, frozen=True):
    """A stored record that this code cannot read (a newer schema, damaged bytes). Its subject is parked."""

    position: int
    subject_id: UUID
    error: str
    topic: str = ""  # empty for an observation


Record = EventRecord | ObservationRecord | BrokenRecord


class TailBatch(msgspec.Struct, frozen=True):
    """Records in position order, complete up to `position`.

    A batch that is not cut by its limit has position = head, so that a reader with nothing to read is at the head.
    head: the log's last committed position as of the same statement.
    """

    records: Sequence[Record]
    position: int
    head: int


class Tail(Protocol):
    """The log, read in its order."""

    def read(
        self, partitions: Sequence[int], after: int, limit: int, *, events: bool = True, observations: bool = True
    ) -> TailBatch:
        """Records of these hash partitions with position > after, at most `limit` of them, of one kind or both."""

    def read_subject(self, subject_id: UUID, after: int) -> Sequence[Record]:
        """All records of one subject with position > after, in order."""

    def head(self) -> int:
        """The log's last committed position; 0 for an empty log."""
