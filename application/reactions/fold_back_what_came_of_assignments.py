"""Facts say that something was delivered, seen, clicked or ordered: the assignments behind it know, and so do users."""

from application.strategies.outcome_ports import Outcomes
from application.strategies.settle_user import Settle, tell_decided
from domain.strategies.outcomes import outcomes_of


class FoldBackWhatCameOfAssignments:
    """From its own place among the facts. Outcomes are made anew from all facts of a user whenever one may matter, so
    that a repeat, a late fact or a void is nothing special; events follow what has changed."""

    def __init__(self, outcomes: Outcomes, settle: Settle) -> None:
        self._outcomes, self._settle = outcomes, settle

    def __call__(self) -> bool:
        """A stretch of facts; whether there was something to do. Call it until then."""
        folded = self._fold()
        return tell_decided(self._outcomes.tell, self._settle) > 0 or folded

    def _fold(self) -> bool:
        with self._outcomes.turn() as turn:
            if turn is None:
                return False
            for material in turn.materials():
                turn.keep(material.followed, outcomes_of(material.table, material.followed, material.granted))
            return turn.move_on()
