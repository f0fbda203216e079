"""Small values that processes leave for one another in Redis: the lag report, and who is alive."""

import os
import socket
import time
from contextlib import suppress
from typing import Any, cast

import msgspec
from redis import Redis
from redis.exceptions import RedisError

LAG_KEY = "tierline:lag"
_WORKER_PREFIX = "tierline:worker:"
_ALIVE_SECONDS = 5


class RedisBoard:
    """Fulfils projections.lag.ReportBoard."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def put(self, report: bytes) -> None:
        """Replace the report."""
        self._redis.set(LAG_KEY, report)

    def get(self) -> bytes | None:
        """The last report, or None."""
        return cast("bytes | None", self._redis.get(LAG_KEY))


class Heartbeat:
    """Says that this worker lives; unsaid for five seconds, it does not."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._key = f"{_WORKER_PREFIX}{socket.gethostname()}:{os.getpid()}"
        self._started_at = time.time()

    def beat(self) -> None:
        """Say it."""
        value = {"pid": os.getpid(), "host": socket.gethostname(), "started_at": self._started_at, "at": time.time()}
        self._redis.set(self._key, msgspec.json.encode(value), ex=_ALIVE_SECONDS)

    def stop(self) -> None:
        """Take it back; if that cannot be said either, it runs out by itself."""
        with suppress(RedisError):
            self._redis.delete(self._key)


def live_workers(redis: Redis) -> list[dict[str, Any]]:
    """Workers that said so lately: {pid, host, started_at, at}, times in Unix seconds."""
    values = redis.mget(keys) if (keys := sorted(redis.scan_iter(match=f"{_WORKER_PREFIX}*", count=1_000))) else []
    return [msgspec.json.decode(value) for value in values if value is not None]
