"""Charge nothing more to a budget, or charge it again."""

from application.budgets.ports import Budgets, BudgetView, change_budget
from domain.tier_model.reviewing import require_words


class CloseBudget:
    """What is reserved stays, and can be redeemed. Twice is once."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    def __call__(self, name: str, actor: str, *, reason: str = "", command_id: str = "") -> BudgetView:
        """Raises UnknownBudget, WordsInvalid."""
        require_words("reason", reason)
        return change_budget(
            self._budgets,
            name,
            lambda budget, by: budget.close(reason=reason, by=by),
            actor=actor,
            command_id=command_id,
        )


class ReopenBudget:
    """Its accounts are as they were. Twice is once."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    def __call__(self, name: str, actor: str, *, reason: str = "", command_id: str = "") -> BudgetView:
        """Raises UnknownBudget, WordsInvalid."""
        require_words("reason", reason)
        return change_budget(
            self._budgets,
            name,
            lambda budget, by: budget.reopen(reason=reason, by=by),
            actor=actor,
            command_id=command_id,
        )
