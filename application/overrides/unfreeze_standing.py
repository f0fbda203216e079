"""Let a standing move again: what fell due meanwhile falls due now."""

from application.evaluation.ports import EvaluationLedger
from application.overrides.place import Held, Place
from domain.tier_model.reviewing import require_words


class UnfreezeStanding:
    """The freeze ends at this instant. One that is not there is not ended."""

    def __init__(self, ledger: EvaluationLedger) -> None:
        self._ledger = ledger

    def __call__(
        self, user_id: str, scheme: str, actor: str, *, scope: str = "", reason: str = "", command_id: str = ""
    ) -> Held:
        """command_id: as in PinTier. Raises HoldInvalid, NoStanding, WordsInvalid, UnknownScheme, UnknownUser,
        SubjectInHistory."""
        require_words("reason", reason)
        with self._ledger.take_user(user_id) as taken:
            done_at = taken.position_of(command_id)
            if done_at is not None:
                return Held(True, done_at, again=True)
            place = Place(taken, user_id, scheme, scope)
            if place.standing.frozen is None:
                return Held(False, 0)
            return Held(True, place.record("unfrozen", {"reason": reason}, actor, command_id))
