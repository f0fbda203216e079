"""A loop works when woken, by itself once its rest is over, and again after a fault."""

import threading
import time

from interfaces.worker.loops import Loop

LONG = 60.0


class Work:
    """Answers a rest, and tells when it was called."""

    def __init__(self, *rests: float | Exception) -> None:
        self._rests, self.calls, self._called = list(rests), 0, threading.Semaphore(0)

    def __call__(self) -> float:
        self.calls += 1
        self._called.release()
        rest = self._rests.pop(0) if self._rests else LONG
        if isinstance(rest, Exception):
            raise rest
        return rest

    def called(self) -> bool:
        return self._called.acquire(timeout=10)


def ended(loop: Loop) -> bool:
    loop.stop()
    return loop.join(10)


def test_it_begins_by_itself_and_then_waits_to_be_woken() -> None:
    work = Work()
    loop = Loop("test", work)
    loop.start()
    assert work.called()
    loop.wake()
    assert work.called()
    assert ended(loop)
    assert work.calls == 2


def test_it_goes_on_at_once_while_there_is_more() -> None:
    work = Work(0, 0, 0)
    loop = Loop("test", work)
    loop.start()
    assert all(work.called() for _ in range(4))
    assert ended(loop)


def test_it_looks_again_after_its_rest() -> None:
    work = Work(0.01)
    loop = Loop("test", work)
    loop.start()
    assert work.called()
    assert work.called()
    assert ended(loop)


def test_a_fault_is_tried_again() -> None:
    work = Work(ConnectionError("away"), ConnectionError("away"))
    loop = Loop("test", work)
    loop.start()
    assert all(work.called() for _ in range(3))
    assert ended(loop)


def test_a_wake_during_the_work_counts() -> None:
    started, go_on = threading.Event(), threading.Event()
    calls = []

    def work() -> float:
        calls.append(1)
        started.set()
        assert go_on.wait(10)
        return LONG if len(calls) < 2 else done.set() or LONG

    done = threading.Event()
    loop = Loop("test", work)
    loop.start()
    assert started.wait(10)
    loop.wake()
    go_on.set()
    assert done.wait(10)
    assert ended(loop)


def test_a_storm_of_wakes_while_there_is_nothing_to_do_is_one_call() -> None:
    work = Work()
    loop = Loop("test", work, idle_seconds=0.5)
    began = time.monotonic()
    loop.start()
    assert work.called()
    for _ in range(100):
        loop.wake()
    assert work.called()
    assert time.monotonic() - began >= 0.5
    assert ended(loop)
    assert work.calls == 2


def test_while_there_is_more_to_do_nobody_waits_for_the_idle_rest() -> None:
    work = Work(0, 0, 0)
    loop = Loop("test", work, idle_seconds=LONG)
    loop.start()
    assert all(work.called() for _ in range(4))
    assert ended(loop)
