"""What campaigns need of the ledger."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from domain.campaigns.aggregate import Campaign
from domain.refusal import Complaint, Refusal


@dataclass(frozen=True, slots=True)
class CampaignView:
    """One campaign as it stands. Instants in microseconds."""

    campaign: str
    status: str
    spec: Mapping[str, Any]
    content_hash: str
    makers: Sequence[str]
    approved_by: str | None
    started_at: int | None
    changed_at: int
    changed_by: str


@dataclass(frozen=True, slots=True)
class BudgetState:
    """An account of a budget, minor units. account: of the whole, or of one period."""

    account: str
    allowed: int
    reserved: int
    spent: int


class CampaignChange(Protocol):
    """One campaign under its lock, in a transaction that save() ends."""

    @property
    def campaign(self) -> Campaign | None:
        """None before it is defined."""
        ...

    @property
    def now(self) -> int:
        """The change's instant, microseconds."""
        ...

    def save(self, campaign: Campaign) -> int:
        """Append, update what is looked up, commit."""
        ...


class Campaigns(Protocol):
    """Definitions, and their changes."""

    def change(self, name: str) -> AbstractContextManager[CampaignChange]:
        """Take the campaign to change it."""
        ...

    def views(self, since: int | None = None, until: int | None = None) -> list[CampaignView]:
        """Those whose days touch a stretch, by their beginning."""
        ...

    def view(self, name: str) -> CampaignView:
        """Raises UnknownCampaign."""
        ...

    def turning(self) -> list[str]:
        """Those that time moves now."""
        ...

    def budgets(self) -> frozenset[str]:
        """Those that are defined."""
        ...

    def budget_state(self, budget: str) -> list[BudgetState]:
        """Its accounts."""
        ...


class UnknownCampaign(Refusal):
    """No campaign has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        remedy = f"use one of {', '.join(known[:30])}" if known else "define it first"
        super().__init__(f"There is no campaign {name[:200]!r}.", Complaint("campaign", name, remedy))
