"""Who projects what, and how far it has come: versions, leases with fencing, checkpoints, parked subjects."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID


class Status(StrEnum):
    """Of one version of a read model. A paused version still answers; it only stands still."""

    BUILDING = "building"
    SERVING = "serving"
    PAUSED = "paused"
    RETIRED = "retired"


class Version(NamedTuple):
    """One version of a read model."""

    version: int
    status: Status

    @property
    def answers(self) -> bool:
        """Whether readers are pointed at it."""
        return self.status in (Status.SERVING, Status.PAUSED)


class Lease(NamedTuple):
    """The right to project one lane. fence grows with each new holder; position is the recorded checkpoint."""

    lane: int
    fence: int
    position: int


class Parked(NamedTuple):
    """A subject whose record at `position` could not be projected; what followed waits behind it."""

    subject_id: UUID
    position: int
    error: str
    parked_at: datetime
    partition: int


class Standing(NamedTuple):
    """Where one version stands. positions: the recorded checkpoint by lane; parked: how many subjects."""

    name: str
    version: int
    status: Status
    positions: dict[int, int]
    parked: int


class Ledger(Protocol):
    """The book of versions, leases, checkpoints and parked subjects, in Postgres. Lease times are the database's."""

    def versions(self, name: str) -> list[Version]:
        """All versions, oldest first."""

    def overview(self) -> list[Standing]:
        """Every version of every read model, by name and version, in one read."""

    def register(self, name: str, version: int, status: Status, lanes: int) -> None:
        """A version and its lanes at position 0; nothing when it is there."""

    def set_status(self, name: str, version: int, status: Status) -> None:
        """Change one version's status."""

    def switch(self, name: str, version: int) -> None:
        """This version serves; whatever answered before is retired. One transaction."""

    def forget(self, name: str, version: int) -> None:
        """Delete a version with its checkpoints and parked subjects."""

    def acquire(self, name: str, version: int, lanes: Sequence[int], holder: str, seconds: float) -> list[Lease]:
        """Leases of those lanes that are free or already ours. Ours are prolonged and keep their fence."""

    def release(self, name: str, version: int, holder: str) -> None:
        """Give back what the holder has of this version."""

    def save(self, name: str, version: int, reached: Mapping[int, tuple[int, int]]) -> set[int]:
        """Checkpoints, lane -> (fence, position). Returns the lanes whose fence still held; others stay."""

    def positions(self, name: str, version: int) -> dict[int, int]:
        """Recorded checkpoint of every lane."""

    def reset(self, name: str, version: int) -> bool:
        """All lanes to position 0, with new fences, so that nobody who holds one can move it on.

        Returns False, and does nothing, when the version is retired or forgotten.
        """

    def parked(self, name: str, version: int) -> list[Parked]:
        """Parked subjects by position."""

    def park(self, name: str, version: int, subject_id: UUID, position: int, error: str) -> None:
        """Park a subject. One that is parked keeps its first position and takes the new reason."""

    def unpark(self, name: str, version: int, subject_id: UUID) -> None:
        """The subject is projected again."""
