"""One scope that is stopped, or was."""

from uuid import UUID, uuid5

from eventsourcing.domain import BaseAggregate

from domain.facts.instants import to_datetime
from domain.grant_stops.events import AGGREGATE_TOPIC, Lifted, StopEvent, Stopped
from domain.grant_stops.scopes import NotStopped
from domain.tier_model.version import By

_NAMESPACE = UUID("3d7a90c2-61be-5e4f-8c27-f05b1e8d4a96")


def stop_id_of(scope: str) -> UUID:
    """The stream of a scope."""
    return uuid5(_NAMESPACE, scope)


class GrantStop(BaseAggregate[UUID]):
    """The stream of one scope."""

    TOPIC = AGGREGATE_TOPIC

    # Named for the library, which then defines no event classes of its own.
    Event = StopEvent
    Created = Stopped

    stopped_scope: str
    is_stopped: bool

    def __init__(self, scope: str, reason: str) -> None:
        self.stopped_scope, self.is_stopped = scope, True

    @staticmethod
    def create_id(scope: str, reason: str) -> UUID:
        """Derived from the scope."""
        return stop_id_of(scope)

    @classmethod
    def begin(cls, scope: str, *, reason: str, by: By) -> "GrantStop":
        """The first stop of a scope."""
        told = {"scope": scope, "reason": reason, **by.told}
        return cls._create(Stopped, id=stop_id_of(scope), timestamp=to_datetime(by.at), **told)

    def stop(self, *, reason: str, by: By) -> None:
        """Stop it again. What is stopped is stopped: nothing is recorded."""
        if not self.is_stopped:
            self._record(Stopped, reason, by)

    def lift(self, *, reason: str, by: By) -> None:
        """Raises NotStopped."""
        if not self.is_stopped:
            raise NotStopped(self.stopped_scope)
        self._record(Lifted, reason, by)

    def evolve(self, event: StopEvent) -> None:
        """The whole fold."""
        self.is_stopped = isinstance(event, Stopped)

    def _record(self, event_class: type[StopEvent], reason: str, by: By) -> None:
        self.trigger_event(
            event_class, timestamp=to_datetime(by.at), scope=self.stopped_scope, reason=reason, **by.told
        )
