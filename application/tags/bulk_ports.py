"""What tagging many needs of the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol
from uuid import UUID

from application.evaluation.ports import TakenWork
from domain.refusal import Complaint, Refusal
from domain.tier_model.column import Scalar

BulkAction = Literal["add", "remove"]
BulkState = Literal["previewed", "running", "cancelled", "reverting"]
UserState = Literal["waiting", "changed", "unchanged", "refused", "reverted", "kept"]


@dataclass(frozen=True, slots=True)
class BulkWanted:
    """What is to be done to everybody. until: microseconds. condition: of a segment; empty: users by a list."""

    tag: str
    action: BulkAction
    value: Scalar
    until: int | None
    reason: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Bulk:
    """One, as it stands. users: by what became of each. unknown: user ids of the list that nobody has.

    run_id: of what was started last. sample, unknown_first: some user ids.
    """

    bulk_id: str
    wanted: BulkWanted
    state: BulkState
    users: Mapping[str, int]
    unknown: int
    unknown_first: Sequence[str]
    sample: Sequence[str]
    requested_by: str
    requested_at: int
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Before:
    """A tag as it was there before."""

    until: int | None
    value: Scalar


@dataclass(frozen=True, slots=True)
class Marked:
    """What became of one user. before: what the command replaced, of one that is changed."""

    subject_id: UUID
    state: UserState
    before: Before | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a bulk did to one user: what it replaced, and whether anybody has touched the tag since."""

    before: Before | None
    touched: bool


class TakenUsers(Protocol):
    """Some users of a bulk under lock. work: None when nobody of them can be changed."""

    @property
    def taken(self) -> TakenWork | None:
        """Those who can be."""
        ...

    def changes(self) -> Mapping[UUID, Change]:
        """What the bulk did to them."""
        ...

    def mark(self, marked: Sequence[Marked]) -> None:
        """Keep it, in the transaction of the commands."""
        ...


class BulkLedger(Protocol):
    """Bulks and their users."""

    def add(self, wanted: BulkWanted, actor: str, subject_ids: Iterable[str]) -> str:
        """A bulk for subjects, by their ids in hex; its id."""
        ...

    def add_users(self, wanted: BulkWanted, actor: str, user_ids: Iterable[str]) -> str:
        """A bulk for users by a list; its id."""
        ...

    def get(self, bulk_id: str) -> Bulk:
        """Raises UnknownBulk."""
        ...

    def latest(self, size: int) -> Sequence[Bulk]:
        """The latest first."""
        ...

    def start(self, bulk: Bulk, to: BulkState, kind: str, parameters: Mapping[str, Any], parts: int) -> bool:
        """To another state, with a run that does it; False when it is not as it was told by now."""
        ...

    def cancel(self, bulk: Bulk) -> bool:
        """Likewise, with nobody to do anything."""
        ...

    def left(self, bulk_id: str, state: UserState, part: int, parts: int, limit: int) -> Sequence[UUID]:
        """Users in a state, of one of `parts` equal shares."""
        ...

    def count(self, bulk_id: str, state: UserState, part: int, parts: int) -> int:
        """How many are."""
        ...

    def take(self, bulk: Bulk, subject_ids: Sequence[UUID]) -> AbstractContextManager[TakenUsers]:
        """Raises Undecidable: also of what is raised in the context."""
        ...

    def refuse(self, bulk_id: str, subject_ids: Sequence[UUID]) -> None:
        """They cannot be decided."""
        ...

    def now(self) -> int:
        """The clock, unmoved."""
        ...


class UnknownBulk(Refusal):
    """No bulk has this id."""

    def __init__(self, bulk_id: str) -> None:
        super().__init__(
            f"There is no bulk {bulk_id[:200]!r}.", Complaint("id", bulk_id, "use the id that its preview was answered")
        )


class BulkCannot(Refusal):
    """Not in the state that it is in."""

    def __init__(self, bulk_id: str, what: str, state: str, remedy: str) -> None:
        super().__init__(f"The bulk {bulk_id} is {state}: it cannot be {what}.", Complaint("id", bulk_id, remedy))


class BulkInvalid(Refusal):
    """Nobody, or not one way of saying who."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        super().__init__("It is not said who is to be tagged.", Complaint(field, value, remedy))
