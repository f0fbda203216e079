"""Everything recorded for one bulk grant. What it grants is recorded with those who are granted it."""

from typing import Any
from uuid import UUID

from eventsourcing.domain import CanInitAggregate

from domain.benefits.events import CatalogueEvent

AGGREGATE_TOPIC = "bulk-grant"


class BulkGrantEvent(CatalogueEvent):
    """An event of one bulk grant."""


class Planned(CanInitAggregate[UUID], BulkGrantEvent):
    """What is to be granted, and to how many; its members are fixed from now on. terms: BulkTerms, plain."""

    TOPIC = "bulk-grant.planned.v1"

    terms: dict[str, Any]
    people: int
    originator_topic: str = AGGREGATE_TOPIC


class Previewed(BulkGrantEvent):
    """What it would do now. cost: of all its members, minor units; problem: why it could not be started now, or ''."""

    TOPIC = "bulk-grant.previewed.v1"

    cost: int
    currency: str
    approvals_needed: int
    problem: str


class Approved(BulkGrantEvent):
    """Somebody other than who planned it agrees."""

    TOPIC = "bulk-grant.approved.v1"

    note: str


class Rejected(BulkGrantEvent):
    """It is not to be."""

    TOPIC = "bulk-grant.rejected.v1"

    reason: str


class Started(BulkGrantEvent):
    """It is granted from now on. approved_by: who agreed; skipped: an admin began without all who had to."""

    TOPIC = "bulk-grant.started.v1"

    approved_by: list[str]
    skipped: bool


class Paused(BulkGrantEvent):
    """Nothing is granted until it is resumed. by_itself: because of what the reason says."""

    TOPIC = "bulk-grant.paused.v1"

    reason: str
    by_itself: bool


class Resumed(BulkGrantEvent):
    """It goes on where it was."""

    TOPIC = "bulk-grant.resumed.v1"


class Cancelled(BulkGrantEvent):
    """What is not granted yet never is."""

    TOPIC = "bulk-grant.cancelled.v1"

    reason: str


class Finished(BulkGrantEvent):
    """Every member was granted it, or skipped for a reason. cost: minor units."""

    TOPIC = "bulk-grant.finished.v1"

    granted: int
    skipped: int
    cost: int


class RevertStarted(BulkGrantEvent):
    """What is unredeemed of it is revoked from now on."""

    TOPIC = "bulk-grant.revert-started.v1"

    reason: str


class Reverted(BulkGrantEvent):
    """All that was unredeemed is revoked: so many grants, so many units."""

    TOPIC = "bulk-grant.reverted.v1"

    revoked: int
    units: int


EVENTS: tuple[type[BulkGrantEvent], ...] = (
    Planned,
    Previewed,
    Approved,
    Rejected,
    Started,
    Paused,
    Resumed,
    Cancelled,
    Finished,
    RevertStarted,
    Reverted,
)
