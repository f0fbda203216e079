"""What folding back needs of the ledger: facts that may say what assignments have come to, and where that is kept."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from application.strategies.ports import Undecided
from domain.facts.table import FactTable
from domain.strategies.outcomes import Followed, Outcome, Reached


class Material(NamedTuple):
    """Some users' facts since their first assignment, all their assignments, and the assignments of their grants."""

    table: FactTable
    followed: Sequence[Followed]
    granted: Mapping[str, UUID]


class OutcomesTurn(Protocol):
    """The place in the log of facts, locked: nobody else folds meanwhile, and it moves with what is kept."""

    def materials(self) -> Iterator[Material]:
        """Of the users about whom the next facts may say something."""
        ...

    def keep(self, followed: Sequence[Followed], outcomes: Mapping[tuple[UUID, Outcome], Reached]) -> None:
        """What these assignments have come to by now; what no fact says any more is taken back."""
        ...

    def move_on(self) -> bool:
        """These facts are done with; whether there were any."""
        ...


class Outcomes(Protocol):
    """What assignments have come to."""

    def turn(self) -> AbstractContextManager[OutcomesTurn | None]:
        """None: somebody else folds."""
        ...

    def tell(self, limit: int, *, put_off: bool = False) -> tuple[int, list[Undecided]]:
        """Record as events what has changed: how many, and whose have to wait until the user is
        decided. put_off: these are looked at again in a while."""
        ...


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """An assignment as it stands. Instants in microseconds; done_at: when something was done for the user; outcomes:
    when each first came about."""

    assignment_id: str
    strategy: str
    version: int
    arm: str | None
    holdout: str
    campaign: str
    assigned_at: int
    ends_at: int
    done_at: int | None
    ended_at: int | None
    end_reason: str | None
    outcomes: Mapping[str, int]


class Assignments(Protocol):
    """Assignments as people see them."""

    def of_user(self, user_id: str, size: int, cursor: str | None) -> tuple[Sequence[AssignmentView], str | None]:
        """The latest first, and what to go on after; None at the end. Raises UnknownUser, CursorInvalid."""
        ...
