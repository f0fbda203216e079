"""Why a budget is not defined or changed."""

from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal


class BudgetInvalid(Refusal):
    """A budget with something in it that cannot be kept."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        super().__init__(f"The budget's {field} cannot be used: {remedy}.", Complaint(field, value, remedy))


class BudgetDefined(Refusal):
    """There is a budget of this name, and it is another one."""

    def __init__(self, budget: str) -> None:
        super().__init__(
            f"There is a budget {budget!r} already, with other terms.",
            Complaint("budget", budget, "change its amount or its end, or take another name"),
        )


class BudgetBelowPromised(Refusal):
    """An amount that does not hold what is promised and spent already."""

    def __init__(self, budget: str, amount: int, least: int, account: str) -> None:
        _, _, start = account.partition("@")
        since = f" since {start}" if start else ""
        super().__init__(
            f"{least} of budget {budget!r} are reserved or spent{since}: {amount} does not hold them.",
            Complaint("amount", amount, f"give at least {least}, or revoke grants first"),
        )


class NothingWaits(Refusal):
    """A budget of which nothing waits for a second person."""

    def __init__(self, budget: str) -> None:
        super().__init__(
            f"Nothing about budget {budget!r} waits for approval.",
            Complaint("budget", budget, "see GET /v1/budgets for what waits"),
        )


class OwnBudgetChange(Refusal):
    """Who asks for money does not approve it."""

    def __init__(self, budget: str, actor: str) -> None:
        super().__init__(
            f"{actor} asked for this amount of budget {budget!r}, and cannot approve it.",
            Complaint("actor", actor, "ask somebody else to approve, with a key of their own"),
        )


class StaleBudgetChange(Refusal):
    """What waits is not what was looked at."""

    def __init__(self, budget: str, seen: int, waits: int) -> None:
        remedy = f"look at it again; what waits was asked for at {format_instant(waits)}"
        super().__init__(
            f"What waits for budget {budget!r} is not what was looked at.",
            Complaint("proposed_at", format_instant(seen), remedy),
        )
