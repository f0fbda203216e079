"""What use cases on stops need of the ledger."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from domain.grant_stops.aggregate import GrantStop


@dataclass(frozen=True, slots=True)
class StopView:
    """What is stopped now. stopped_at: microseconds."""

    scope: str
    stopped_by: str
    stopped_at: int
    reason: str


class StopChange(Protocol):
    """One scope under its lock, in a transaction that save() ends."""

    @property
    def stop(self) -> GrantStop | None:
        """None when it was never stopped."""
        ...

    @property
    def now(self) -> int:
        """The change's instant, microseconds."""
        ...

    def require_known(self) -> None:
        """A benefit or budget that is named is there. Raises UnknownBenefit, UnknownBudget."""
        ...

    def save(self, stop: GrantStop) -> int:
        """Append, update what granting looks up, commit. Answers the position; 0 when nothing changed."""
        ...


class GrantStops(Protocol):
    """Stops, and their changes."""

    def change(self, scope: str) -> AbstractContextManager[StopChange]:
        """Take a scope to stop or lift it. Grants under way are waited for; none begins until it is saved."""
        ...

    def all(self) -> list[StopView]:
        """What is stopped, the latest first."""
        ...
