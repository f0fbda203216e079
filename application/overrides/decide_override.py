"""A second person's yes or no to a pin from the set rank on."""

from application.overrides.pin_tier import PinTier
from application.overrides.place import Held
from application.overrides.ports import OverrideRequest, OverrideRequests
from domain.tier_model.reviewing import require_words


class ApproveOverride:
    """The pin is put as it was asked for. Cut off in between, the same call ends it."""

    def __init__(self, requests: OverrideRequests, pin: PinTier) -> None:
        self._requests, self._pin = requests, pin

    def __call__(self, request_id: str, actor: str, *, note: str = "") -> tuple[OverrideRequest, Held]:
        """Raises UnknownOverrideRequest, OwnOverrideRequest, OverrideRequestDecided, and what PinTier raises."""
        require_words("note", note)
        request = self._requests.decide(request_id, "approved", actor, note)
        named = f"override-request:{request.request_id}"
        return request, self._pin.approved(request.wanted, request.requested_by, request.decided_by or actor, named)


class RejectOverride:
    """The pin is not put."""

    def __init__(self, requests: OverrideRequests) -> None:
        self._requests = requests

    def __call__(self, request_id: str, actor: str, *, reason: str) -> OverrideRequest:
        """Raises UnknownOverrideRequest, OwnOverrideRequest, OverrideRequestDecided, WordsInvalid."""
        require_words("reason", reason, needed=True)
        return self._requests.decide(request_id, "rejected", actor, reason)
