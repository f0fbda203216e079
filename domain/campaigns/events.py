"""Everything recorded for one campaign."""

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from eventsourcing.domain import AggregateEvent, CanInitAggregate
from eventsourcing.utils import register_topic

if TYPE_CHECKING:
    from domain.campaigns.aggregate import Campaign

AGGREGATE_TOPIC = "campaign"

CLEAR_FIELDS = ("effective_at", "actor", "command_id", "causation")


class CampaignEvent(AggregateEvent):
    """An event of one campaign. effective_at: the command's instant, microseconds; campaign: its name."""

    TOPIC: ClassVar[str]

    campaign: str
    effective_at: int
    actor: str
    command_id: str
    causation: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        register_topic(cls.TOPIC, cls)

    def apply(self, aggregate: "Campaign") -> None:
        """Hand itself to the aggregate, which holds the whole fold in one place."""
        aggregate.evolve(self)


class Defined(CanInitAggregate[UUID], CampaignEvent):
    """Its first content."""

    TOPIC = "campaign.defined.v1"

    spec: dict[str, Any]
    content_hash: str
    originator_topic: str = AGGREGATE_TOPIC


class Revised(CampaignEvent):
    """Another content."""

    TOPIC = "campaign.revised.v1"

    spec: dict[str, Any]
    content_hash: str


class Submitted(CampaignEvent):
    """It is laid before somebody who may approve it."""

    TOPIC = "campaign.submitted.v1"

    content_hash: str
    note: str


class Approved(CampaignEvent):
    """Another person than its makers has agreed to this content."""

    TOPIC = "campaign.approved.v1"

    content_hash: str
    note: str


class Rejected(CampaignEvent):
    """It is sent back to its makers."""

    TOPIC = "campaign.rejected.v1"

    reason: str


class Scheduled(CampaignEvent):
    """It starts by itself. strategies: the content of each by its hash, as it was agreed to start."""

    TOPIC = "campaign.scheduled.v1"

    strategies: dict[str, str]
    approved_by: str | None


class Started(CampaignEvent):
    """It runs, and its strategies with it (again, after a pause or a rest). left_out: strategies that have changed
    since it was scheduled, and were not started."""

    TOPIC = "campaign.started.v1"

    left_out: list[str]


class Paused(CampaignEvent):
    """It and its strategies rest. by_itself: by its timers, until these let it go on."""

    TOPIC = "campaign.paused.v1"

    reason: str
    by_itself: bool


class Ended(CampaignEvent):
    """It is over, for good, and so are its strategies."""

    TOPIC = "campaign.ended.v1"

    reason: str


class Retired(CampaignEvent):
    """It is put away."""

    TOPIC = "campaign.retired.v1"


EVENTS: tuple[type[CampaignEvent], ...] = (
    Defined,
    Revised,
    Submitted,
    Approved,
    Rejected,
    Scheduled,
    Started,
    Paused,
    Ended,
    Retired,
)
