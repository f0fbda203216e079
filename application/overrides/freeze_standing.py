"""Let nothing move a standing, for good or until an instant."""

from application.evaluation.ports import EvaluationLedger
from application.overrides.place import Held, Place
from domain.tier_model.reviewing import require_words
from domain.user_tier.holds import Freeze
from domain.user_tier.overriding import require_ahead


class FreezeStanding:
    """Nothing moves from this instant on; what falls due meanwhile falls due at the freeze's end."""

    def __init__(self, ledger: EvaluationLedger) -> None:
        self._ledger = ledger

    def __call__(
        self,
        user_id: str,
        scheme: str,
        actor: str,
        *,
        reason: str,
        scope: str = "",
        until: int | None = None,
        command_id: str = "",
    ) -> Held:
        """until: microseconds; another end than the present one replaces it. command_id: as in PinTier.

        Raises HoldInvalid, HoldEndsInPast, NoStanding, WordsInvalid, UnknownScheme, UnknownUser, SubjectInHistory.
        """
        require_words("reason", reason, needed=True)
        with self._ledger.take_user(user_id) as taken:
            done_at = taken.position_of(command_id)
            if done_at is not None:
                return Held(True, done_at, until, again=True)
            place = Place(taken, user_id, scheme, scope)
            require_ahead(until, place.now)
            frozen = place.standing.frozen
            if frozen is not None and frozen.until == until:
                return Held(False, 0, until)
            data = {"until": until, "reason": reason}
            freeze = Freeze(place.now, until, reason)
            return Held(True, place.record("frozen", data, actor, command_id, freeze=freeze), until)
