"""What use cases on budgets need of the ledger."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from application.tier_models.coming_into_force import Approvals
from domain.benefits.refusals import UnknownBudget
from domain.budgets.aggregate import Budget, Proposal
from domain.budgets.terms import BudgetTerms, asks_for_more
from domain.tier_model.version import By


@dataclass(frozen=True, slots=True)
class AccountView:
    """What of an amount is promised and spent, minor units. starts_at: of its period, microseconds; None: the whole."""

    allowed: int
    reserved: int = 0
    spent: int = 0
    starts_at: int | None = None

    @property
    def left(self) -> int:
        """What can still be promised."""
        return self.allowed - self.reserved - self.spent


@dataclass(frozen=True, slots=True)
class BudgetView:
    """A budget as it stands. status: open, closed, or proposed before anybody agreed to it.

    accounts: of the whole, or of each period that was charged, oldest first; waiting: what a second person is to agree
    to.
    """

    budget: str
    status: str
    terms: BudgetTerms
    changed_at: int
    accounts: tuple[AccountView, ...] = ()
    children: tuple[str, ...] = ()
    waiting: Proposal | None = None


class BudgetChange(Protocol):
    """One budget under its lock, in a transaction that save() ends."""

    @property
    def budget(self) -> Budget | None:
        """None before anything was recorded."""
        ...

    @property
    def now(self) -> int:
        """The change's instant, microseconds."""
        ...

    def currency_of(self, budget: str) -> str:
        """Of a budget that is defined. Raises UnknownBudget."""
        ...

    def save(self, budget: Budget) -> int:
        """Append, update what granting looks up, commit. Answers the position; 0 when nothing changed.

        Raises BudgetBelowPromised.
        """
        ...


class Budgets(Protocol):
    """Budgets, and their changes."""

    def change(self, budget: str) -> AbstractContextManager[BudgetChange]:
        """Take a budget to change it; nothing is granted until it is saved."""
        ...

    def all(self) -> list[BudgetView]:
        """By name, those that wait to be there included."""
        ...


@dataclass(frozen=True)
class SecondPerson:
    """When a second person has to agree: to an amount (minor units) from which on, None: never."""

    approval_from: int | None = None
    approvals: Approvals = "admin-may-skip"

    def is_needed(self, terms: BudgetTerms, before: BudgetTerms | None, as_admin: bool) -> bool:
        """For these terms instead of those before."""
        if self.approval_from is None or (as_admin and self.approvals == "admin-may-skip"):
            return False
        return terms.amount >= self.approval_from and asks_for_more(terms, before)


def change_budget(
    budgets: Budgets, name: str, act: Callable[[Budget, By], None], *, actor: str, command_id: str = ""
) -> BudgetView:
    """Do something to a budget. Raises UnknownBudget, and what act raises."""
    with budgets.change(name) as change:
        if change.budget is None:
            raise UnknownBudget(name)
        act(change.budget, By(change.now, actor, command_id))
        change.save(change.budget)
    return shown(budgets, name)


def shown(budgets: Budgets, name: str) -> BudgetView:
    """One of them. Raises UnknownBudget."""
    found = next((view for view in budgets.all() if view.budget == name), None)
    if found is None:
        raise UnknownBudget(name)
    return found
