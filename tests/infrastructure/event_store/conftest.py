from collections.abc import Iterator

import pytest

from infrastructure.postgres.pool import open_pool
from tests.infrastructure.event_store.world import World


@pytest.fixture
def world(database: str) -> Iterator[World]:
    with open_pool(database, 1, 24, name="test") as pool:
        yield World(database, pool)
