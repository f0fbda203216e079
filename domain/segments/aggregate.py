"""One saved segment."""

from typing import Any

from domain.definitions.aggregate import Definition
from domain.definitions.events import DefinitionEvent
from domain.segments.events import AGGREGATE_TOPIC, SegmentDefined, SegmentRetired, SegmentRevised


class Segment(Definition):
    """The stream of one saved segment."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = DefinitionEvent
    Created = SegmentDefined

    KIND = "segment"
    DEFINED, REVISED, RETIRED = SegmentDefined, SegmentRevised, SegmentRetired

    def __init__(self, name: str, spec: dict[str, Any]) -> None:
        super().__init__(name, spec)  # written out, or the library would make one of its own
