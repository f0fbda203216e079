"""One embedded stack for all test runs of this checkout, and a space of its own on each server for every test.

The stack lives in `.tierline-test/` and is shared by xdist workers and by runs at the same time: each run holds a
shared lock while it lasts, and whoever ends last stops the servers and removes their data.
"""

import fcntl
import os
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

import psycopg
import pytest
import redis
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from infrastructure.local_stack.addresses import locked
from infrastructure.local_stack.redis import DATABASES
from infrastructure.local_stack.stack import LocalStack
from infrastructure.postgres.migrate import migrate

CHECKOUT = Path(__file__).parents[2]
HOME = CHECKOUT / ".tierline-test"
_MIGRATIONS = CHECKOUT / "infrastructure" / "postgres" / "migrations"


class Run:
    """This test run's share of the stack, from `join` to `leave`."""

    def __init__(self) -> None:
        self._lock: IO[str] | None = None

    def join(self) -> None:
        """Keeps other runs from stopping the servers."""
        HOME.mkdir(exist_ok=True)
        self._lock = (HOME / "runs.lock").open("a")
        fcntl.flock(self._lock, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Stops the servers and removes their data, unless another run is using them."""
        if self._lock is None:
            return
        with self._lock as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            LocalStack(HOME).down()
            shutil.rmtree(HOME / "stack", ignore_errors=True)


def start(stack: LocalStack, part: str) -> str:
    """The URL of a part, started if need be. Skips the test when it cannot serve; fails it when CI=true."""
    (server,) = stack.up({part}).servers
    if server.status != "running" or server.url is None:
        missing = f"{part} cannot serve: {server.detail}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return server.url


@contextmanager
def fresh_database(server: str, template: str = "template0") -> Iterator[str]:
    """The DSN of a new database copied from a template; dropped afterwards."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            SQL("create database {} template {} strategy wal_log").format(Identifier(name), Identifier(template))
        )
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(SQL("drop database {} with (force)").format(Identifier(name)))


def migrated_template(server: str) -> str:
    """The name of a database with the whole schema to copy from, made once for the migrations as they are now."""
    newest = max(path.stat().st_mtime_ns for path in _MIGRATIONS.iterdir())
    name = f"template_{newest}"
    with locked(HOME / "template.lock"), psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            draft = Identifier(f"draft_{uuid4().hex}")
            connection.execute(SQL("create database {} template template0").format(draft))
            migrate(make_conninfo(server, dbname=draft.as_string().strip('"')))
            connection.execute(SQL("alter database {} rename to {}").format(draft, Identifier(name)))
    return name


@contextmanager
def own_redis_database(server: str, part: str) -> Iterator[str]:
    """The URL of a Redis database number that no other process of any run uses, held until the end."""
    for number in range(1, DATABASES):
        with (HOME / f"{part}-{number}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield f"{server.rsplit('/', 1)[0]}/{number}"
            return
    pytest.fail(f"all {DATABASES} databases of {part} are in use")


def empty_redis(url: str) -> str:
    """The same URL, its database emptied."""
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@dataclass(frozen=True)
class SearchSpace:
    """A test's own part of OpenSearch: every index and alias it makes begins with `prefix`."""

    url: str
    prefix: str


@contextmanager
def own_search_space(server: str) -> Iterator[SearchSpace]:
    """A prefix that nobody else uses; what was made under it is deleted afterwards."""
    space = SearchSpace(server, f"test-{uuid4().hex[:12]}-")
    try:
        yield space
    finally:
        request = urllib.request.Request(f"{server}/{space.prefix}*?expand_wildcards=all", method="DELETE")
        urllib.request.urlopen(request, timeout=30).close()
