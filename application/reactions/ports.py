"""What keeping rule tags up needs of the ledger."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from uuid import UUID

from application.evaluation.ports import TakenWork
from domain.tags.rule import TagRule
from domain.tier_model.calendar import Calendar
from domain.user_tier.observation import Observation


class Observed(NamedTuple):
    """What is observed of one subject. position: of the observation."""

    subject_id: UUID
    observation: Observation
    position: int


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """The rules of all tags that are not retired. calendars: by scheme."""

    rules: Sequence[TagRule]
    calendars: Mapping[str, Calendar]


class RuleTagLedger(Protocol):
    """Where rule tags read and write. One process at a time follows the log; any number may go over shares of all."""

    def rules(self) -> RulesInForce:
        """As of now."""
        ...

    def now(self) -> int:
        """The clock, unmoved."""
        ...

    def following(self) -> AbstractContextManager["Following | None"]:
        """The one place of following the log; None while another process has it."""
        ...

    def share(self, part: int, parts: int, after: UUID | None) -> Iterator[Sequence[Observed]]:
        """Everybody in one of `parts` equal shares, from `after` on, some hundred at a time."""
        ...

    def count(self, part: int, parts: int) -> int:
        """How many are in the share."""
        ...

    def take(self, subject_ids: Sequence[UUID]) -> AbstractContextManager[TakenWork | None]:
        """Subjects under lock; those of an open history are left out. None: nobody is left.

        Raises Undecidable: also of what is raised in the context.
        """
        ...

    def remember(self, turns: Mapping[UUID, int | None]) -> None:
        """By subject, when time alone may change an answer; None: never."""
        ...


class Following(Protocol):
    """The place in the log, held."""

    @property
    def begun(self) -> bool:
        """Whether there is a place. Without rules there is none."""
        ...

    def begin(self) -> None:
        """From now on."""
        ...

    def stop(self) -> None:
        """No place any more."""
        ...

    def next(self, limit: int) -> tuple[Sequence[Observed], int, bool]:
        """What has been observed since, the position that this reaches, and whether there may be more."""
        ...

    def reached(self, position: int) -> None:
        """All up to here is done."""
        ...

    def due(self, limit: int) -> Sequence[Observed]:
        """Whose answer time alone may have changed."""
        ...
