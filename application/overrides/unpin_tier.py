"""Lift a pin: the standing that it covered returns."""

from application.evaluation.ports import EvaluationLedger
from application.overrides.place import Held, Place
from domain.tier_model.reviewing import require_words


class UnpinTier:
    """The pin is gone from this instant on. One that is not there is not lifted."""

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
            if place.standing.pin is None:
                return Held(False, 0)
            return Held(True, place.record("unpinned", {"reason": reason}, actor, command_id))
