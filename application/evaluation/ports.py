"""What evaluation needs of the ledger: work taken under lock, decided by the domain, written in one transaction."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.facts.table import FactTable
from domain.tier_model.timeline import Force
from domain.user_tier.decide import BatchResult, Subject


@dataclass(frozen=True, slots=True)
class Work:
    """Subjects whose rows are locked, with all they are decided from. now: read under the lock, held to commit."""

    subjects: Sequence[Subject]
    table: FactTable
    forces: Mapping[str, tuple[Force, ...]]
    now: int


class Undecidable(Exception):
    """Something about these subjects cannot be read, decided or written."""

    def __init__(self, subject_ids: Sequence[UUID], cause: Exception) -> None:
        self.subject_ids = subject_ids
        super().__init__(f"{type(cause).__name__}: {cause}")


class TakenWork(Protocol):
    """Work with the transaction that it was taken in."""

    @property
    def work(self) -> Work:
        """What is to be decided."""
        ...

    def record(self, result: BatchResult, *, subjects: Sequence[Subject] | None = None, commanded: bool = False) -> int:
        """Append events, observations and next due instants, and commit. Answers the last position.

        subjects: as they were decided, where that is not as they were taken. commanded: what was decided includes the
        instant work.now, at which commands were given.
        """
        ...


class TakenUser(TakenWork, Protocol):
    """One subject's work, for a command on it."""

    def position_of(self, command_id: str) -> int | None:
        """Where the log has what a command of this name led to; None: nothing yet, or the name is empty."""
        ...


class EvaluationLedger(Protocol):
    """Where evaluation reads and writes. Leaving a context without record() writes nothing."""

    def take_due(self, limit: int) -> AbstractContextManager[TakenWork | None]:
        """Up to `limit` subjects that are due; None when there are none.

        Raises Undecidable: also of what is raised in the context.
        """
        ...

    def take_behind(self, limit: int) -> AbstractContextManager[TakenWork | None]:
        """Up to `limit` subjects that have not seen the latest activation; None when there are none (or others are at
        all of them). Raises Undecidable, as take_due does.
        """
        ...

    def take_user(self, user_id: str, *, whole: bool = False) -> AbstractContextManager[TakenUser]:
        """One subject, waiting for its lock. whole: its facts with what nobody needs but who adds others to them.

        Raises UnknownUser, SubjectInHistory.
        """
        ...

    def take_history(self, limit: int) -> AbstractContextManager[TakenWork | None]:
        """Up to `limit` subjects of a sealed session that wait for their first decisions; None when there are none.

        Raises Undecidable: also of what is raised in the context.
        """
        ...

    def set_aside(self, fault: Undecidable) -> None:
        """Tell of these subjects, and take them no more for a while."""
        ...

    def aside(self) -> int:
        """How many subjects are set aside now."""
        ...
