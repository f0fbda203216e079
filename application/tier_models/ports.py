"""What tier model use cases need of the ledger."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from application.definitions.ports import DefinitionView
from domain.facts.table import FactTable
from domain.refusal import Complaint, Refusal
from domain.tier_model.aggregate import TierModel
from domain.tier_model.spec import TierModelSpec, Tree
from domain.tier_model.version import NOT_REVIEWED, By, Review


@dataclass(frozen=True, slots=True)
class TierModelView:
    """One version as it stands. Instants in microseconds; unfitted: scores whose cuts are still to be fitted.

    scheduled_at: when it comes into force by itself; migration: of that activation, or of the last, as shown.
    """

    scheme: str
    version: int
    status: str
    content_hash: str
    spec: dict[str, Any]
    unfitted: tuple[str, ...]
    created_at: int
    created_by: str
    activated_at: int | None = None
    review: Review = NOT_REVIEWED
    scheduled_at: int | None = None
    migration: dict[str, Any] = field(default_factory=dict)


class ModelChange(Protocol):
    """One scheme's model under its lock, in a transaction that save() ends."""

    @property
    def model(self) -> TierModel | None:
        """None before the first draft."""
        ...

    @property
    def now(self) -> int:
        """The change's instant, microseconds."""
        ...

    def specs(self) -> dict[str, TierModelSpec]:
        """The version that came into force last, by scheme."""
        ...

    def versions(self) -> Mapping[str, Sequence[TierModelSpec]]:
        """By scheme every version that is in force for somebody, and what is scheduled."""
        ...

    def tags(self) -> Sequence[DefinitionView]:
        """All definitions of tags: a rule may read the scheme."""
        ...

    def save(self, model: TierModel) -> int:
        """Append, update what evaluation looks up, commit. Answers the position."""
        ...


class TierModels(Protocol):
    """Versions of models, and their changes."""

    def change(self, scheme: str, *, activating: bool = False) -> AbstractContextManager[ModelChange]:
        """Take the scheme's model to change it. activating: what is in force changes, now or later; no decision runs
        until it is saved."""
        ...

    def versions(self, scheme: str | None = None) -> list[TierModelView]:
        """All versions (of one scheme), by scheme and number."""
        ...

    def facts(self, kinds: frozenset[str] | None, progress: Callable[[int, int], None]) -> Iterator[FactTable]:
        """Everybody's facts, some thousand subjects at a time; progress(done, all). kinds: whose attributes are read,
        None: all."""
        ...

    def has_facts_before(self, instant: int) -> bool:
        """Whether any fact occurred before the instant, microseconds."""
        ...

    def due_schemes(self) -> list[str]:
        """Schemes whose scheduled activation's instant has come."""
        ...

    def now(self) -> int:
        """The clock, unmoved."""
        ...


class LearnerNotInstalled(Refusal):
    """What trains the scores is an extra that is not installed."""

    def __init__(self, learner: str, package: str, extra: str) -> None:
        super().__init__(
            f"the learner {learner} needs {package}, which is not installed here",
            Complaint("learner", learner, f"install the extra: pip install 'tierline[{extra}]'"),
        )


class Learner(Protocol):
    """Trains regression trees."""

    def train(
        self, columns: npt.NDArray[np.float64], target: npt.NDArray[np.float64]
    ) -> tuple[float, tuple[Tree, ...]]:
        """columns: (columns, rows). The base and the trees; equal rows in equal order give equal trees.

        Raises LearnerNotInstalled.
        """
        ...


def by(change: ModelChange, actor: str, command_id: str = "") -> By:
    """Who commands, at the change's instant."""
    return By(change.now, actor, command_id)


def views_of(model: TierModel) -> Sequence[TierModelView]:
    """The versions of an aggregate, by number."""
    return [
        TierModelView(
            model.scheme,
            version.number,
            version.status,
            version.content_hash,
            version.spec,
            version.unfitted,
            version.drafted_at,
            version.author,
            version.activated_at,
            version.review,
            version.scheduled_at,
            version.migration.to_json(),
        )
        for version in model.versions.values()
    ]
