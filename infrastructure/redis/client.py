"""Connections to Redis: every wait finite, and a broken connection made anew before it is used."""

from typing import Any

import redis.asyncio
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

_TIMES: dict[str, Any] = {"socket_connect_timeout": 2.0, "socket_timeout": 5.0, "health_check_interval": 15}


def open_redis(url: str) -> Redis:
    """A client with a pool of its own, answering in bytes. Opens nothing until it is used."""
    client: Redis = Redis.from_url(url, retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 3), **_TIMES)
    return client


def open_async_redis(url: str) -> redis.asyncio.Redis:
    """The same for an event loop."""
    client: redis.asyncio.Redis = redis.asyncio.Redis.from_url(url, **_TIMES)
    return client
