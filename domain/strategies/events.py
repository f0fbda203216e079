"""Everything recorded for one strategy: its contents, who agreed, and when it ran."""

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from eventsourcing.domain import AggregateEvent, CanInitAggregate
from eventsourcing.utils import register_topic

if TYPE_CHECKING:
    from domain.strategies.aggregate import Strategy

AGGREGATE_TOPIC = "strategy"

CLEAR_FIELDS = ("effective_at", "actor", "command_id", "causation")


class StrategyEvent(AggregateEvent):
    """An event of one strategy. effective_at: the command's instant, microseconds; strategy: its name."""

    TOPIC: ClassVar[str]

    strategy: str
    effective_at: int
    actor: str
    command_id: str
    causation: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        register_topic(cls.TOPIC, cls)

    def apply(self, aggregate: "Strategy") -> None:
        """Hand itself to the aggregate, which holds the whole fold in one place."""
        aggregate.evolve(self)


class Defined(CanInitAggregate[UUID], StrategyEvent):
    """The strategy's first content, version 1. spec: canonical, without what equals its default."""

    TOPIC = "strategy.defined.v1"

    spec: dict[str, Any]
    content_hash: str
    originator_topic: str = AGGREGATE_TOPIC


class Revised(StrategyEvent):
    """Another content, of the next version."""

    TOPIC = "strategy.revised.v1"

    spec: dict[str, Any]
    content_hash: str


class Submitted(StrategyEvent):
    """It is laid before somebody who may approve it, as it is: content_hash."""

    TOPIC = "strategy.submitted.v1"

    content_hash: str
    note: str


class Approved(StrategyEvent):
    """Another person than its makers has agreed to this content."""

    TOPIC = "strategy.approved.v1"

    content_hash: str
    note: str


class Rejected(StrategyEvent):
    """It is sent back to its makers."""

    TOPIC = "strategy.rejected.v1"

    reason: str


class Started(StrategyEvent):
    """It takes users in from effective_at on (again, after a pause). global_holdout: percent of the programme's users
    who are held out of it. approved_by: who agreed, None: nobody was asked. campaign: whose it runs for."""

    TOPIC = "strategy.started.v1"

    strategy_version: int
    global_holdout: float
    approved_by: str | None
    campaign: str


class Paused(StrategyEvent):
    """It takes nobody in, and does nothing, until it is started again."""

    TOPIC = "strategy.paused.v1"

    reason: str


class Ended(StrategyEvent):
    """It is over, for good; its assignments end with it."""

    TOPIC = "strategy.ended.v1"

    reason: str


class Retired(StrategyEvent):
    """It is put away."""

    TOPIC = "strategy.retired.v1"


EVENTS: tuple[type[StrategyEvent], ...] = (
    Defined,
    Revised,
    Submitted,
    Approved,
    Rejected,
    Started,
    Paused,
    Ended,
    Retired,
)
