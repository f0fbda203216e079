"""Nudges: messages without data that wake the workers. One may be lost or come twice; the log and the sweeper cover it.

A storm of nudges is one message: whoever sends sets a short-lived mark, and while it stands the message waits already.
The worker takes the mark away before it works, so what is written after that sends a new one.
"""

import time
from collections.abc import Callable

import dramatiq
import structlog
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import BrokerError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

QUEUE = "nudges"
EVALUATOR = "nudge_evaluator"
PROJECTORS = "nudge_projectors"

_MARK_MS = 5_000
_PATIENCE_SECONDS = 0.5  # of somebody who answers a request meanwhile
_REST_SECONDS = 1.0  # after a failure: the sweeper is as quick
_POLL_MS = 50

_log = structlog.get_logger(__name__)


class Nudges:
    """The sender, for after a commit. Never raises: with the broker down, the workers' sweepers find the work."""

    def __init__(self, broker_url: str) -> None:
        """Opens nothing until the first nudge."""
        self._redis = Redis.from_url(
            broker_url,
            socket_timeout=_PATIENCE_SECONDS,
            socket_connect_timeout=_PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 1),
        )
        self._broker = _broker(self._redis)
        self._rest_until = 0.0

    def evaluator(self) -> None:
        """Somebody is due."""
        self._send(EVALUATOR)

    def projectors(self) -> None:
        """The log has grown."""
        self._send(PROJECTORS)

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()

    def _send(self, actor: str) -> None:
        if time.monotonic() < self._rest_until:
            return
        try:
            if self._redis.set(_mark(actor), b"1", nx=True, px=_MARK_MS):
                self._broker.enqueue(
                    dramatiq.Message(queue_name=QUEUE, actor_name=actor, args=(), kwargs={}, options={})
                )
        except (RedisError, BrokerError, OSError) as error:
            self._rest_until = time.monotonic() + _REST_SECONDS
            _log.warning(
                "nudge_not_sent", actor=actor, error=str(error), remedy="the sweeper finds the work in a second"
            )


class NudgeReceiver:
    """The worker's end: Dramatiq's threads, which do nothing but wake. Its callbacks must not block."""

    def __init__(
        self, broker_url: str, wake_evaluator: Callable[[], None], wake_projectors: Callable[[], None]
    ) -> None:
        self._redis = Redis.from_url(broker_url, socket_connect_timeout=2.0, socket_timeout=5.0)
        self._broker = _broker(self._redis)
        self._declare(EVALUATOR, wake_evaluator)
        self._declare(PROJECTORS, wake_projectors)
        self._worker = dramatiq.Worker(self._broker, worker_timeout=_POLL_MS, worker_threads=2)

    def start(self) -> None:
        """Take nudges from now on. Those that waited while nobody worked are dropped: a worker begins with a sweep."""
        try:
            self._broker.flush(QUEUE)
            self._redis.delete(_mark(EVALUATOR), _mark(PROJECTORS))
        except (RedisError, BrokerError) as error:
            _log.warning(
                "nudges_not_flushed", error=str(error), remedy="they are taken one by one once the broker answers"
            )
        self._worker.start()

    def stop(self) -> None:
        """Finish what is being taken, and let go of the connections."""
        self._worker.stop(timeout=5_000)
        self._broker.close()
        self._redis.close()

    def _declare(self, name: str, wake: Callable[[], None]) -> None:
        def nudged() -> None:
            self._redis.delete(_mark(name))
            wake()

        dramatiq.actor(actor_name=name, queue_name=QUEUE, broker=self._broker)(nudged)


def _broker(redis: Redis) -> RedisBroker:
    # No middleware: a nudge is never retried, delayed, timed or kept.
    broker = RedisBroker(client=redis, middleware=[])
    broker.declare_queue(QUEUE)
    return broker


def _mark(actor: str) -> str:
    return f"tierline:nudged:{actor}"
