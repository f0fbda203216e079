"""What a bulk grant grants, and how many have to agree to what it costs. Pure."""

from typing import Any, Literal

import msgspec

BulkState = Literal[
    "previewing", "previewed", "rejected", "running", "paused", "finished", "cancelled", "reverting", "reverted"
]


class BulkTerms(msgspec.Struct, frozen=True):
    """Units (for each) of one version of a benefit. unit_cost: minor units. budgets: charged besides the benefit's own.

    source: {"where": condition} or {"listed": lines}.
    """

    benefit: str
    benefit_version: int
    units: int
    unit_cost: int
    currency: str
    source: dict[str, Any]
    reason: str = ""
    budgets: tuple[str, ...] = ()
    campaign: str = ""

    def cost_of(self, people: int) -> int:
        """Minor units."""
        return people * self.units * self.unit_cost

    def to_json(self) -> dict[str, Any]:
        """Plain values, for events."""
        written: dict[str, Any] = msgspec.to_builtins(self)
        return written


class ApprovalGrades(msgspec.Struct, frozen=True):
    """From which cost on (minor units) one, and two different ones, besides who planned it have to agree; None:
    never."""

    first_from: int | None = None
    second_from: int | None = None

    def needed(self, cost: int) -> int:
        """How many."""
        if self.second_from is not None and cost >= self.second_from:
            return 2
        return int(self.first_from is not None and cost >= self.first_from)
