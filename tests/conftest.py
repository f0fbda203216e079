"""Fixtures for every test. A test gets the servers it names, nothing else: without a name, none can be reached."""

import os
from collections.abc import Iterator

import pytest

from infrastructure.local_stack.stack import LocalStack
from tests.support import servers
from tests.support.servers import SearchSpace

_RUN = servers.Run()


def pytest_configure(config: pytest.Config) -> None:
    """Takes away the caller's servers, and the default home with them: below a device no directory can be made."""
    for name in [name for name in os.environ if name.startswith("TIERLINE_") and name != "TIERLINE_CACHE"]:
        del os.environ[name]
    os.environ["TIERLINE_HOME"] = "/dev/null/a-test-names-the-servers-it-needs"
    if not hasattr(config, "workerinput"):
        _RUN.join()


def pytest_unconfigure(config: pytest.Config) -> None:
    """The controlling process ends last, after Ctrl-C too."""
    if not hasattr(config, "workerinput"):
        _RUN.leave()


@pytest.fixture(scope="session")
def stack() -> LocalStack:
    """The shared stack. Nothing of it runs until a fixture below asks for it."""
    return LocalStack(servers.HOME)


@pytest.fixture(scope="session")
def postgres_server(stack: LocalStack) -> str:
    """DSN of the shared PostgreSQL server, as its superuser."""
    return servers.start(stack, "postgres")


@pytest.fixture(scope="session")
def _template(postgres_server: str) -> str:
    return servers.migrated_template(postgres_server)


@pytest.fixture
def database(postgres_server: str, _template: str) -> Iterator[str]:
    """DSN of a fresh, migrated database of this test's own."""
    with servers.fresh_database(postgres_server, _template) as dsn:
        yield dsn


@pytest.fixture
def other_database(postgres_server: str, _template: str) -> Iterator[str]:
    """DSN of a second one, for tests that compare two installations."""
    with servers.fresh_database(postgres_server, _template) as dsn:
        yield dsn


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """DSN of a fresh database without the schema."""
    with servers.fresh_database(postgres_server) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def _redis(stack: LocalStack) -> Iterator[str]:
    with servers.own_redis_database(servers.start(stack, "redis"), "redis") as url:
        yield url


@pytest.fixture(scope="session")
def _broker(stack: LocalStack) -> Iterator[str]:
    with servers.own_redis_database(servers.start(stack, "broker"), "broker") as url:
        yield url


@pytest.fixture
def redis_url(_redis: str) -> str:
    """URL of an empty database on the Redis of the read models."""
    return servers.empty_redis(_redis)


@pytest.fixture
def broker_url(_broker: str) -> str:
    """URL of an empty database on the Redis of the broker."""
    return servers.empty_redis(_broker)


@pytest.fixture(scope="session")
def _opensearch(stack: LocalStack) -> str:
    return servers.start(stack, "opensearch")


@pytest.fixture
def opensearch(_opensearch: str) -> Iterator[SearchSpace]:
    """A space of this test's own on OpenSearch: `url` and `prefix` for every index and alias it makes."""
    with servers.own_search_space(_opensearch) as space:
        yield space
