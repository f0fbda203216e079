"""Put a tag on a user, for good or until an instant."""

from application.definitions.ports import Definitions
from application.evaluation.ports import EvaluationLedger
from application.tags.change import TagChange, Told, record_commands, tagged
from application.tags.defined import require_by_hand, value_of
from domain.tags.aggregate import TagDefinition
from domain.tier_model.column import Scalar
from domain.user_tier.tagging import TagEndsInPast, require_tag


class AddTag:
    """The tag counts from this instant on. One that is there with the same end and value stays as it is."""

    def __init__(self, ledger: EvaluationLedger, definitions: Definitions[TagDefinition]) -> None:
        self._ledger, self._definitions = ledger, definitions

    def __call__(
        self,
        user_id: str,
        tag: str,
        actor: str,
        *,
        until: int | None = None,
        reason: str = "",
        value: Scalar = None,
        command_id: str = "",
    ) -> TagChange:
        """until: when it ends by itself, microseconds; another end than the present one replaces it. value: of a tag
        that is defined with values. command_id: the caller's own name of the command, under which it happens once;
        empty: none.

        Raises TagInvalid, TagValueInvalid, TagKeptByRule, DefinitionRetired, TagEndsInPast, UnknownUser,
        SubjectInHistory.
        """
        require_tag(tag, reason)
        found = self._definitions.find(tag)
        require_by_hand(found)
        value = value_of(tag, found, value)
        with self._ledger.take_user(user_id) as taken:
            done_at = taken.position_of(command_id)
            if done_at is not None:
                return TagChange(tag, until, True, done_at, value)
            now = taken.work.now
            if until is not None and until <= now:
                raise TagEndsInPast(until, now)
            subject = tagged(taken.work.subjects[0], now, tag, until, value, Told(actor, reason, command_id))
            if subject is None:
                return TagChange(tag, until, False, 0, value)
            return TagChange(tag, until, True, record_commands(taken, [subject]), value)
