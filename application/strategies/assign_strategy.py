"""A strategy takes a user in by hand, and lets them go."""

from collections.abc import Callable
from typing import TypeVar
from uuid import uuid4

from application.benefits.decided import UserKeepsMoving
from application.evaluation.evaluate_user import EvaluateUser
from application.strategies.ports import AssignmentDesk, LeftOut, Strategies, TakenIn, Undecided, Wanted
from application.strategies.settle_user import Settle
from domain.strategies.cause import Cause
from domain.strategies.refusals import (
    AssignmentRefused,
    StrategyNotRunning,
    StrategyOver,
    UnknownArm,
    UnknownAssignment,
)
from domain.strategies.spec import StrategySpec

T = TypeVar("T")
_ATTEMPTS = 10
_AT_ONCE = 500
TIMER = "timer"


class AssignStrategy:
    """Conditions are not asked: whom people choose is in the audience. Consent, groups and caps are."""

    def __init__(self, strategies: Strategies, desk: AssignmentDesk, evaluate_user: EvaluateUser) -> None:
        self._strategies, self._desk, self._evaluate_user = strategies, desk, evaluate_user

    def __call__(
        self, user_id: str, strategy: str, actor: str, *, arm: str | None = None, command_id: str = ""
    ) -> TakenIn:
        """arm None: drawn, as for everybody. Under one command_id it happens once.

        Raises UnknownStrategy, StrategyOver, StrategyNotRunning, UnknownArm, UnknownUser, SubjectInHistory,
        AssignmentRefused, UserKeepsMoving.
        """
        view = self._strategies.view(strategy)
        if view.status in ("ended", "retired"):
            raise StrategyOver(f"Strategy {strategy}", view.status)
        arms = list(StrategySpec.model_validate(view.spec).treatments)
        if arm is not None and arm not in arms:
            raise UnknownArm(strategy, arm, arms)
        if strategy not in self._desk.started().running:
            raise StrategyNotRunning(strategy, view.status)
        subject_id, now = self._desk.subject_of(user_id), self._strategies.now()
        cause = Cause("hand", command_id or uuid4().hex, now)
        wanted = Wanted(strategy, subject_id, cause, actor, command_id, by_hand=True, arm=arm)
        outcome = once_settled(
            lambda: self._desk.take_in([wanted])[0],
            lambda one: isinstance(one, Undecided),
            self._evaluate_user,
            user_id,
        )
        if isinstance(outcome, LeftOut):
            raise AssignmentRefused(user_id, strategy, outcome.reason, outcome.detail)
        assert isinstance(outcome, TakenIn)
        return outcome


class EndAssignment:
    """What was still to be done is not done. The arm stays what it is, should the user come again."""

    def __init__(self, desk: AssignmentDesk, evaluate_user: EvaluateUser) -> None:
        self._desk, self._evaluate_user = desk, evaluate_user

    def __call__(self, user_id: str, strategy: str, actor: str, *, reason: str = "", command_id: str = "") -> str:
        """The assignment's id. Raises UnknownUser, UnknownAssignment, SubjectInHistory, UserKeepsMoving."""
        self._desk.subject_of(user_id)
        row = self._desk.live_of(user_id, strategy)
        if row is None:
            raise UnknownAssignment(user_id, strategy)
        once_settled(
            lambda: self._desk.end([row.assignment_id], reason or "by-hand", actor, command_id),
            bool,
            self._evaluate_user,
            user_id,
        )
        return row.assignment_id.hex


class EndAssignments:
    """Those whose time is up, or whose strategy has ended: a worker's use case."""

    def __init__(self, desk: AssignmentDesk, settle: Settle) -> None:
        self._desk, self._settle = desk, settle

    def __call__(self) -> int:
        """How many were ended; 0 when none is left that can be. Call it until then."""
        ending, left = self._desk.ending(_AT_ONCE), 0
        for reason in dict.fromkeys(reason for _, reason in ending):
            undecided = self._desk.end([one for one, why in ending if why == reason], reason, TIMER)
            left += len(undecided)
            for user in undecided:
                self._settle(user.user_id)
        return len(ending) - left


def once_settled(
    command: Callable[[], T], undecided: Callable[[T], bool], evaluate_user: EvaluateUser, user_id: str
) -> T:
    """Carry a command out on a user about whom nothing is due. Raises UserKeepsMoving."""
    for _ in range(_ATTEMPTS):
        outcome = command()
        if not undecided(outcome):
            return outcome
        evaluate_user(user_id)
    raise UserKeepsMoving(user_id)
