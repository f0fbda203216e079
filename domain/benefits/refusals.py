"""Why nothing is granted, redeemed or revoked."""

from collections.abc import Sequence

from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal


class UnknownBenefit(Refusal):
    """No benefit has this name."""

    def __init__(self, benefit: str, known: Sequence[str] = ()) -> None:
        remedy = f"use one of {', '.join(known)}" if known else "define a benefit first"
        super().__init__(f"There is no benefit {benefit[:200]!r}.", Complaint("benefit", benefit, remedy))


class BenefitNotInForce(Refusal):
    """A benefit that cannot be granted: none of its versions is active, or it is retired."""

    def __init__(self, benefit: str) -> None:
        super().__init__(
            f"Benefit {benefit!r} is not in force.",
            Complaint("benefit", benefit, "activate a version of it, or grant another benefit"),
        )


class GrantingStopped(Refusal):
    """Somebody has stopped granting."""

    def __init__(self, benefit: str) -> None:
        remedy = "see GET /v1/grant-stops for who stopped it and why; an approver can lift it"
        super().__init__(f"Granting {benefit!r} is stopped.", Complaint("benefit", benefit, remedy))


class NotEntitled(Refusal):
    """The user stands on no tier that is entitled to the benefit."""

    def __init__(self, benefit: str, scheme: str, tier: str | None, wanted: Sequence[str]) -> None:
        stands = f"stands on {tier!r}" if tier is not None else "has no standing"
        super().__init__(
            f"The user {stands} on scheme {scheme!r}; {benefit!r} is for {', '.join(wanted)}.",
            Complaint(f"tiers.{scheme}", tier, f"grant it to users on {' or '.join(wanted)}"),
        )


class CapReached(Refusal):
    """The user has had as much of the benefit as anybody may."""

    def __init__(self, benefit: str, cap: int, held: int, wanted: int, period: str | None) -> None:
        per = f"a {period}" if period else "in all"
        left = max(cap - held, 0)
        remedy = (
            f"grant at most {left}" if left else ("wait for the next period" if period else "grant another benefit")
        )
        super().__init__(
            f"A user may have {cap} of {benefit!r} {per}; this one has {held}, and {wanted} more are asked for.",
            Complaint("units", wanted, remedy),
        )


class BudgetExhausted(Refusal):
    """A budget has no room for what the grant costs."""

    def __init__(self, budget: str, cost: int, currency: str) -> None:
        super().__init__(
            f"Budget {budget!r} has no room for {cost} ({currency}, minor units).",
            Complaint("budget", budget, "raise the budget, wait for what is reserved to be released, or use another"),
        )


class StockExhausted(Refusal):
    """Not enough units are left."""

    def __init__(self, benefit: str, units: int) -> None:
        super().__init__(
            f"Fewer than {units} of {benefit!r} are left.",
            Complaint("units", units, "raise its stock with a new version, or grant another benefit"),
        )


class StockBelowPromised(Refusal):
    """A version with less stock than is promised and redeemed already."""

    def __init__(self, benefit: str, stock: int, least: int) -> None:
        super().__init__(
            f"{least} of {benefit!r} are granted already: a stock of {stock} does not hold them.",
            Complaint("stock", stock, f"give at least {least}, or revoke grants first"),
        )


class UnknownBudget(Refusal):
    """No budget has this name."""

    def __init__(self, budget: str) -> None:
        super().__init__(
            f"There is no budget {budget[:200]!r}.", Complaint("budget", budget, "define it, or leave it out")
        )


class BudgetNotOpen(Refusal):
    """A budget that is closed, or whose days have not come or are over."""

    def __init__(self, budget: str, reason: str) -> None:
        super().__init__(
            f"Budget {budget!r} {reason}.", Complaint("budget", budget, "use a budget that is open at this time")
        )


class BudgetOfAnotherCurrency(Refusal):
    """A benefit's cost cannot be charged to a budget in another currency."""

    def __init__(self, budget: str, currency: str, wanted: str) -> None:
        super().__init__(
            f"Budget {budget!r} is in {currency}, and the benefit costs {wanted}.",
            Complaint("budget", budget, f"use a budget in {wanted}"),
        )


class GrantEndsInPast(Refusal):
    """A grant that would be over before it began."""

    def __init__(self, benefit: str, until: int) -> None:
        super().__init__(
            f"Grants of {benefit!r} ended on {format_instant(until)}.",
            Complaint("benefit", benefit, "activate a version with a later end"),
        )


class UnknownGrant(Refusal):
    """No grant has this id."""

    def __init__(self, grant_id: str) -> None:
        super().__init__(
            f"There is no grant {grant_id[:200]!r}.",
            Complaint("grant_id", grant_id, "use a grant_id as the grant was answered, or as the user's card shows it"),
        )


class GrantEnded(Refusal):
    """A grant that is redeemed, expired, revoked or clawed back: nothing of it is left."""

    def __init__(self, grant_id: str, status: str, ended_at: int | None) -> None:
        when = "" if ended_at is None else f" since {format_instant(ended_at)}"
        super().__init__(
            f"Grant {grant_id} is {status}{when}.",
            Complaint("grant_id", grant_id, "use a grant that is open: GET /v1/users/{user_id}/grants?status=open"),
        )


class MoreThanLeft(Refusal):
    """More units than the grant has left."""

    def __init__(self, grant_id: str, units: int, left: int) -> None:
        super().__init__(
            f"Grant {grant_id} has {left} left, and {units} are asked for.",
            Complaint("units", units, f"redeem at most {left}"),
        )


class NotInPart(Refusal):
    """A grant that is redeemed whole or not at all."""

    def __init__(self, grant_id: str, units: int, left: int) -> None:
        super().__init__(
            f"Grant {grant_id} can only be redeemed whole.",
            Complaint("units", units, f"redeem {left}, or leave it out"),
        )


class RedeemedTooOften(Refusal):
    """A grant that was redeemed as many times as it may be."""

    def __init__(self, grant_id: str, most_times: int) -> None:
        super().__init__(
            f"Grant {grant_id} was redeemed {most_times} times, the most there may be.",
            Complaint("grant_id", grant_id, "use another grant"),
        )


class GrantRequestInvalid(Refusal):
    """A grant or redemption with something in it that cannot be kept."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        super().__init__(f"The {field} cannot be used.", Complaint(field, value, remedy))
