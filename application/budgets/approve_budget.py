"""Agree to money that somebody else has asked for."""

from application.budgets.ports import Budgets, BudgetView, change_budget


class ApproveBudget:
    """Who asked for it cannot."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    def __call__(self, name: str, actor: str, *, proposed_at: int | None, command_id: str = "") -> BudgetView:
        """proposed_at: of what was looked at, microseconds; None: whatever waits.

        Raises UnknownBudget, NothingWaits, StaleBudgetChange, OwnBudgetChange, BudgetBelowPromised.
        """
        return change_budget(
            self._budgets,
            name,
            lambda budget, by: budget.approve(proposed_at=proposed_at, by=by),
            actor=actor,
            command_id=command_id,
        )
