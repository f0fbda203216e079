"""What benefits that are taken back or issued by themselves need of the ledger."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from domain.benefits.grant import Grant
from domain.issuances.spec import IssuanceSpec
from domain.user_tier.observation import Observation


class TakenBack(NamedTuple):
    """A grant that its policy takes back. causation: the event or fact behind it."""

    grant_id: str
    causation: str
    reason: str
    reclaim: bool


class Risen(NamedTuple):
    """A tier has risen. rank: whether the scheme's model in force has the new tier above the old."""

    subject_id: UUID
    user_id: str
    event_id: str
    scheme: str
    to_tier: str
    effective_at: int


class Grown(NamedTuple):
    """Growth value that was granted, or taken back whole. kind: of the facts that earn it."""

    user_id: str
    grant: Grant
    kind: str
    taken_back: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What a stretch of the log asks for, up to a position; more: there is more behind it."""

    items: Sequence[Any]
    position: int
    more: bool


class BenefitTurn(Protocol):
    """One reaction's place in the log, held by one at a time."""

    def fallen(self, limit: int) -> Seen:
        """TakenBack: grants whose user has fallen below their entitlement, and stands there still."""
        ...

    def come_back(self, limit: int) -> Seen:
        """TakenBack: grants made for an order that a refund or a cancellation names."""
        ...

    def risen(self, limit: int) -> Seen:
        """Risen: upgrades, not those of history, of takeovers or of another model."""
        ...

    def grown(self, limit: int) -> Seen:
        """Grown: growth value that was granted, and what has been taken back of that which was recorded."""
        ...

    def move_to(self, position: int) -> None:
        """What was read is done."""
        ...


@dataclass(frozen=True, slots=True)
class ActiveIssuance:
    """One recurring issue as it stands. since: the instant of its revision, microseconds."""

    name: str
    revision: int
    spec: IssuanceSpec
    since: int


class Turn(NamedTuple):
    """A user whose turn has come. user_id: empty for one who was erased."""

    issuance: str
    subject_id: UUID
    user_id: str
    due_at: int
    observation: Observation


@dataclass(slots=True)
class Tally:
    """What became of turns, by issuance: issued, and refused by the refusal's name."""

    issued: dict[str, int] = field(default_factory=dict)
    refused: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, issuance: str, refusal: str | None) -> None:
        """One turn."""
        if refusal is None:
            self.issued[issuance] = self.issued.get(issuance, 0) + 1
        else:
            reasons = self.refused.setdefault(issuance, {})
            reasons[refusal] = reasons.get(refusal, 0) + 1


class TakenTurns(Protocol):
    """Turns that have come, taken by one at a time."""

    turns: Sequence[Turn]

    def settle(self, next_turns: Mapping[tuple[str, UUID], int | None], tally: Tally) -> None:
        """When each comes round next (None: never), and what became of these; together."""
        ...


class BenefitReactions(Protocol):
    """Places in the log, and timers."""

    def turn(self, name: str) -> AbstractContextManager[BenefitTurn | None]:
        """None when another holds it."""
        ...

    def watch(self, issuance: ActiveIssuance, limit: int) -> bool:
        """Set the timers of users whose observations came since the last look; whether there is more."""
        ...

    def take_turns(self, limit: int) -> AbstractContextManager[TakenTurns | None]:
        """None when no turn has come."""
        ...

    def tell(self, tally: Tally) -> None:
        """Count what became of turns that no timer brought."""
        ...
