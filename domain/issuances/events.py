"""Everything recorded for the definition of one recurring issue of a benefit."""

from domain.definitions.events import DefinedEvent, DefinitionEvent, RetiredEvent, RevisedEvent

AGGREGATE_TOPIC = "issuance"


class IssuanceDefined(DefinedEvent):
    """The benefit is granted by itself from now on."""

    TOPIC = "issuance.defined.v1"

    originator_topic: str = AGGREGATE_TOPIC


class IssuanceRevised(RevisedEvent):
    """What is granted, to whom or when was replaced."""

    TOPIC = "issuance.revised.v1"


class IssuanceRetired(RetiredEvent):
    """Nothing is granted by it any more."""

    TOPIC = "issuance.retired.v1"


EVENTS: tuple[type[DefinitionEvent], ...] = (IssuanceDefined, IssuanceRevised, IssuanceRetired)
