"""What granting and redeeming need of the ledger."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from domain.benefits.grant import Grant, GrantStatus
from domain.benefits.granting import GrantWanted
from domain.refusal import Refusal


class Recorded(msgspec.Struct, frozen=True):
    """A grant as it stands after a command. position: of the event; moved: units that the command redeemed or released.

    replayed: the command had been carried out before, and nothing was recorded now.
    """

    user_id: str
    grant: Grant
    position: int
    moved: int = 0
    replayed: bool = False


class Undecided(msgspec.Struct, frozen=True):
    """Something about the user is due: it has to be decided before a command on them."""

    user_id: str


class MoveWanted(msgspec.Struct, frozen=True):
    """What is to become of a grant. units: of a redemption; None: all that is left. reclaim: of a clawback.

    order_id: of a redemption, the order that it was made on.
    """

    name: Literal["redeem", "revoke", "claw-back"]
    grant_id: str
    actor: str
    units: int | None = None
    order_id: str = ""
    reason: str = ""
    reclaim: bool = False
    command_id: str = ""
    causation: str = ""


Outcome = Recorded | Undecided | Refusal


class GrantDesk(Protocol):
    """Grants and their moves. What it answers as recorded is durable. Safe for threads."""

    def grant(self, wanted: GrantWanted) -> Recorded | Undecided:
        """One grant, together with others that wait. Under one grant_id it is made once.

        Raises UnknownUser, SubjectInHistory, and the refusals of domain.benefits.
        """
        ...

    def grant_many(self, wanted: Sequence[GrantWanted]) -> list[Outcome]:
        """Grants in one transaction, an outcome each; each is made whole or not at all."""
        ...

    def move(self, wanted: MoveWanted) -> Recorded | Undecided:
        """One move, together with others that wait; under one command_id it is made once.

        Raises UnknownGrant, GrantEnded, MoreThanLeft, NotInPart, RedeemedTooOften, NotEntitled.
        """
        ...

    def move_many(self, wanted: Sequence[MoveWanted]) -> list[Outcome]:
        """Moves in one transaction, an outcome each."""
        ...

    def expire(self, limit: int) -> int:
        """Expire up to `limit` grants whose end has come; how many."""
        ...


class GrantQueries(Protocol):
    """Grants as they stand in the ledger."""

    def grant(self, grant_id: str) -> tuple[str, Grant]:
        """With a user id of its holder. Raises UnknownGrant."""
        ...

    def grants_of(
        self, user_id: str, status: GrantStatus | None, after: str | None, size: int
    ) -> tuple[Sequence[Grant], str | None]:
        """The latest first, and what to go on after. Raises UnknownUser, CursorInvalid."""
        ...

    def has_benefit(self, benefit: str) -> bool:
        """Whether any version of it was ever drafted."""
        ...
