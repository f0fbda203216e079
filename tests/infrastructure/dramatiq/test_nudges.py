"""Nudges over a real broker: they wake, a storm is one message, and a broker that is down costs nobody anything."""

import threading
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from infrastructure.dramatiq.nudges import EVALUATOR, QUEUE, NudgeReceiver, Nudges


class Wakes:
    """Counts, and lets a test wait for the next one."""

    def __init__(self) -> None:
        self.count, self._came = 0, threading.Semaphore(0)

    def __call__(self) -> None:
        self.count += 1
        self._came.release()

    def came(self) -> bool:
        return self._came.acquire(timeout=10)


@pytest.fixture
def nudges(broker_url: str) -> Iterator[Nudges]:
    nudges = Nudges(broker_url)
    yield nudges
    nudges.close()


def waiting(broker_url: str) -> int:
    with Redis.from_url(broker_url) as client:
        return client.llen(f"dramatiq:{QUEUE}")


def test_each_actor_wakes_its_own(broker_url: str, nudges: Nudges) -> None:
    evaluator, projectors = Wakes(), Wakes()
    receiver = NudgeReceiver(broker_url, evaluator, projectors)
    receiver.start()
    try:
        nudges.evaluator()
        assert evaluator.came()
        nudges.projectors()
        assert projectors.came()
        nudges.evaluator()
        assert evaluator.came()
        assert (evaluator.count, projectors.count) == (2, 1)
    finally:
        receiver.stop()


def test_a_storm_is_one_message(broker_url: str, nudges: Nudges) -> None:
    for _ in range(100):
        nudges.evaluator()
    assert waiting(broker_url) == 1


def test_a_lost_message_blocks_the_next_ones_for_a_few_seconds_only(broker_url: str, nudges: Nudges) -> None:
    nudges.evaluator()
    with Redis.from_url(broker_url) as client:
        assert 0 < client.pttl(f"tierline:nudged:{EVALUATOR}") <= 5_000


def test_what_waited_while_nobody_worked_is_dropped(broker_url: str, nudges: Nudges) -> None:
    nudges.evaluator()
    evaluator = Wakes()
    receiver = NudgeReceiver(broker_url, evaluator, evaluator)
    receiver.start()
    try:
        assert waiting(broker_url) == 0
        nudges.evaluator()  # and the mark of the dropped one does not swallow this
        assert evaluator.came()
    finally:
        receiver.stop()


def test_a_broker_that_is_down_raises_nothing_and_soon_costs_nothing() -> None:
    nudges = Nudges("redis://127.0.0.1:9/0")
    nudges.evaluator()
    began = time.perf_counter()
    for _ in range(1_000):
        nudges.evaluator()
        nudges.projectors()
    assert time.perf_counter() - began < 0.5
