"""Triggers whose time has come: tiers that were held, and users who could not be decided when they came by."""

from application.strategies.ports import AssignmentDesk, Undecided
from application.strategies.settle_user import Settle

_BATCH = 250


class LookAgain:
    """A worker's use case. Whoever cannot be decided is looked at again in a while, and holds nobody else up."""

    def __init__(self, desk: AssignmentDesk, settle: Settle) -> None:
        self._desk, self._settle = desk, settle

    def __call__(self) -> int:
        """How many were looked at; 0 when none is left. Call it until then."""
        wanted = self._desk.due_triggers(_BATCH)
        if not wanted:
            return 0
        outcomes = self._desk.take_in(wanted)
        again = [one for one, outcome in zip(wanted, outcomes, strict=True) if isinstance(outcome, Undecided)]
        for user_id in dict.fromkeys(one.user_id for one in outcomes if isinstance(one, Undecided)):
            self._settle(user_id)
        if again:
            outcomes = self._desk.take_in(again)
            waiting = [one for one, outcome in zip(again, outcomes, strict=True) if isinstance(outcome, Undecided)]
            self._desk.put_off([one.timer_id for one in waiting if one.timer_id is not None])
        return len(wanted)
