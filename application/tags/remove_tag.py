"""Take a tag off a user."""

from application.definitions.ports import Definitions
from application.evaluation.ports import EvaluationLedger
from application.tags.change import TagChange, Told, record_commands, untagged
from application.tags.defined import require_by_hand
from domain.tags.aggregate import TagDefinition
from domain.user_tier.tagging import require_tag


class RemoveTag:
    """The tag is gone from this instant on. One that is not there is not removed."""

    def __init__(self, ledger: EvaluationLedger, definitions: Definitions[TagDefinition]) -> None:
        self._ledger, self._definitions = ledger, definitions

    def __call__(self, user_id: str, tag: str, actor: str, *, reason: str = "", command_id: str = "") -> TagChange:
        """command_id: as in AddTag. Raises TagInvalid, TagKeptByRule, UnknownUser, SubjectInHistory."""
        require_tag(tag, reason)
        require_by_hand(self._definitions.find(tag))
        with self._ledger.take_user(user_id) as taken:
            done_at = taken.position_of(command_id)
            if done_at is not None:
                return TagChange(tag, None, True, done_at)
            subject = untagged(taken.work.subjects[0], taken.work.now, tag, Told(actor, reason, command_id))
            if subject is None:
                return TagChange(tag, None, False, 0)
            return TagChange(tag, None, True, record_commands(taken, [subject]))
