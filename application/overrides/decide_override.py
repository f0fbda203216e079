"""A second person's yes or no to a pin from the set rank on."""

from application.overrides.pin_tier import PinTier
from application.overrides.place import Held
from application.overrides.ports import OverrideImpossible, OverrideRequest, OverrideRequests
from application.queries import UnknownScheme
from domain.tier_model.reviewing import require_words
from domain.user_tier.overriding import HoldEndsInPast, HoldInvalid, NoStanding


class ApproveOverride:
    """The pin is put as it was asked for, in one transaction with the yes. What cannot be put any more waits on."""

    def __init__(self, requests: OverrideRequests, pin: PinTier) -> None:
        self._requests, self._pin = requests, pin

    def __call__(self, request_id: str, actor: str, *, note: str = "") -> tuple[OverrideRequest, Held]:
        """Raises UnknownOverrideRequest, OwnOverrideRequest, OverrideRequestDecided, OverrideImpossible, WordsInvalid,
        UnknownUser, SubjectInHistory."""
        require_words("note", note)
        with self._requests.approving(request_id, actor, note) as (request, taken, again):
            try:
                return request, self._pin.approved(taken, request, again=again)
            except (HoldEndsInPast, HoldInvalid, NoStanding, UnknownScheme) as refusal:
                raise OverrideImpossible(refusal) from refusal


class RejectOverride:
    """The pin is not put."""

    def __init__(self, requests: OverrideRequests) -> None:
        self._requests = requests

    def __call__(self, request_id: str, actor: str, *, reason: str) -> OverrideRequest:
        """Raises UnknownOverrideRequest, OwnOverrideRequest, OverrideRequestDecided, WordsInvalid."""
        require_words("reason", reason, needed=True)
        return self._requests.reject(request_id, actor, reason)
