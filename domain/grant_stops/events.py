"""Everything recorded for one scope that was ever stopped."""

from domain.benefits.events import CatalogueEvent, FirstOrLater

AGGREGATE_TOPIC = "grant-stop"


class StopEvent(CatalogueEvent):
    """An event of one scope. reason: why, in the words of whoever did it."""

    scope: str
    reason: str


class Stopped(FirstOrLater, StopEvent):
    """From now on nothing of the scope is granted."""

    TOPIC = "grant-stop.stopped.v1"

    originator_topic: str = AGGREGATE_TOPIC


class Lifted(StopEvent):
    """It can be granted again."""

    TOPIC = "grant-stop.lifted.v1"


EVENTS: tuple[type[StopEvent], ...] = (Stopped, Lifted)
