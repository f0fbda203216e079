"""Some ids of a user turn out to be somebody else's: they leave, with their facts, and name a new user."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.identity.ports import IdentityLedger, TakenSplit
from domain.tier_model.reviewing import require_words
from domain.user_tier.decide import decide
from domain.user_tier.splitting import SplitTerms, require_some_to_leave, split


@dataclass(frozen=True, slots=True)
class Split:
    """What became of it. user_ids: of the user who stays; new_user_ids: of the new one. facts: copied to the new one;
    voided: count no more for the one who stays. Both are None when the command is met again."""

    user_ids: Sequence[str]
    new_user_ids: Sequence[str]
    facts: int | None
    voided: int | None
    position: int


class SplitUser:
    """One transaction: it happens as a whole, or not at all. Both users are due at once."""

    def __init__(self, ledger: IdentityLedger) -> None:
        self._ledger = ledger

    def __call__(self, user_id: str, leaving: Sequence[str], actor: str, *, reason: str, command_id: str = "") -> Split:
        """user_id: any that stays. leaving: some of the user's others.

        Raises SplitInvalid, NobodyStays, UserIdOfAnother, WordsInvalid, UnknownUser, SubjectInHistory.
        """
        require_words("reason", reason, needed=True)
        require_some_to_leave(leaving)

        def part() -> tuple[int | None, int | None, int]:
            with self._ledger.take_split(user_id, leaving, command_id) as taken:
                if taken.done_at is not None:
                    return None, None, taken.done_at
                return _split(taken, sorted(leaving), actor, reason, command_id)

        facts, voided, position = self._ledger.persisting(part)
        return Split(self._ledger.user_ids(user_id), sorted(leaving), facts, voided, position)


def _split(taken: TakenSplit, leaving: Sequence[str], actor: str, reason: str, command_id: str) -> tuple[int, int, int]:
    """How many facts were copied, how many voided, and the position."""
    parting, work = taken.part(reason), taken.taken.work
    terms = SplitTerms(
        now=work.now,
        user_ids=leaving,
        facts=len(parting.copied),
        voided=len(parting.voided),
        facts_known_at=taken.facts_known_at,
        actor=actor,
        reason=reason,
        command_id=command_id,
    )
    subjects = list(work.subjects)
    subjects[taken.stays], subjects[taken.new] = split(subjects[taken.stays], subjects[taken.new], terms)
    position = taken.record(decide(subjects, work.table, work.forces, work.now + 1), subjects)
    return terms.facts, terms.voided, position
