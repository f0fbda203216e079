"""Evaluation as it is, but for the last step: ledgers from which work is taken and to which nothing is written."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from application.evaluation.ports import Work
from domain.user_tier.decide import BatchResult
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.postgres.pool import Pool


@dataclass(slots=True)
class Unrecorded:
    """Work whose outcome is looked at, and dropped."""

    work: Work
    result: BatchResult | None = None

    def record(self, result: BatchResult) -> int:
        """Keep it for who asks."""
        self.result = result
        return 0


class LiveUnrecorded:
    """Takes who is due as the ledger does, under the same locks; they stay due. last: what was taken and decided."""

    def __init__(self, ledger: PostgresEvaluationLedger) -> None:
        self._ledger = ledger
        self.last: Unrecorded | None = None

    @contextmanager
    def take_due(self, limit: int) -> Iterator[Unrecorded | None]:
        with self._ledger.take_due(limit) as taken:
            self.last = Unrecorded(taken.work) if taken is not None else None
            yield self.last

    @contextmanager
    def take_behind(self, limit: int) -> Iterator[None]:
        """Nobody: no activation is measured here."""
        yield None

    @contextmanager
    def take_history(self, limit: int) -> Iterator[None]:
        """Nobody: nor is history."""
        yield None


class HistoryUnrecorded:
    """Takes sealed history like the ledger itself. Nothing of it is written, but that its subjects wait no more."""

    def __init__(self, ledger: PostgresEvaluationLedger, pool: Pool) -> None:
        self._ledger, self._pool = ledger, pool
        self.taken: list[Work] = []

    @contextmanager
    def take_history(self, limit: int) -> Iterator[Unrecorded | None]:
        with self._ledger.take_history(limit) as taken:
            if taken is None:
                yield None
                return
            yield Unrecorded(taken.work)
            self.taken.append(taken.work)
            with self._pool.connection() as connection:
                ids = [subject.subject_id for subject in taken.work.subjects]
                connection.execute("update timelines set history_id = null where subject_id = any(%s)", (ids,))


class InMemory:
    """Work read beforehand, each batch once."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._waiting = list(works)

    @contextmanager
    def take_history(self, limit: int) -> Iterator[Unrecorded | None]:
        yield Unrecorded(self._waiting.pop()) if self._waiting else None
