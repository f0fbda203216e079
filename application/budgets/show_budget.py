"""One budget with its accounts, or all of them."""

from application.budgets.ports import Budgets, BudgetView, shown


class ShowBudget:
    """Reads only."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets

    def __call__(self, name: str) -> BudgetView:
        """Raises UnknownBudget."""
        return shown(self._budgets, name)

    def all(self) -> list[BudgetView]:
        """By name."""
        return self._budgets.all()
