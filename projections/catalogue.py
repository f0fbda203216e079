"""Every read model: what it shows, where it lives, what it reads of the log."""

from dataclasses import dataclass
from typing import Literal

from domain.refusal import Complaint, Refusal
from projections.records import BrokenRecord, EventRecord, Record

PARTITIONS = 8  # hash partitions of the log, by subject
LANES = 4  # a lane is projected by one holder at a time


@dataclass(frozen=True)
class ReadModel:
    """One read model.

    version: the first version number that has this shape. Rebuilds count on from it; an older version still in use is
    left as it is and rebuilt. topics, observations: the records that it wants.
    """

    name: str
    version: int
    store: Literal["redis", "opensearch"]
    topics: frozenset[str] = frozenset()
    observations: bool = False
    lanes: int = LANES

    def wants(self, record: Record) -> bool:
        """Whether the projector is to see this record."""
        if isinstance(record, EventRecord):
            return record.topic in self.topics
        if isinstance(record, BrokenRecord) and record.topic:
            return record.topic in self.topics
        return self.observations

    def partitions(self, lane: int) -> tuple[int, ...]:
        """The hash partitions that a lane reads."""
        return tuple(range(lane, PARTITIONS, self.lanes))


USER_CARD = ReadModel("user_card", 4, "redis", observations=True)
USER_SEARCH = ReadModel("user_search", 4, "opensearch", observations=True)
TRANSITIONS = ReadModel(
    "transitions",
    2,
    "opensearch",
    topics=frozenset(
        {
            "user-tier.tier-changed.v1",
            "user-tier.tier-requalified.v1",
            "user-tier.downgrade-deferred.v1",
            "user-tier.tier-at-risk.v1",
        }
    ),
)

CATALOGUE: dict[str, ReadModel] = {model.name: model for model in (USER_CARD, USER_SEARCH, TRANSITIONS)}


class UnknownReadModel(Refusal):
    """No read model has this name."""

    def __init__(self, name: str) -> None:
        remedy = f"use one of {', '.join(sorted(CATALOGUE))}"
        super().__init__(f"There is no read model {name[:200]!r}.", Complaint("name", name, remedy))


def read_model(name: str) -> ReadModel:
    """The read model of this name. Raises UnknownReadModel."""
    try:
        return CATALOGUE[name]
    except KeyError:
        raise UnknownReadModel(name) from None
