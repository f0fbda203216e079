"""What a read model's store must be able to do, and how it says no."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from projections.records import Record

Projector = Callable[[Record], Any]
"""Pure: a record to the store's operation, or None when there is nothing to do."""


class LaneBatch(NamedTuple):
    """Operations of one lane, in log order.

    after and position: the checkpoint before and behind them; both None when the checkpoint is not to move (a retry).
    """

    lane: int
    fence: int
    after: int | None
    position: int | None
    operations: Sequence[Any]


class Refused(NamedTuple):
    """One operation that the store will never take as it is."""

    subject_id: UUID
    position: int
    error: str


class LaneLost(Exception):
    """The lane has a newer holder, or its checkpoint is not where we left it. Nothing was written; start over."""


class TargetMissing(Exception):
    """The version's place is gone (a deleted index). It is made anew from position 0 at the next attempt."""


class TargetBusy(Exception):
    """The store keeps refusing for lack of room or time. Try again later."""


class ReadModelUnavailable(Exception):
    """There is nothing to read from at this moment: the read model is being made anew, or its store is down."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"read model {name} cannot answer: {reason}; it repairs itself, try again in a moment")


class Target(Protocol):
    """The store of one read model, any version of it.

    keeps_checkpoints: the store writes the checkpoint with the data; otherwise the ledger keeps it.
    """

    keeps_checkpoints: bool

    def missing(self, version: int, answers: bool) -> bool:
        """Whether the version's place has to be made (anew)."""

    def create(self, version: int) -> None:
        """Make the version's place, empty; nothing when it is there."""

    def point_to(self, version: int) -> None:
        """Readers see this version from now on; nothing when they do already."""

    def drop(self, version: int) -> None:
        """Remove the version and everything in it."""

    def positions(self, version: int) -> dict[int, int]:
        """Checkpoints that the store itself keeps, by lane; an absent lane stands at 0."""

    def apply(self, version: int, batch: LaneBatch) -> list[Refused]:
        """Write a batch; applied twice it is as if applied once. Raises LaneLost, TargetMissing, TargetBusy."""

    def settle(self, version: int) -> None:
        """Make what was applied visible to readers. A checkpoint kept in the ledger is saved only after this."""
