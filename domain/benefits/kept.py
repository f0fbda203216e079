"""What the ledger of benefits keeps beside the events: as it stands, or as the events say that it should."""

from dataclasses import dataclass
from typing import Any

import msgspec

from domain.benefits.grant import GrantStatus, MoveName


class KeptGrant(msgspec.Struct, frozen=True):
    """A row of the ledger's grants; what the events say should stand there. order_key: digest of the order's name."""

    grant_id: str
    benefit: str
    benefit_version: int
    kind: str
    units: int
    unit_cost: int
    currency: str
    accounts: frozenset[str]
    tiers: dict[str, str]
    cause: str
    campaign: str
    strategy: str
    assignment_id: str
    run_id: str | None
    order_key: bytes | None
    granted_at: int
    expires_at: int | None
    redeemed: int = 0
    released: int = 0
    reclaimed: int = 0
    times: int = 0
    moves: int = 0
    status: GrantStatus = "open"
    ended_at: int | None = None

    @property
    def left(self) -> int:
        """Units that can still be redeemed."""
        return self.units - self.redeemed - self.released


class KeptMove(msgspec.Struct, frozen=True):
    """A row of what became of a grant."""

    grant_id: str
    number: int
    move: MoveName
    units: int
    cost: int
    at: int
    order_key: bytes | None = None


class ToldEvent(msgspec.Struct, frozen=True):
    """An event about a grant. data: its own fields, None when they do not open; accounts: what a grant of its terms is
    charged to; order_key: of the order that it names."""

    event_id: str
    topic: str
    at: int
    data: dict[str, Any] | None
    accounts: frozenset[str] = frozenset()
    order_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class KeptAccount:
    """An account, and what all grants charged to it leave and have used. state: allowed, reserved, spent; None: there
    is no such account. should_allow: by the budget or the stock it stands for, None: not said; known: that is there."""

    account: str
    state: tuple[int, int, int] | None
    reserved: int
    spent: int
    should_allow: int | None
    known: bool
