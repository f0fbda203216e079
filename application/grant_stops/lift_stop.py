"""Let a scope be granted again."""

from application.grant_stops.ports import GrantStops
from domain.grant_stops.scopes import NotStopped, scope_of
from domain.tier_model.reviewing import require_words
from domain.tier_model.version import By


class LiftStop:
    """Other stops that hold it still do."""

    def __init__(self, stops: GrantStops) -> None:
        self._stops = stops

    def __call__(self, scope: str, actor: str, *, reason: str = "", command_id: str = "") -> int:
        """The position. Raises StopInvalid, NotStopped, WordsInvalid."""
        require_words("reason", reason)
        wanted = scope_of(scope)
        with self._stops.change(wanted) as change:
            if change.stop is None:
                raise NotStopped(wanted)
            change.stop.lift(reason=reason, by=By(change.now, actor, command_id))
            return change.save(change.stop)
