"""What the programme owes, will owe and has cost: the questions to the ledger of benefits, and their answers.

Amounts are units of benefits and minor units of money. No sum crosses currencies. Instants are microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from domain.refusal import Complaint, Refusal

Dimension = Literal["benefit", "kind", "campaign", "strategy", "tier"]
Calendar = Literal["day", "week", "month"]
CostsBy = Literal["benefit", "kind", "campaign", "strategy", "tier", "day", "week", "month"]

CALENDAR: tuple[Calendar, ...] = ("day", "week", "month")


class LedgerQuestionInvalid(Refusal):
    """A question to the ledger that cannot be answered as it stands."""

    def __init__(self, field: str, value: object, remedy: str) -> None:
        super().__init__(f"The {field} of the question cannot be used.", Complaint(field, value, remedy))


@dataclass(frozen=True, slots=True)
class Sum:
    """units: of benefits; cost: minor units."""

    units: int = 0
    cost: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.units + other.units, self.cost + other.cost)

    def __sub__(self, other: "Sum") -> "Sum":
        return Sum(self.units - other.units, self.cost - other.cost)


NOTHING = Sum()


@dataclass(frozen=True, slots=True)
class Owed:
    """What is left of open grants. key: of what; None: of none, empty: named by none."""

    key: str | None
    currency: str
    grants: int
    left: Sum


@dataclass(frozen=True, slots=True)
class AccountState:
    """Of a budget (minor units; starts_at: of its period) or of a benefit's stock (units, no currency)."""

    name: str
    currency: str | None
    starts_at: int | None
    allowed: int
    reserved: int
    spent: int


@dataclass(frozen=True, slots=True)
class Liability:
    """Open grants whose end has not come, now. ended: open grants past their end, to be expired any moment: they are
    owed to nobody, and still reserved."""

    as_of: int
    position: int
    rows: Sequence[Owed]
    totals: Sequence[Owed]
    ended: Sequence[Owed]
    budgets: Sequence[AccountState]
    stocks: Sequence[AccountState]


@dataclass(frozen=True, slots=True)
class Forecast:
    """The liability by when it ends. key of a row: the first local day of its period (2026-12-01), or `never`."""

    as_of: int
    position: int
    rows: Sequence[Owed]
    totals: Sequence[Owed]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one range of time: open_before + granted - redeemed - released = open. reclaimed: of what was redeemed."""

    key: str | None
    currency: str
    open_before: Sum
    granted: Sum
    redeemed: Sum
    released: Sum
    reclaimed: Sum
    open: Sum


@dataclass(frozen=True, slots=True)
class Costs:
    """Rows in the order of their keys, and sums of each currency."""

    as_of: int
    position: int
    rows: Sequence[Cost]
    totals: Sequence[Cost]


class LedgerFigures(Protocol):
    """Each answer is of one snapshot of the ledger."""

    def liability(self, by: Dimension, scheme: str | None = None) -> Liability:
        """scheme: of by tier, where the holder stood when it was granted.

        Raises LedgerQuestionInvalid, UnknownScheme.
        """
        ...

    def forecast(self, per: Calendar, time_zone: str) -> Forecast:
        """Raises LedgerQuestionInvalid."""
        ...

    def costs(
        self,
        by: CostsBy,
        since: int | None = None,
        until: int | None = None,
        *,
        scheme: str | None = None,
        time_zone: str = "UTC",
    ) -> Costs:
        """What was recorded from `since` on and before `until`. Raises LedgerQuestionInvalid, UnknownScheme."""
        ...
