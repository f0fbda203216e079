"""A whole worker over real servers: what is decided shows, in both stores, and the lag is told."""

import threading
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from infrastructure.dramatiq.nudges import NudgeReceiver, Nudges
from infrastructure.redis.boards import Heartbeat, RedisBoard, live_workers
from interfaces.worker.worker import Worker
from projections.lag import LagReader
from projections.read_models import ReadModels
from projections.user_card.view import UserCardView
from projections.user_search.view import UserSearchView
from tests.projections.written_log import WrittenLog


class Due:
    """Users who wait to be decided, and an evaluator that decides them all at once."""

    def __init__(self, log: WrittenLog) -> None:
        self._log, self._lock = log, threading.Lock()
        self._tiers: dict[str, str] = {}

    def add(self, **tiers: str) -> None:
        with self._lock:
            self._tiers |= tiers

    def decide(self, *, recorded: Callable[[], None]) -> int:
        with self._lock:
            tiers, self._tiers = self._tiers, {}
        if tiers:
            self._log.decide(tiers)
            recorded()
        return len(tiers)


@pytest.fixture
def due(log: WrittenLog) -> Due:
    return Due(log)


@pytest.fixture
def worker(due: Due, models: ReadModels, broker_url: str) -> Iterator[threading.Event]:
    stop = threading.Event()
    with Redis.from_url(broker_url) as broker:
        worker = Worker(
            due.decide,
            models,
            Heartbeat(broker).beat,
            lambda evaluator, projectors: NudgeReceiver(broker_url, evaluator, projectors),
            list,
            lambda: False,
            {},
        )
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        yield stop
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


def soon(holds: Callable[[], object]) -> bool:
    """Whether it comes to hold within 20 seconds."""
    wait = threading.Event()
    return any(holds() or wait.wait(0.02) for _ in range(1_000))


def test_what_is_due_is_decided_and_shown(
    worker: threading.Event,
    due: Due,
    cards: UserCardView,
    search: UserSearchView,
    models: ReadModels,
    redis: Redis,
    broker_url: str,
) -> None:
    nudges = Nudges(broker_url)
    due.add(ann="low", bob="high")
    nudges.evaluator()
    assert soon(lambda: cards.read("bob"))
    assert soon(lambda: all(one.position >= one.head > 0 for one in models.status()))
    assert search.search({"term": {"tiers.value": "high"}}).total == 1
    lags = LagReader(RedisBoard(redis)).lags
    assert soon(lambda: all(one.lag_seconds == 0 and one.position > 0 for one in lags().values()) and len(lags()) == 3)
    with Redis.from_url(broker_url) as broker:
        assert len(live_workers(broker)) == 1
    nudges.close()


def test_a_lost_nudge_is_swept_up(worker: threading.Event, due: Due, cards: UserCardView) -> None:
    due.add(ann="low")
    assert soon(lambda: cards.read("ann"))


def test_a_dropped_redis_fills_again_by_itself(
    worker: threading.Event, due: Due, cards: UserCardView, redis: Redis
) -> None:
    due.add(ann="low")
    assert soon(lambda: cards.read("ann"))
    redis.flushdb()
    assert soon(lambda: cards.read("ann"))
