"""Everything recorded for one benefit: its versions, and what became of them."""

from typing import Any, ClassVar
from uuid import UUID

from eventsourcing.domain import AggregateEvent, CanInitAggregate, CanMutateAggregate
from eventsourcing.utils import register_topic

AGGREGATE_TOPIC = "benefit"

CLEAR_FIELDS = ("effective_at", "actor", "command_id", "causation")


class CatalogueEvent(AggregateEvent):
    """An event of a benefit, a budget or a stop. effective_at: the command's instant, microseconds."""

    TOPIC: ClassVar[str]

    effective_at: int
    actor: str
    command_id: str
    causation: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "TOPIC" in vars(cls):
            register_topic(cls.TOPIC, cls)

    def apply(self, aggregate: Any) -> None:
        """Hand itself to the aggregate, which holds the whole fold in one place."""
        aggregate.evolve(self)


class FirstOrLater(CanInitAggregate[UUID], CatalogueEvent):
    """One that makes the aggregate, or changes the one there is."""

    def mutate(self, aggregate: Any) -> Any:
        """Make the aggregate, or evolve the one there is."""
        if aggregate is None:
            return super().mutate(None)
        return CanMutateAggregate.mutate(self, aggregate)


class BenefitEvent(CatalogueEvent):
    """An event of one benefit. benefit_version: which version."""

    benefit: str
    benefit_version: int


class Drafted(FirstOrLater, BenefitEvent):
    """A new version, as a draft. The first draft of a benefit makes the aggregate."""

    TOPIC = "benefit.drafted.v1"

    spec: dict[str, Any]
    content_hash: str
    originator_topic: str = AGGREGATE_TOPIC


class Revised(BenefitEvent):
    """A version's spec was replaced before it was ever in force."""

    TOPIC = "benefit.revised.v1"

    spec: dict[str, Any]
    content_hash: str


class Submitted(BenefitEvent):
    """The version is laid before somebody who may approve it, as it is: content_hash."""

    TOPIC = "benefit.submitted.v1"

    content_hash: str
    note: str


class Approved(BenefitEvent):
    """Another person than its makers has agreed to the version with this content."""

    TOPIC = "benefit.approved.v1"

    content_hash: str
    note: str


class Rejected(BenefitEvent):
    """The version is sent back to its makers."""

    TOPIC = "benefit.rejected.v1"

    reason: str


class Activated(BenefitEvent):
    """The version is what is granted from effective_at on; the one before is retired by it, and grants keep theirs.

    approved_by: who agreed, None: nobody was asked.
    """

    TOPIC = "benefit.activated.v1"

    approved_by: str | None


class Retired(BenefitEvent):
    """The version is not granted any more."""

    TOPIC = "benefit.retired.v1"


EVENTS: tuple[type[BenefitEvent], ...] = (Drafted, Revised, Submitted, Approved, Rejected, Activated, Retired)
