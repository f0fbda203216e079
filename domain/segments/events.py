"""Everything recorded for the definition of one segment."""

from domain.definitions.events import DefinedEvent, DefinitionEvent, RetiredEvent, RevisedEvent

AGGREGATE_TOPIC = "segment"


class SegmentDefined(DefinedEvent):
    """The segment has a name and a condition from now on."""

    TOPIC = "segment.defined.v1"

    originator_topic: str = AGGREGATE_TOPIC


class SegmentRevised(RevisedEvent):
    """Its condition, or what is said of it, was replaced."""

    TOPIC = "segment.revised.v1"


class SegmentRetired(RetiredEvent):
    """It is not to be used any more."""

    TOPIC = "segment.retired.v1"


EVENTS: tuple[type[DefinitionEvent], ...] = (SegmentDefined, SegmentRevised, SegmentRetired)
