"""Take a tag off a user."""

from application.evaluation.ports import EvaluationLedger
from application.tags.change import TagChange, record_command
from domain.user_tier.tagging import held_until, require_tag
from domain.user_tier.tags import REMOVED, without_tag


class RemoveTag:
    """The tag is gone from this instant on. One that is not there is not removed."""

    def __init__(self, ledger: EvaluationLedger) -> None:
        self._ledger = ledger

    def __call__(self, user_id: str, tag: str, actor: str, *, reason: str = "", command_id: str = "") -> TagChange:
        """command_id: as in AddTag. Raises TagInvalid, UnknownUser, SubjectInHistory."""
        require_tag(tag, reason)
        with self._ledger.take_user(user_id) as taken:
            done_at = taken.position_of(command_id)
            if done_at is not None:
                return TagChange(tag, None, True, done_at)
            now, spans = taken.work.now, taken.work.subjects[0].tags
            if held_until(spans, tag, now) is None:
                return TagChange(tag, None, False, 0)
            data = {"tag": tag, "reason": reason}
            position = record_command(taken, REMOVED, data, actor, command_id, without_tag(spans, tag, now))
            return TagChange(tag, None, True, position)
