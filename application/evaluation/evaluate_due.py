"""Decide whoever is due: the worker's use case."""

from application.evaluation.ports import EvaluationLedger
from domain.user_tier.decide import decide

MICRO_BATCH = 500
HISTORY_BATCH = 250


class EvaluateDue:
    """Decides one micro-batch: live subjects first, then those of sealed history sessions."""

    def __init__(self, ledger: EvaluationLedger) -> None:
        self._ledger = ledger

    def __call__(self, limit: int = MICRO_BATCH) -> int:
        """How many subjects were decided; 0 when nothing is due. Call it until then."""
        with self._ledger.take_due(limit) as taken:
            if taken is not None:
                work = taken.work
                taken.record(decide(work.subjects, work.table, work.forces, work.now))
                return len(work.subjects)
        return self.decide_history()[0]

    def decide_history(self, limit: int = HISTORY_BATCH) -> tuple[int, int]:
        """One batch of sealed history. (subjects, decided instants); (0, 0) when none waits."""
        with self._ledger.take_history(limit) as taken:
            if taken is None:
                return 0, 0
            work = taken.work
            result = decide(work.subjects, work.table, work.forces, work.now)
            taken.record(result)
            return len(work.subjects), result.instants
