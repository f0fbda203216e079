"""What is granted and what it is charged to, as read along with a command: benefits in force, and budgets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from domain.benefits.periods import start_of_period
from domain.benefits.refusals import BudgetNotOpen, BudgetOfAnotherCurrency, UnknownBudget
from domain.benefits.spec import BenefitSpec
from domain.facts.instants import format_instant

# The version in force, or any other where none is.
IN_FORCE = """
select distinct on (benefit) benefit, version, spec::text, status from benefits where benefit = any(%b)
order by benefit, status = 'active' desc
"""
# Those that are named, by the request or by the benefit, and what they lie in.
BUDGETS = """
with recursive charged as (
    select * from budgets where budget = any(%b)
       or budget in (select spec ->> 'budget' from benefits where benefit = any(%b) and status = 'active')
    union select b.* from budgets b join charged c on b.budget = c.parent
)
select budget, parent, amount, currency, period, time_zone, starts_at, ends_at, status from charged
"""
ADD_PERIODS = """
insert into accounts (account, allowed)
select * from unnest(%b::text[], %b::bigint[]) as t (account, allowed) order by account on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Offer:
    """The version of a benefit that is granted now."""

    version: int
    spec: BenefitSpec


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A budget as it stands. amount: minor units, of the whole or of each period."""

    budget: str
    parent: str | None
    amount: int
    currency: str
    period: Any
    time_zone: str
    starts_at: int | None
    ends_at: int | None
    status: str

    def account(self, instant: int) -> str:
        """What a promise made at an instant is charged to."""
        if not self.period:
            return f"budget:{self.budget}"
        start = format_instant(start_of_period(self.period, self.time_zone, instant))
        return f"budget:{self.budget}@{start}"

    def require_open(self, instant: int, currency: str) -> None:
        """Raises BudgetNotOpen, BudgetOfAnotherCurrency."""
        if self.status != "open":
            raise BudgetNotOpen(self.budget, "is closed")
        if self.starts_at is not None and instant < self.starts_at:
            raise BudgetNotOpen(self.budget, f"opens on {format_instant(self.starts_at)}")
        if self.ends_at is not None and instant >= self.ends_at:
            raise BudgetNotOpen(self.budget, f"ended on {format_instant(self.ends_at)}")
        if self.currency != currency:
            raise BudgetOfAnotherCurrency(self.budget, self.currency, currency)


def offers_of(rows: Iterable[tuple[str, int, str, str]]) -> dict[str, Offer | None]:
    """By benefit; None for one of which no version is in force."""
    return {
        benefit: Offer(version, spec_of(text)) if status == "active" else None
        for benefit, version, text, status in rows
    }


@lru_cache(maxsize=2_000)
def spec_of(text: str) -> BenefitSpec:
    """A stored definition."""
    return BenefitSpec.model_validate(msgspec.json.decode(text))


def budgets_charged(
    spec: BenefitSpec, named: Iterable[str], budgets: Mapping[str, BudgetRow], instant: int
) -> list[BudgetRow]:
    """The benefit's own, those named, and all that they lie in; each once.

    Raises UnknownBudget, BudgetNotOpen, BudgetOfAnotherCurrency.
    """
    found: dict[str, BudgetRow] = {}
    for name in (*((spec.budget,) if spec.budget else ()), *named):
        at: str | None = name
        while at is not None and at not in found:
            if at not in budgets:
                raise UnknownBudget(at)
            row = budgets[at]
            row.require_open(instant, spec.currency)
            found[at] = row
            at = row.parent
    return list(found.values())
