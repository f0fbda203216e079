"""What bulk grants need of the ledger, and how they are shown."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.bulk_grants.aggregate import BulkGrant
from domain.bulk_grants.terms import BulkState
from domain.tier_model.version import By


class Listed(NamedTuple):
    """A line of a list: the user it names, or what is wrong with it. line: from 1."""

    line: int
    user_id: str
    problem: str = ""


class BulkWanted(msgspec.Struct, frozen=True):
    """What is asked for. units: for each; source: as in BulkTerms."""

    benefit: str
    source: dict[str, Any]
    units: int = 1
    reason: str = ""
    budgets: tuple[str, ...] = ()
    campaign: str = ""


class Progress(msgspec.Struct, frozen=True):
    """How far it is. cost: of those granted, minor units; skipped: by reason; a_second: members, since it was last
    begun.

    looked_at, reverted, reverted_units: of a revert, members, grants and units.
    """

    granted: int = 0
    skipped: dict[str, int] = {}
    left: int = 0
    cost: int = 0
    a_second: float | None = None
    looked_at: int = 0
    reverted: int = 0
    reverted_units: int = 0


class BulkGrantView(msgspec.Struct, frozen=True):
    """A bulk grant as it stands. unknown: lines that name nobody, the first of them in faults; instants: microseconds.

    preview: None before it was made; story: what was done, by whom, when and why.
    """

    run_id: str
    benefit: str
    benefit_version: int
    units: int
    unit_cost: int
    currency: str
    reason: str
    budgets: list[str]
    campaign: str
    source: dict[str, Any]
    people: int
    unknown: int
    faults: list[dict[str, Any]]
    planned_by: str
    planned_at: int
    state: BulkState
    because: str
    preview: dict[str, Any] | None
    approvals_needed: int
    approved_by: list[str]
    approvals_skipped: bool
    story: list[dict[str, Any]]
    progress: Progress = Progress()


class BulkChange(Protocol):
    """One bulk grant under its lock: nothing of it is granted meanwhile."""

    @property
    def bulk_grant(self) -> BulkGrant:
        """As it stands."""
        ...

    def by(self, actor: str, command_id: str = "") -> By:
        """Now, under the lock."""
        ...

    def save(self, bulk_grant: BulkGrant) -> int:
        """Events, row and commit. The position, 0 when nothing was decided."""
        ...


class BulkGrantStore(Protocol):
    """Bulk grants and their members."""

    def plan(self, wanted: BulkWanted, listed: Iterable[Listed], actor: str, command_id: str) -> str:
        """Its id; under one command_id it is planned once. Whole or not at all.

        Raises UnknownBenefit, BenefitNotInForce, NobodyToGrant and what domain.benefits says of its terms.
        """
        ...

    def change(self, run_id: str) -> AbstractContextManager[BulkChange]:
        """Take one to change it. Raises UnknownBulkGrant."""
        ...

    def get(self, run_id: str) -> BulkGrantView:
        """Raises UnknownBulkGrant."""
        ...

    def latest(self, after: str | None, size: int) -> tuple[list[BulkGrantView], str | None]:
        """The latest first, without what was skipped, and what to go on after. Raises CursorInvalid."""
        ...


class BulkGrantDesk(Protocol):
    """Does what bulk grants wait for, a chunk at a time. Any number of processes may."""

    def preview(self, run_id: str | None) -> bool:
        """Preview one (this one); whether any waited."""
        ...

    def work(self, run_id: str | None) -> bool:
        """Grant, or revoke, a chunk of one (of this one); whether there was any."""
        ...


SegmentMembers = Callable[[str], Iterable[Mapping[str, Any]]]
"""The members of a condition, as of one point in time; user_id among what is told of each."""


def change_bulk_grant(
    store: BulkGrantStore, run_id: str, act: Callable[[BulkGrant, By], None], actor: str, command_id: str = ""
) -> BulkGrantView:
    """Do something to a bulk grant. Raises UnknownBulkGrant, and what act raises."""
    with store.change(run_id) as change:
        act(change.bulk_grant, change.by(actor, command_id))
        change.save(change.bulk_grant)
    return store.get(run_id)


def uuid_or_none(text: str) -> UUID | None:
    """An id as it was sent; None for what can be none."""
    try:
        return UUID(text)
    except ValueError:
        return None
