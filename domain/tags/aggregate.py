"""The definition of one tag."""

from typing import Any

from domain.definitions.aggregate import Definition
from domain.definitions.events import DefinitionEvent
from domain.tags.events import AGGREGATE_TOPIC, TagDefined, TagRetired, TagRevised


class TagDefinition(Definition):
    """The stream of one tag's definition."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = DefinitionEvent
    Created = TagDefined

    KIND = "tag"
    DEFINED, REVISED, RETIRED = TagDefined, TagRevised, TagRetired

    def __init__(self, name: str, spec: dict[str, Any]) -> None:
        super().__init__(name, spec)  # written out, or the library would make one of its own
