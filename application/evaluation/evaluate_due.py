"""Decide whoever is due: the worker's use case."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic
from typing import TypeVar

from application.evaluation.ports import EvaluationLedger, TakenWork, Undecidable
from domain.refusal import Complaint, Refusal
from domain.user_tier.decide import decide

MICRO_BATCH = 500
BEHIND_BATCH = 1_000
_BESIDE_BATCH = 250  # of whom an activation has to reach, while more are due than are decided at once
HISTORY_BATCH = 250
_SHARE_OF_OTHERS = 0.05

T = TypeVar("T")


class UsersSetAside(Refusal):
    """Nobody is left to decide but users who cannot be."""

    def __init__(self, users: int) -> None:
        remedy = "see subjects_set_aside in the log for each; mend what it tells, and run this again"
        super().__init__(f"{users} users cannot be decided; all others are.", Complaint("users", users, remedy))


class EvaluateDue:
    """Decides one micro-batch of who is due, then of whom an activation has to reach, or of sealed history.

    While more are due than are decided at once the others get a twentieth of the time: an activation does not hold up
    facts, and is not held up for good.

    Who cannot be decided holds nobody else up: a batch that fails is halved, and whoever fails alone is set aside.
    """

    def __init__(self, ledger: EvaluationLedger) -> None:
        self._ledger = ledger
        self._on_due = self._on_others = 0.0  # seconds, since nothing was due last
        self._on_last_others = 0.0

    def __call__(self, limit: int = MICRO_BATCH, recorded: Callable[[], None] = lambda: None) -> int:
        """How many subjects were decided; 0 when nothing is left to do. Call it until then.

        recorded: told as soon as something stands in the log, before whatever else there is to do.
        """
        began = monotonic()
        due = self._isolating(lambda size: self._decided(self._ledger.take_due(size), recorded)[0], limit)
        reached = monotonic()
        self._on_due += reached - began
        if due == limit and self._on_others + self._on_last_others > _SHARE_OF_OTHERS * self._on_due:
            return due
        behind = _BESIDE_BATCH if due == limit else BEHIND_BATCH
        others = (
            self._isolating(lambda size: self._decided(self._ledger.take_behind(size), recorded)[0], behind)
            or self.decide_history(recorded=recorded)[0]
        )
        self._on_last_others = monotonic() - reached
        self._on_others += self._on_last_others
        if not due:
            self._on_due = self._on_others = 0.0
        return due + others

    def decide_history(
        self, limit: int = HISTORY_BATCH, recorded: Callable[[], None] = lambda: None
    ) -> tuple[int, int]:
        """One batch of sealed history. (subjects, decided instants); (0, 0) when none waits."""
        return self._isolating(lambda size: self._decided(self._ledger.take_history(size), recorded), limit)

    def require_progress(self, waiting: int) -> None:
        """For who waits until nobody waits any more. Raises UsersSetAside when that cannot come about."""
        if 0 < waiting <= self._ledger.aside():
            raise UsersSetAside(waiting)

    def _isolating(self, decide_batch: Callable[[int], T], limit: int) -> T:
        while True:
            try:
                return decide_batch(limit)
            except Undecidable as fault:
                if len(fault.subject_ids) == 1:
                    self._ledger.set_aside(fault)
                limit = max(1, len(fault.subject_ids) // 2)

    def _decided(
        self, taking: AbstractContextManager[TakenWork | None], recorded: Callable[[], None]
    ) -> tuple[int, int]:
        """Subjects, and decided instants."""
        with taking as taken:
            if taken is None:
                return 0, 0
            work = taken.work
            result = decide(work.subjects, work.table, work.forces, work.now)
            taken.record(result)
            recorded()
            return len(work.subjects), result.instants
