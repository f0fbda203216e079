"""Do for users what strategies have taken them in for: grants, tags, messages, further strategies."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import uuid5

from application.benefits.grant_benefit import grant_id_of
from application.benefits.ports import GrantDesk, Recorded
from application.benefits.ports import Undecided as UndecidedHolder
from application.strategies.ports import Actions, AssignmentDesk, Done, DueAssignment, TakenIn, Wanted
from application.strategies.ports import Undecided as UndecidedUser
from application.strategies.settle_user import Settle
from application.tags.add_tag import AddTag
from domain.benefits.granting import GrantWanted
from domain.refusal import Refusal
from domain.strategies.cause import Cause, actor_of
from domain.strategies.consent import suppressed_action
from domain.strategies.spec import Action, GrantBenefit, Notify, PutTag, StartStrategy

_BATCH = 250
_DAY = 86_400_000_000
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class MessageCap:
    """How many messages one user gets of all strategies together: at most `times` within so many days of 24 hours."""

    times: int
    days: int


class CarryOutActions:
    """A worker's use case. Each action happens once, whoever dies in between: each has a name that follows from its
    assignment. Consent is asked again here, with the profile as it is now."""

    def __init__(
        self,
        actions: Actions,
        desk: AssignmentDesk,
        grants: GrantDesk,
        add_tag: AddTag,
        settle: Settle,
        cap: MessageCap | None = None,
    ) -> None:
        self._actions, self._desk, self._grants = actions, desk, grants
        self._add_tag, self._settle, self._cap = add_tag, settle, cap

    def __call__(self) -> int:
        """How many assignments are done with; 0 when nothing is due that can be done. Call it until then."""
        with self._actions.turn(_BATCH) as turn:
            due = turn.due
            if not due:
                return 0
            for one in due:
                self._suppress(one)
            self._grant(due)
            for one in due:
                self._act(one)
            undecided = turn.record(due)
        for user in undecided:
            self._settle(user.user_id)
        return len(due) - len(undecided)

    def _suppress(self, one: DueAssignment) -> None:
        """What must not be done, and why."""
        sent = 0 if self._cap is None else sum(at > one.now - self._cap.days * _DAY for at in one.messages)
        for number, action in enumerate(one.actions):
            reason: str | None = "trigger-over" if not one.holds else suppressed_action(action, one.attributes)
            if reason is None and isinstance(action, Notify) and self._cap is not None:
                reason = "too-often" if sent >= self._cap.times else None
                sent += 1
            if reason is not None:
                one.done[number] = Done(action, "suppressed", reason=reason)

    def _grant(self, due: Sequence[DueAssignment]) -> None:
        """All of them together; once more for those who had to be decided first."""
        waiting = [(one, number, action) for one, number, action in _open(due) if isinstance(action, GrantBenefit)]
        for again in (True, False):
            if not waiting:
                return
            outcomes = self._grants.grant_many([_wanted(one, number, action) for one, number, action in waiting])
            undecided = []
            for (one, number, action), outcome in zip(waiting, outcomes, strict=True):
                if isinstance(outcome, Recorded):
                    one.done[number] = Done(action, "done", id=outcome.grant.grant_id)
                elif isinstance(outcome, UndecidedHolder):
                    undecided.append((one, number, action))
                else:
                    one.done[number] = Done(action, "refused", reason=reason_of(outcome))
            waiting = undecided
            for one, _, _ in undecided:
                one.waits = not again
                if again:
                    self._settle(one.user_id)

    def _act(self, one: DueAssignment) -> None:
        for _, number, action in _open([one]):
            match action:
                case Notify():
                    message_id = uuid5(one.row.assignment_id, str(number))
                    one.done[number] = Done(action, "done", id=message_id.hex)
                case PutTag():
                    one.done[number] = self._tag(one, number, action)
                case StartStrategy():
                    done = self._start(one, action)
                    one.waits = one.waits or done is None
                    if done is not None:
                        one.done[number] = done

    def _tag(self, one: DueAssignment, number: int, action: PutTag) -> Done:
        until = None if action.days is None else one.now + (action.days.days or 0) * _DAY
        named = {"reason": f"strategy {one.row.strategy}", "command_id": one.name_of(number)}
        try:
            self._add_tag(one.user_id, action.tag, actor_of(one.row.strategy), until=until, **named)
        except Refusal as refusal:
            return Done(action, "refused", reason=reason_of(refusal))
        return Done(action, "done")

    def _start(self, one: DueAssignment, action: StartStrategy) -> Done | None:
        """None: the user has to be decided first."""
        if action.start not in self._desk.started().running:
            return Done(action, "refused", reason="not-running")
        cause = Cause("start", one.row.assignment_id.hex, one.now)
        wanted = Wanted(action.start, one.row.subject_id, cause, actor_of(one.row.strategy))
        (outcome,) = self._desk.take_in([wanted])
        if isinstance(outcome, UndecidedUser):
            self._settle(outcome.user_id)
            (outcome,) = self._desk.take_in([wanted])
        if isinstance(outcome, UndecidedUser):
            return None
        if isinstance(outcome, TakenIn):
            return Done(action, "done", id=outcome.assignment_id.hex)
        return Done(action, "refused", reason=outcome.reason or "not-addressed")


def reason_of(refusal: Refusal) -> str:
    """A refusal's name in words: budget-exhausted."""
    return _WORDS.sub("-", type(refusal).__name__).lower()


def _open(due: Iterable[DueAssignment]) -> Iterable[tuple[DueAssignment, int, Action]]:
    """The actions of which nothing is said yet."""
    for one in due:
        for number, action in enumerate(one.actions):
            if number not in one.done:
                yield one, number, action


def _wanted(one: DueAssignment, number: int, action: GrantBenefit) -> GrantWanted:
    row, name = one.row, one.name_of(number)
    return GrantWanted(
        grant_id=grant_id_of(name),
        user_id=one.user_id,
        benefit=action.grant,
        budgets=tuple(one.budgets),
        cause="strategy",
        causation=row.assignment_id.hex,
        campaign=row.campaign,
        strategy=row.strategy,
        assignment_id=row.assignment_id.hex,
        actor=actor_of(row.strategy),
        command_id=name,
    )
