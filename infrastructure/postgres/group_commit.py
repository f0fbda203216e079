"""Group commit: concurrent small transactions of one process become one."""

import time
from collections.abc import Callable, Sequence
from threading import Condition, Lock
from typing import Generic, TypeVar

from psycopg_pool import PoolTimeout

T = TypeVar("T")
R = TypeVar("R")


_LONGEST_LINGER = 0.002  # seconds


class _Ticket(Generic[T, R]):
    """One submitted item and what became of it."""

    __slots__ = ("error", "item", "result", "settled")

    def __init__(self, item: T) -> None:
        self.item = item
        self.result: R | None = None
        self.error: BaseException | None = None
        self.settled = False


class GroupCommit(Generic[T, R]):
    """Leader and followers. The first thread in runs what queued up meanwhile as one batch, in its own thread.

    A lone thread never waits for company. After a batch of many the next leader lets those who were in it come back,
    for at most a quarter of the time that the batch took: else it would go alone, and all others behind it.

    run_batch runs items as one transaction and answers a result or an exception for each, in order. When it raises
    for more than one item, each is run again alone, so that a bad item harms only itself; run_batch must therefore
    leave nothing behind when it raises. When no connection is to be had, all have that error at once, instead of
    waiting for one in turn. An ambiguous commit makes the second run meet its own first one: items carry ids by which
    that is told.
    """

    def __init__(self, run_batch: Callable[[list[T]], Sequence[R | BaseException]], max_batch: int = 200) -> None:
        self._run_batch = run_batch
        self._max_batch = max_batch
        self._queue: list[_Ticket[T, R]] = []
        self._leading = False
        self._expected = 1
        self._linger = 0.0
        lock = Lock()
        self._turn = Condition(lock)
        self._arrival = Condition(lock)

    def submit(self, item: T) -> R:
        """Run the item, together with others that wait, and answer its result or raise its exception."""
        ticket: _Ticket[T, R] = _Ticket(item)
        with self._turn:
            self._queue.append(ticket)
            self._arrival.notify()
            while self._leading and not ticket.settled:
                self._turn.wait()
            if not ticket.settled:
                self._leading = True
        if not ticket.settled:
            self._lead(ticket)
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]

    def _lead(self, own: _Ticket[T, R]) -> None:
        """Run batches until the own ticket is settled, then let the next waiting thread lead."""
        try:
            while not own.settled:
                with self._arrival:
                    self._arrival.wait_for(lambda: len(self._queue) >= self._expected, self._linger)
                    batch, self._queue = self._queue[: self._max_batch], self._queue[self._max_batch :]
                started = time.perf_counter()
                self._settle(batch)
                with self._turn:
                    self._expected = len(batch)
                    self._linger = min((time.perf_counter() - started) / 4, _LONGEST_LINGER)
                    self._turn.notify_all()
        finally:
            with self._turn:
                self._leading = False
                self._turn.notify_all()

    def _settle(self, batch: list[_Ticket[T, R]]) -> None:
        try:
            outcomes = self._run_batch([ticket.item for ticket in batch])
            if len(outcomes) != len(batch):
                raise RuntimeError(f"run_batch answered {len(outcomes)} outcomes for {len(batch)} items")
        except BaseException as error:
            if len(batch) > 1 and isinstance(error, Exception) and not isinstance(error, PoolTimeout):
                self._settle_alone(batch)
                return
            outcomes = [error] * len(batch)
        for ticket, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                ticket.error = outcome
            else:
                ticket.result = outcome
            ticket.settled = True

    def _settle_alone(self, batch: list[_Ticket[T, R]]) -> None:
        for number, ticket in enumerate(batch):
            self._settle([ticket])
            if isinstance(ticket.error, PoolTimeout):
                for waiting in batch[number + 1 :]:
                    waiting.error, waiting.settled = ticket.error, True
                return
