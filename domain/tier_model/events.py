"""Everything recorded for one scheme's tier model: its versions, and what became of them."""

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from eventsourcing.domain import AggregateEvent, CanInitAggregate, CanMutateAggregate
from eventsourcing.utils import register_topic

if TYPE_CHECKING:
    from domain.tier_model.aggregate import TierModel

AGGREGATE_TOPIC = "tier-model"

CLEAR_FIELDS = ("scheme", "effective_at", "actor", "command_id", "causation")


class ModelEvent(AggregateEvent):
    """An event of one scheme's model. effective_at: the command's instant, microseconds; model_version: which one."""

    TOPIC: ClassVar[str]

    scheme: str
    effective_at: int
    actor: str
    command_id: str
    causation: str
    model_version: int

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        register_topic(cls.TOPIC, cls)

    def apply(self, aggregate: "TierModel") -> None:
        """Hand itself to the aggregate, which holds the whole fold in one place."""
        aggregate.evolve(self)


class Drafted(CanInitAggregate[UUID], ModelEvent):
    """A new version, as a draft. unfitted: the scores whose cuts are still to be fitted.

    The first draft of a scheme makes the aggregate; later ones add a version to it.
    """

    TOPIC = "tier-model.drafted.v1"

    spec: dict[str, Any]
    content_hash: str
    unfitted: list[str]
    originator_topic: str = AGGREGATE_TOPIC

    def mutate(self, aggregate: Any) -> Any:
        """Make the aggregate, or evolve the one there is."""
        if aggregate is None:
            return super().mutate(None)
        return CanMutateAggregate.mutate(self, aggregate)


class Revised(ModelEvent):
    """A draft's spec was replaced."""

    TOPIC = "tier-model.revised.v1"

    spec: dict[str, Any]
    content_hash: str
    unfitted: list[str]


class CutsFitted(ModelEvent):
    """Cuts were fitted and frozen into the version's spec.

    cuts: score -> ascending boundaries; fitted_at: the instant of the data they were fitted on, microseconds.
    """

    TOPIC = "tier-model.cuts-fitted.v1"

    cuts: dict[str, list[float]]
    fitted_at: int
    spec: dict[str, Any]
    content_hash: str


class Submitted(ModelEvent):
    """The version is laid before somebody who may approve it, as it is: content_hash."""

    TOPIC = "tier-model.submitted.v1"

    content_hash: str
    note: str


class Approved(ModelEvent):
    """Another person than its makers has agreed to the version with this content."""

    TOPIC = "tier-model.approved.v1"

    content_hash: str
    note: str


class Rejected(ModelEvent):
    """The version is sent back to its makers."""

    TOPIC = "tier-model.rejected.v1"

    reason: str


class Scheduled(ModelEvent):
    """The version comes into force by itself at an instant, microseconds. migration: as in Activated."""

    TOPIC = "tier-model.scheduled.v1"

    at: int
    migration: dict[str, Any]


class Unscheduled(ModelEvent):
    """It does not, after all."""

    TOPIC = "tier-model.unscheduled.v1"

    reason: str


class Shadowed(ModelEvent):
    """From now on the version is decided beside the one in force, without effect; or, running False, no longer.

    migration: as in Activated.
    """

    TOPIC = "tier-model.shadowed.v1"

    running: bool
    migration: dict[str, Any]


class Activated(ModelEvent):
    """The version is in force from effective_at; what was in force before is retired by it, unless a part of the users
    stays on it.

    migration: what becomes of the standings there are, without what equals its default. approved_by: who agreed, None:
    nobody was asked. scheduled: it came by itself.
    """

    TOPIC = "tier-model.activated.v1"

    migration: dict[str, Any] | None = None
    approved_by: str | None = None
    scheduled: bool = False


class Retired(ModelEvent):
    """The version is not to be used any more."""

    TOPIC = "tier-model.retired.v1"


EVENTS: tuple[type[ModelEvent], ...] = (
    Drafted,
    Revised,
    CutsFitted,
    Submitted,
    Approved,
    Rejected,
    Scheduled,
    Unscheduled,
    Shadowed,
    Activated,
    Retired,
)
