"""What linking and merging user ids need of the ledger."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from application.evaluation.ports import TakenUser, TakenWork
from domain.user_tier.decide import BatchResult, Command, Subject
from domain.user_tier.merging import FactConflict
from domain.user_tier.splitting import Parting

T = TypeVar("T")


class TakenPair(Protocol):
    """Two users' subjects under lock, with what a merge copies. same: both user ids name one subject."""

    @property
    def same(self) -> bool:
        """Then there is nothing else."""
        ...

    @property
    def taken(self) -> TakenUser:
        """The work on both, or on the one."""
        ...

    @property
    def survivor(self) -> int:
        """Its number among the subjects of the work."""
        ...

    @property
    def other(self) -> int:
        """The same."""
        ...

    @property
    def user_ids(self) -> Sequence[str]:
        """Of the other."""
        ...

    @property
    def conflicts(self) -> Sequence[FactConflict]:
        """Facts of one name and other content on both sides."""
        ...

    @property
    def split_off(self) -> Sequence[FactConflict]:
        """Facts of the other that had been split off from the survivor."""
        ...

    @property
    def facts(self) -> int:
        """How many are to be copied."""
        ...

    @property
    def known_already(self) -> int:
        """How many are on both sides as they are."""
        ...

    @property
    def facts_known_at(self) -> int:
        """When what is copied is known, microseconds: the first instant after the command's."""
        ...

    def moved(self) -> Sequence[Command]:
        """Moves whatever else belongs to the other, and answers what tells of it on the survivor's stream."""
        ...

    def record(self, result: BatchResult, subjects: Sequence[Subject]) -> int:
        """All of it in one transaction: events, copies, user ids, and the end of the other. Answers the position."""
        ...


class TakenSplit(Protocol):
    """A user's subject under lock, with the new one that some of its user ids are to name. done_at: the position when
    the command has happened already; then there is nothing else."""

    @property
    def done_at(self) -> int | None:
        """See above."""
        ...

    @property
    def taken(self) -> TakenWork:
        """The work on both."""
        ...

    @property
    def stays(self) -> int:
        """The number of the one who stays among the subjects of the work."""
        ...

    @property
    def new(self) -> int:
        """The same."""
        ...

    @property
    def facts_known_at(self) -> int:
        """When what is recorded for both is known, microseconds: the first instant after the command's."""
        ...

    def part(self, reason: str) -> Parting:
        """Makes ready what becomes of the facts."""
        ...

    def record(self, result: BatchResult, subjects: Sequence[Subject]) -> int:
        """All of it in one transaction: events, facts and user ids. Answers the position."""
        ...


class TakenLink(Protocol):
    """A user under lock, with a user id that names them from now on. fresh: it did not before."""

    @property
    def fresh(self) -> bool:
        """Whether there is anything to record."""
        ...

    @property
    def taken(self) -> TakenUser:
        """The work on the user."""
        ...


class IdentityLedger(Protocol):
    """Which user ids name which subject."""

    def persisting(self, work: Callable[[], T]) -> T:
        """What the work answers: it is done again, a few times, where it and somebody else waited for each other."""
        ...

    def take_pair(self, user_id: str, other_user_id: str) -> AbstractContextManager[TakenPair]:
        """Raises UnknownUser, SubjectInHistory."""
        ...

    def take_link(self, user_id: str, alias: str) -> AbstractContextManager[TakenLink]:
        """Raises UnknownUser, SubjectInHistory, UserIdTaken."""
        ...

    def take_split(self, user_id: str, leaving: Sequence[str], command_id: str) -> AbstractContextManager[TakenSplit]:
        """Raises UnknownUser, SubjectInHistory, UserIdOfAnother, NobodyStays, SplitInvalid."""
        ...

    def user_ids(self, user_id: str) -> Sequence[str]:
        """All that name the same subject, sorted. Raises UnknownUser."""
        ...
