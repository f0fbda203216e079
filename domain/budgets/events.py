"""Everything recorded for one budget."""

from typing import Any

from domain.benefits.events import CatalogueEvent, FirstOrLater

AGGREGATE_TOPIC = "budget"


class BudgetEvent(CatalogueEvent):
    """An event of one budget."""

    budget: str


class Proposed(FirstOrLater, BudgetEvent):
    """So much money waits for a second person to agree. terms: as the budget is to be; what waited before is gone."""

    TOPIC = "budget.proposed.v1"

    terms: dict[str, Any]
    originator_topic: str = AGGREGATE_TOPIC


class Defined(FirstOrLater, BudgetEvent):
    """The budget is there. approved_by: who agreed, None: nobody was asked."""

    TOPIC = "budget.defined.v1"

    terms: dict[str, Any]
    approved_by: str | None
    originator_topic: str = AGGREGATE_TOPIC


class Changed(BudgetEvent):
    """Amount (minor units) and end (microseconds) from now on. approved_by: as in Defined."""

    TOPIC = "budget.changed.v1"

    amount: int
    ends_at: int | None
    approved_by: str | None


class Closed(BudgetEvent):
    """Nothing more is charged to it; what is reserved can still be redeemed."""

    TOPIC = "budget.closed.v1"

    reason: str


class Reopened(BudgetEvent):
    """It can be charged again."""

    TOPIC = "budget.reopened.v1"

    reason: str


EVENTS: tuple[type[BudgetEvent], ...] = (Proposed, Defined, Changed, Closed, Reopened)
