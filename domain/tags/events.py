"""Everything recorded for the definition of one tag."""

from domain.definitions.events import DefinedEvent, DefinitionEvent, RetiredEvent, RevisedEvent

AGGREGATE_TOPIC = "tag-definition"


class TagDefined(DefinedEvent):
    """The tag has a meaning, an owner and a type from now on."""

    TOPIC = "tag-definition.defined.v1"

    originator_topic: str = AGGREGATE_TOPIC


class TagRevised(RevisedEvent):
    """What is said of the tag was replaced."""

    TOPIC = "tag-definition.revised.v1"


class TagRetired(RetiredEvent):
    """Nobody is given the tag any more; who has it keeps it."""

    TOPIC = "tag-definition.retired.v1"


EVENTS: tuple[type[DefinitionEvent], ...] = (TagDefined, TagRevised, TagRetired)
