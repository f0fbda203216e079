"""Hold a user on a tier, not below it or not above it, for good or until an instant."""

from collections.abc import Mapping

from application.evaluation.ports import EvaluationLedger, TakenUser
from application.overrides.place import Held, Place
from application.overrides.ports import OverrideRequest, OverrideRequests, Wanted
from domain.tier_model.reviewing import require_words
from domain.user_tier.holds import Pin
from domain.user_tier.overriding import is_pinned_so, needs_approval, require_ahead, require_pin


class PinTier:
    """The pin counts from this instant on. Another pin takes the place of one that is there.

    From a set rank on it waits for a second person.
    """

    def __init__(
        self, ledger: EvaluationLedger, requests: OverrideRequests, approval_from: Mapping[str, str], approvals: str
    ) -> None:
        """approval_from: by scheme the lowest tier whose pins need approval. approvals: as the setting says; under
        admin-may-skip an admin needs none."""
        self._ledger, self._requests = ledger, requests
        self._approval_from, self._may_skip = approval_from, approvals == "admin-may-skip"

    def __call__(self, wanted: Wanted, actor: str, *, as_admin: bool = False, command_id: str = "") -> Held:
        """command_id: the caller's own name of the command, under which it happens once; empty: none.

        Raises HoldInvalid, HoldEndsInPast, NoStanding, WordsInvalid, UnknownScheme, UnknownUser, SubjectInHistory.
        """
        require_words("reason", wanted.reason, needed=True)
        with self._ledger.take_user(wanted.user_id) as taken:
            free = as_admin and self._may_skip
            held, now = self._pin(taken, wanted, actor, None, command_id, free=free), taken.work.now
        if held is not None:
            return held
        request = self._requests.add(wanted, actor, now, command_id)
        return Held(False, 0, wanted.until, request.request_id)

    def approved(self, taken: TakenUser, request: OverrideRequest, *, again: bool) -> Held:
        """As it was asked for, once somebody else agreed. taken: the user's work. again: they had agreed before, and
        what became of the pin since is nothing to this.

        Raises HoldInvalid, HoldEndsInPast, NoStanding, UnknownScheme.
        """
        named = f"override-request:{request.request_id}"
        if again:
            done_at = taken.position_of(named)
            return Held(done_at is not None, done_at or 0, request.wanted.until, again=True)
        held = self._pin(taken, request.wanted, request.requested_by, request.decided_by, named, free=True)
        assert held is not None, "it was agreed to"
        return held

    def _pin(
        self,
        taken: TakenUser,
        wanted: Wanted,
        actor: str,
        approved_by: str | None,
        command_id: str,
        *,
        free: bool,
    ) -> Held | None:
        """None: a second person has to agree. free: nobody has to."""
        done_at = taken.position_of(command_id)
        if done_at is not None:
            return Held(True, done_at, wanted.until, again=True)
        place = Place(taken, wanted.user_id, wanted.scheme, wanted.scope)
        require_pin(place.spec, wanted.mode, wanted.tier)
        require_ahead(wanted.until, place.now)
        pin = Pin(wanted.mode, wanted.tier, place.now, wanted.until, wanted.reason)
        if is_pinned_so(place.standing, pin):
            return Held(False, 0, wanted.until)
        threshold = self._approval_from.get(wanted.scheme)
        if not free and needs_approval(place.spec, wanted.mode, wanted.tier, threshold):
            return None
        data = {"mode": pin.mode, "until": pin.until, "reason": pin.reason, "approved_by": approved_by}
        return Held(True, place.record("pinned", data, actor, command_id, pin=pin), wanted.until)
