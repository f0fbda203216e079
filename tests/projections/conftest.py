"""A log of one's own, and read models over it on real servers."""

from collections.abc import Iterator

import pytest
from opensearchpy import OpenSearch
from redis import Redis

from infrastructure.event_store.tail import LogTail
from infrastructure.opensearch.client import open_opensearch
from infrastructure.postgres.pool import Pool, open_pool
from infrastructure.read_models.ledger import PostgresLedger
from infrastructure.read_models.wiring import build_read_models
from infrastructure.redis.client import open_redis
from projections.read_models import ReadModels
from projections.transitions.view import TransitionsView
from projections.user_card.view import UserCardView
from projections.user_search.view import UserSearchView
from tests.projections.written_log import WrittenLog


@pytest.fixture
def pool(database: str) -> Iterator[Pool]:
    pool = open_pool(database)
    yield pool
    pool.close()


@pytest.fixture
def log(pool: Pool) -> WrittenLog:
    return WrittenLog(pool)


@pytest.fixture
def tail(log: WrittenLog) -> LogTail:
    return log.tail


@pytest.fixture
def ledger(pool: Pool) -> PostgresLedger:
    return PostgresLedger(pool)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = open_redis(redis_url)
    yield client
    client.close()


@pytest.fixture
def search_client(opensearch) -> Iterator[OpenSearch]:
    client = open_opensearch(opensearch.url)
    yield client
    client.close()


@pytest.fixture
def models(pool: Pool, tail: LogTail, redis: Redis, search_client: OpenSearch, opensearch) -> ReadModels:
    return build_read_models(pool, tail, redis, search_client, opensearch.prefix)


@pytest.fixture
def cards(redis: Redis) -> UserCardView:
    return UserCardView(redis)


@pytest.fixture
def search(search_client: OpenSearch, opensearch) -> UserSearchView:
    return UserSearchView(search_client, opensearch.prefix)


@pytest.fixture
def transitions(search_client: OpenSearch, opensearch) -> TransitionsView:
    return TransitionsView(search_client, opensearch.prefix)
