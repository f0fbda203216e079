"""What is recorded of anything that people define by name and change afterwards: the shape that its events share."""

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from eventsourcing.domain import AggregateEvent, CanInitAggregate
from eventsourcing.utils import register_topic

if TYPE_CHECKING:
    from domain.definitions.aggregate import Definition

CLEAR_FIELDS = ("effective_at", "actor", "command_id", "causation")


class DefinitionEvent(AggregateEvent):
    """An event of one definition. effective_at: the command's instant, microseconds; name: as people call it."""

    TOPIC: ClassVar[str]

    effective_at: int
    actor: str
    command_id: str
    causation: str
    name: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "TOPIC" in vars(cls):
            register_topic(cls.TOPIC, cls)

    def apply(self, aggregate: "Definition") -> None:
        """Hand itself to the aggregate, which holds the whole fold in one place."""
        aggregate.evolve(self)


class DefinedEvent(CanInitAggregate[UUID], DefinitionEvent):
    """It is there from now on, as spec says."""

    spec: dict[str, Any]


class RevisedEvent(DefinitionEvent):
    """It is as spec says from now on."""

    spec: dict[str, Any]


class RetiredEvent(DefinitionEvent):
    """It is not to be used any more."""

    reason: str
