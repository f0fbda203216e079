"""Two users turn out to be one: the addressed one stays, the other's facts and user ids go over to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.identity.ports import IdentityLedger, TakenPair
from domain.tier_model.reviewing import require_words
from domain.user_tier.decide import decide
from domain.user_tier.merging import FactsConflict, FactsSplitOff, MergeTerms, SameUser, merged


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of it. user_ids: all that name the survivor now. facts: copied; known_already: there as they were.

    Both are None when the command is met again.
    """

    user_ids: Sequence[str]
    facts: int | None
    known_already: int | None
    position: int


class MergeUsers:
    """One transaction: it happens as a whole, or not at all. The survivor is due at once, with all the facts."""

    def __init__(self, ledger: IdentityLedger) -> None:
        self._ledger = ledger

    def __call__(self, user_id: str, other_user_id: str, actor: str, *, reason: str, command_id: str = "") -> Merged:
        """user_id: of the user who stays.

        Raises SameUser, FactsConflict, FactsSplitOff, WordsInvalid, UnknownUser, SubjectInHistory.
        """
        require_words("reason", reason, needed=True)

        def merge() -> tuple[int | None, int | None, int]:
            with self._ledger.take_pair(user_id, other_user_id) as pair:
                if pair.same:
                    done_at = pair.taken.position_of(command_id)
                    if done_at is None:
                        raise SameUser(user_id, other_user_id)
                    return None, None, done_at
                if pair.split_off:
                    raise FactsSplitOff(user_id, other_user_id, pair.split_off)
                return pair.facts, pair.known_already, self._merged(pair, actor, reason, command_id)

        facts, known, position = self._ledger.persisting(merge)
        return Merged(self._ledger.user_ids(user_id), facts, known, position)

    def _merged(self, pair: TakenPair, actor: str, reason: str, command_id: str) -> int:
        if pair.conflicts:
            raise FactsConflict(pair.conflicts)
        work = pair.taken.work
        terms = MergeTerms(
            now=work.now,
            user_ids=pair.user_ids,
            facts=pair.facts,
            known_already=pair.known_already,
            facts_known_at=pair.facts_known_at,
            actor=actor,
            reason=reason,
            command_id=command_id,
        )
        subjects = list(work.subjects)
        survivor, other = merged(subjects[pair.survivor], subjects[pair.other], terms, pair.moved())
        subjects[pair.survivor], subjects[pair.other] = survivor, other
        return pair.record(decide(subjects, work.table, work.forces, work.now + 1), subjects)
