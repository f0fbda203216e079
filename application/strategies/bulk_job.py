"""One share of a bulk assignment: looked at, done, or taken back. Cut off, it goes on where it was."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from application.runs.ports import Finding, Part, RunTaken
from application.strategies.bulk_ports import BulkAssignment, BulkLedger, Seen, Taken, Taking
from application.strategies.ports import AssignmentDesk, Started
from application.strategies.settle_user import Settle
from domain.strategies.admission import (
    Assigned,
    Person,
    Running,
    Skipped,
    admit,
    are_addressed,
    assign_by_hand,
    in_audience,
    is_addressed,
)
from domain.strategies.cause import Cause, actor_of

_AT_ONCE = 1_000
_FIRST, _SMALLEST, _LARGEST = 500, 200, 2_000
_HOLD_SECONDS = 0.03  # for how long others may not write, as told before the commit; 0.05 with it
_SAMPLE = 5  # of each outcome, a part


@dataclass(slots=True)
class _Counts:
    """What became of the users of a part."""

    assigned: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    not_addressed: int = 0
    undecided: int = 0
    ended: int = 0

    @classmethod
    def of(cls, result: Any) -> "_Counts":
        """As kept with the part."""
        assigned, held, skipped = (Counter(result.get(name, {})) for name in ("assigned", "held", "skipped"))
        others = (int(result.get(name, 0)) for name in ("not_addressed", "undecided", "ended"))
        return cls(assigned, held, skipped, *others)

    def to_json(self) -> dict[str, Any]:
        """To keep."""
        return {
            "assigned": dict(self.assigned),
            "held": dict(self.held),
            "skipped": dict(self.skipped),
            "not_addressed": self.not_addressed,
            "undecided": self.undecided,
            "ended": self.ended,
        }

    def add(self, taken: Taken) -> None:
        """What became of further ones."""
        for (arm, holdout), users in Counter(taken.assigned).items():
            self.took(arm, holdout, users)
        self.skipped.update(taken.skipped)
        self.not_addressed += taken.not_addressed

    def took(self, arm: str | None, holdout: str, users: int = 1) -> None:
        """So many more are taken in."""
        if arm is None:
            self.held[holdout] += users
        else:
            self.assigned[arm] += users


class BulkAssignmentJob:
    """Does a part, from where it was left."""

    def __init__(self, ledger: BulkLedger, desk: AssignmentDesk, settle: Settle) -> None:
        self._ledger, self._desk, self._settle = ledger, desk, settle
        self._size = _FIRST

    def __call__(self, part: Part) -> None:
        """Ends early when the bulk is cancelled; lets go of the part while it rests. Raises RunTaken."""
        bulk, counts = self._ledger.get(part.parameters["bulk_id"]), _Counts.of(part.result)
        done, total = int(part.result.get("done", 0)), self._ledger.count(bulk, part.number, part.parts)
        while self._goes_on(part):
            last, size, findings = self._step(part, bulk, counts)
            if last is None:
                part.keep(total, total, part.after, counts.to_json() | {"done": done})
                return
            done += size
            part.keep(done, max(total, done), last, counts.to_json() | {"done": done}, findings)

    def _step(self, part: Part, bulk: BulkAssignment, counts: _Counts) -> tuple[UUID | None, int, list[Finding]]:
        """The last of the next ones, None when nobody is left; how many they were; and what was found."""
        mode, place = part.parameters["mode"], (bulk, part.after, part.number, part.parts)
        if mode == "revert":
            return self._revert(part, bulk, counts), 0, []
        if mode == "preview":
            people = self._ledger.candidates(*place, _AT_ONCE)
            last = people[-1].subject_id if people else None
            return last, len(people), self._looked(bulk, people, counts)
        seen = self._ledger.seen(*place, self._size)
        if seen:
            self._assign(bulk, seen, part, counts)
        return seen[-1].subject_id if seen else None, len(seen), []

    def _goes_on(self, part: Part) -> bool:
        state = self._ledger.get(part.parameters["bulk_id"]).state
        if state == "paused" and part.parameters["mode"] == "assign":
            raise RunTaken
        return state != "cancelled" or part.parameters["mode"] == "preview"

    def _looked(self, bulk: BulkAssignment, people: Sequence[Person], counts: _Counts) -> list[Finding]:
        """What would become of them now."""
        started, now = self._desk.started(), self._ledger.now()
        running = self._running(bulk, started)
        findings: list[Finding] = []
        for person in people:
            outcome = self._outcome(bulk, running, person, started, now)
            told: dict[str, Any] = {"outcome": "not-addressed"}
            seen = counts.not_addressed
            if isinstance(outcome, Assigned):
                counts.took(outcome.arm, outcome.holdout)
                told = {"outcome": "assigned", "arm": outcome.arm, "holdout": outcome.holdout or None}
                seen = counts.assigned[outcome.arm] if outcome.arm else counts.held[outcome.holdout]
            elif isinstance(outcome, Skipped):
                counts.skipped[outcome.reason] += 1
                told = {"outcome": "skipped", "reason": outcome.reason}
                seen = counts.skipped[outcome.reason]
            else:
                counts.not_addressed += 1
            if seen <= _SAMPLE and outcome is not None:
                findings.append((person.subject_id, told))
        return findings

    def _outcome(
        self, bulk: BulkAssignment, running: Running, person: Person, started: Started, now: int
    ) -> Assigned | Skipped | None:
        cause = _cause(bulk, now)
        if not bulk.wanted.by_hand:
            if not in_audience(running, person.observation, started.calendars, now):
                return None
            return admit(running, person, cause, started.calendars, now)
        if not is_addressed(running, person.observation, started.calendars, now):
            return None
        return assign_by_hand(running, person, cause, bulk.wanted.arm, now)

    def _assign(self, bulk: BulkAssignment, seen: Sequence[Seen], part: Part, counts: _Counts) -> None:
        """Whom it is for is looked at without a lock; under it, whoever has changed is asked again."""
        started, now = self._desk.started(), self._ledger.now()
        running = self._running(bulk, started)
        addressed = are_addressed(running, [one.observation for one in seen], started.calendars, now)
        chosen = [one for one, is_meant in zip(seen, addressed, strict=True) if is_meant]
        counts.not_addressed += len(seen) - len(chosen)
        actor = actor_of(bulk.wanted.strategy) if bulk.wanted.round is not None else part.parameters["actor"]
        taking = Taking(bulk.wanted, _cause(bulk, now), actor, part.run_id)
        for again in (True, False):  # once more for those who had to be decided first
            if not chosen:
                return
            taken = self._ledger.take_in(taking, running, chosen)
            counts.add(taken)
            self._fit(len(chosen), taken.held)
            chosen = [one for _, one in taken.undecided]
            for user_id, _ in taken.undecided if again else ():
                self._settle(user_id)
        counts.undecided += len(chosen)

    def _fit(self, users: int, held: float) -> None:
        """Grow slowly, shrink at once: the bound is on the worst chunk, not on the average."""
        if held:
            fitting = users * _HOLD_SECONDS / max(held, 0.001)
            self._size = int(min(max(min(fitting, self._size * 1.5), _SMALLEST), _LARGEST))

    def _revert(self, part: Part, bulk: BulkAssignment, counts: _Counts) -> UUID | None:
        assignments = self._ledger.assigned(bulk, part.after, part.number, part.parts, _AT_ONCE // 2)
        if not assignments:
            return None
        for _ in range(2):
            undecided = self._desk.end(assignments, "reverted", part.parameters["actor"])
            for user in undecided:
                self._settle(user.user_id)
        counts.ended += len(assignments)
        return assignments[-1]

    def _running(self, bulk: BulkAssignment, started: Started) -> Running:
        """The strategy as it runs (or would), for those who are chosen here."""
        running = started.running.get(bulk.wanted.strategy) or self._desk.as_if_started(bulk.wanted.strategy)
        if not bulk.wanted.by_hand:
            return running
        condition = self._ledger.condition(bulk.wanted.condition) if bulk.wanted.condition else None
        return replace(running, where=condition, joins=None)


def _cause(bulk: BulkAssignment, now: int) -> Cause:
    """A round's instant names it; a bulk is named by its id, so that going on assigns nobody twice."""
    if bulk.wanted.round is not None:
        return Cause("every", f"{bulk.wanted.strategy}@{bulk.wanted.round}", bulk.wanted.round)
    return Cause("bulk", bulk.bulk_id, now)
