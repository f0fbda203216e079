"""A version of a model as it stands, and who has done what to it."""

from typing import Any, Literal

import msgspec

from domain.tier_model.migration import Migration

Status = Literal["draft", "fitted", "submitted", "approved", "scheduled", "active", "retired"]


class By(msgspec.Struct, frozen=True):
    """Who commands, and when (microseconds)."""

    at: int
    actor: str
    command_id: str = ""
    causation: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """As the clear fields of an event."""
        return {
            "effective_at": self.at,
            "actor": self.actor,
            "command_id": self.command_id,
            "causation": self.causation,
        }


class Review(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a version's submission. Instants in microseconds; empty texts: not yet."""

    submitted_by: str = ""
    submitted_at: int | None = None
    note: str = ""
    approved_by: str = ""
    approved_at: int | None = None
    approval: str = ""
    rejected_by: str = ""
    rejected_at: int | None = None
    reason: str = ""


NOT_REVIEWED = Review()


class ModelVersion(msgspec.Struct, frozen=True):
    """One version. spec: the canonical model, fitted cuts inside; unfitted: scores that still lack cuts.

    makers: who drafted, revised, fitted or submitted it. scheduled_at: when it comes into force by
    itself; migration: that of its last activation, or of the scheduled one. shadowed: decided beside the one in force.
    before_schedule: status and migration from before it was scheduled. One that is in force stays active meanwhile.
    """

    number: int
    status: Status
    spec: dict[str, Any]
    content_hash: str
    unfitted: tuple[str, ...]
    author: str
    drafted_at: int
    activated_at: int | None = None
    makers: frozenset[str] = frozenset()
    review: Review = NOT_REVIEWED
    scheduled_at: int | None = None
    migration: Migration = Migration()
    shadowed: bool = False
    before_schedule: tuple[Status, Migration] | None = None
