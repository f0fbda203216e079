"""Put a tag on a user, for good or until an instant."""

from application.evaluation.ports import EvaluationLedger
from application.tags.change import TagChange, record_command
from domain.user_tier.tagging import TagEndsInPast, ends_at, held_until, require_tag
from domain.user_tier.tags import ADDED, with_tag


class AddTag:
    """The tag counts from this instant on. One that is there with the same end stays as it is."""

    def __init__(self, ledger: EvaluationLedger) -> None:
        self._ledger = ledger

    def __call__(
        self,
        user_id: str,
        tag: str,
        actor: str,
        *,
        until: int | None = None,
        reason: str = "",
        command_id: str = "",
    ) -> TagChange:
        """until: when it ends by itself, microseconds; another end than the present one replaces it. command_id: the
        caller's own name of the command, under which it happens once; empty: none.

        Raises TagInvalid, TagEndsInPast, UnknownUser, SubjectInHistory.
        """
        require_tag(tag, reason)
        with self._ledger.take_user(user_id) as taken:
            done_at = taken.position_of(command_id)
            if done_at is not None:
                return TagChange(tag, until, True, done_at)
            now, spans = taken.work.now, taken.work.subjects[0].tags
            if until is not None and until <= now:
                raise TagEndsInPast(until, now)
            if held_until(spans, tag, now) == ends_at(until):
                return TagChange(tag, until, False, 0)
            data = {"tag": tag, "until": until, "reason": reason}
            position = record_command(taken, ADDED, data, actor, command_id, with_tag(spans, tag, now, until))
            return TagChange(tag, until, True, position)
