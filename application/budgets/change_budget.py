"""Give a budget another amount or another end."""

from typing import Any

from msgspec.structs import replace

from application.budgets.ports import Budgets, BudgetView, SecondPerson, change_budget
from domain.budgets.aggregate import Budget
from domain.tier_model.version import By


class ChangeBudget:
    """Of a budget of periods the amount of this period and all to come. It never falls below what is promised."""

    def __init__(self, budgets: Budgets, second_person: SecondPerson) -> None:
        self._budgets, self._second_person = budgets, second_person

    def __call__(
        self, name: str, changes: dict[str, Any], actor: str, *, as_admin: bool = True, command_id: str = ""
    ) -> BudgetView:
        """changes: amount (minor units) and ends_at (microseconds, None: never), those that are to change.

        The budget; `waiting` where a second person has to agree first. Raises UnknownBudget, BudgetInvalid,
        BudgetBelowPromised.
        """

        def change(budget: Budget, by: By) -> None:
            before = budget.require_defined()
            terms = replace(before, **changes)
            budget.change(terms, waits=self._second_person.is_needed(terms, before, as_admin), by=by)

        return change_budget(self._budgets, name, change, actor=actor, command_id=command_id)
