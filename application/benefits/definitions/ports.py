"""What use cases on benefits' versions need of the ledger."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from domain.benefits.aggregate import Benefit
from domain.benefits.lint import Surroundings
from domain.benefits.refusals import UnknownBenefit
from domain.tier_model.version import NOT_REVIEWED, By, Review


@dataclass(frozen=True, slots=True)
class BenefitView:
    """One version as it stands. Instants in microseconds."""

    benefit: str
    version: int
    status: str
    content_hash: str
    spec: dict[str, Any]
    created_at: int
    created_by: str
    activated_at: int | None = None
    review: Review = NOT_REVIEWED


class BenefitChange(Protocol):
    """One benefit under its lock, in a transaction that save() ends."""

    @property
    def benefit(self) -> Benefit | None:
        """None before the first draft."""
        ...

    @property
    def now(self) -> int:
        """The change's instant, microseconds."""
        ...

    def save(self, benefit: Benefit) -> int:
        """Append, update what granting looks up, commit. Answers the position; 0 when nothing changed.

        Raises StockBelowPromised.
        """
        ...


class Benefits(Protocol):
    """Versions of benefits, and their changes."""

    def change(self, benefit: str, *, in_force: bool = False) -> AbstractContextManager[BenefitChange]:
        """Take a benefit to change it. in_force: what is granted changes; nothing is granted until it is saved."""
        ...

    def versions(self, benefit: str | None = None) -> list[BenefitView]:
        """All versions (of one benefit), by name and number."""
        ...

    def surroundings(self) -> Surroundings:
        """What a benefit is looked at beside."""
        ...


def change_version(
    benefits: Benefits,
    name: str,
    version: int | None,
    act: Callable[[Benefit, int, By], None],
    *,
    actor: str,
    command_id: str = "",
    in_force: bool = False,
) -> tuple[BenefitView, int]:
    """Do something to a version, the latest when None is named; the version, and the position, 0 when nothing changed.

    Raises UnknownBenefit, and what act raises.
    """
    with benefits.change(name, in_force=in_force) as change:
        benefit = change.benefit
        if benefit is None:
            raise UnknownBenefit(name, sorted({view.benefit for view in benefits.versions()}))
        number = max(benefit.versions) if version is None else version
        act(benefit, number, By(change.now, actor, command_id))
        position = change.save(benefit)
        return views_of(benefit)[number - 1], position


def views_of(benefit: Benefit) -> Sequence[BenefitView]:
    """The versions of an aggregate, by number."""
    return [
        BenefitView(
            benefit.benefit,
            version.number,
            version.status,
            version.content_hash,
            version.spec,
            version.drafted_at,
            version.author,
            version.activated_at,
            version.review,
        )
        for version in benefit.versions.values()
    ]
