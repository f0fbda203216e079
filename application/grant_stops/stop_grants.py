"""The kill switch: nothing of a scope is granted any more. It needs nobody's approval."""

from application.grant_stops.ports import GrantStops, StopView
from domain.grant_stops.aggregate import GrantStop
from domain.grant_stops.scopes import scope_of
from domain.tier_model.reviewing import require_words
from domain.tier_model.version import By


class StopGrants:
    """Once it has answered, no grant of the scope is made; what was granted stays, and can be redeemed. Stopping what
    is stopped changes nothing: the first reason stays."""

    def __init__(self, stops: GrantStops) -> None:
        self._stops = stops

    def __call__(self, scope: str, actor: str, *, reason: str, command_id: str = "") -> StopView:
        """scope: '*', 'benefit:NAME', 'budget:NAME', 'campaign:NAME' or 'bulk:ID'.

        Raises StopInvalid, WordsInvalid, UnknownBenefit, UnknownBudget.
        """
        require_words("reason", reason, needed=True)
        wanted = scope_of(scope)
        with self._stops.change(wanted) as change:
            change.require_known()
            stop, by = change.stop, By(change.now, actor, command_id)
            if stop is None:
                stop = GrantStop.begin(wanted, reason=reason, by=by)
            else:
                stop.stop(reason=reason, by=by)
            change.save(stop)
        return next(
            (view for view in self._stops.all() if view.scope == wanted), StopView(wanted, actor, by.at, reason)
        )
