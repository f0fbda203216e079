"""What recording facts needs from the outside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from domain.facts.fact import Fact
from domain.facts.field_errors import FieldError
from domain.facts.history import HistorySession, HistoryStatus
from domain.facts.kinds import KindDefinition


class Stored(msgspec.Struct, frozen=True, gc=False):
    """A fact that is in the log: where, and whether it was there before."""

    position: int
    duplicate: bool


Outcome = Stored | FieldError


class FactLog(Protocol):
    """The log itself. What it answers as stored is durable."""

    def record(self, facts: Sequence[Fact], history_id: UUID | None) -> list[Outcome]:
        """Facts of one request: those of one subject share a known_at. An outcome each, in order.

        Raises UnknownHistory, HistorySealed.
        """

    def rehearse(self, facts: Sequence[Fact]) -> list[Outcome]:
        """What `record` would answer of facts of known users, and nothing is recorded: positions mean nothing.

        Raises UnknownUser.
        """

    def record_stream(self, stretches: Iterable[Sequence[Fact]], history_id: UUID | None) -> Iterator[list[Outcome]]:
        """Facts of a stream: each has a known_at of its own. Outcomes for each stretch, once it is durable, in order.

        The next stretch is asked for before the outcomes of the last are out. Raises UnknownHistory, HistorySealed.
        """


class FactKinds(Protocol):
    """Built-in and registered kinds."""

    def definitions(self) -> Mapping[str, KindDefinition]:
        """Every kind known here. May lack one that another process registered this moment."""

    def refreshed(self) -> Mapping[str, KindDefinition]:
        """Every kind, read anew."""

    def register(self, kind: str, definition: KindDefinition) -> None:
        """Add a kind. The same definition again changes nothing; another one raises KindRefused."""


class HistorySessions(Protocol):
    """Sessions of history."""

    def open(self, actor: str) -> HistorySession:
        """A new open session."""

    def left_open(self, actor: str) -> HistorySession | None:
        """The last session that this actor opened and nobody sealed."""

    def seal(self, history_id: UUID, actor: str) -> HistorySession:
        """Seal it; sealing again answers what the first sealing did. Raises UnknownHistory."""

    def status(self, history_id: UUID) -> HistoryStatus:
        """Raises UnknownHistory."""


class References(Protocol):
    """Assignments and grants that facts name."""

    def doubts(self, facts: Sequence[Fact]) -> list[FieldError | None]:
        """What is doubtful about what each names: the fact is recorded all the same, and says nothing of it."""
        ...
