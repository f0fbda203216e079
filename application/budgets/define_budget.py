"""Set money aside."""

from application.budgets.ports import Budgets, BudgetView, SecondPerson, shown
from domain.budgets.aggregate import Budget
from domain.budgets.terms import BudgetTerms, require_name, require_sound
from domain.tier_model.version import By


class DefineBudget:
    """A budget lies in its parent for good: what is charged to it is charged to all above it. Terms, but for amount and
    end, never change."""

    def __init__(self, budgets: Budgets, second_person: SecondPerson) -> None:
        self._budgets, self._second_person = budgets, second_person

    def __call__(
        self, name: str, terms: BudgetTerms, actor: str, *, as_admin: bool = True, command_id: str = ""
    ) -> BudgetView:
        """The budget, or, with status 'proposed', what waits for a second person. The same again changes nothing.

        as_admin: who may leave out approvals asks. Raises BudgetInvalid, BudgetDefined, UnknownBudget (the parent).
        """
        require_name(name)
        if terms.parent:
            require_name(terms.parent, "parent")
        with self._budgets.change(name) as change:
            same = terms.parent in ("", name)
            require_sound(name, terms, None if same else change.currency_of(terms.parent))
            waits, by = self._second_person.is_needed(terms, None, as_admin), By(change.now, actor, command_id)
            budget = change.budget
            if budget is None:
                budget = Budget.begin(name, terms, waits=waits, by=by)
            else:
                budget.define(terms, waits=waits, by=by)
            change.save(budget)
        return shown(self._budgets, name)
