"""What benchmarks run on: an embedded stack, and a fresh database for each."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import redis

from infrastructure.local_stack.stack import LocalStack
from infrastructure.opensearch.client import open_opensearch
from infrastructure.settings import Settings


@dataclass(frozen=True)
class Stage:
    """A running stack. urls: by part. full: take the time for what is left out otherwise."""

    home: Path
    urls: Mapping[str, str]
    full: bool = False

    def database(self) -> str:
        """URL of a new, empty database."""
        name = f"bench_{uuid4().hex[:12]}"
        with psycopg.connect(self.urls["postgres"], autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        return urlunsplit(urlsplit(self.urls["postgres"])._replace(path=f"/{name}"))

    def settings(self) -> Settings:
        """Settings of an installation of one's own: a new database, and everything else emptied."""
        for part in ("redis", "broker"):
            with redis.Redis.from_url(self.urls[part]) as client:
                client.flushdb()
        # Positions of another database would make ours look old.
        with closing(open_opensearch(self.urls["opensearch"])) as search:
            search.indices.delete(index="tierline-*")
        return Settings(
            home=self.home / f"own-{uuid4().hex[:12]}",
            database_url=self.database(),
            redis_url=self.urls["redis"],
            broker_url=self.urls["broker"],
            opensearch_url=self.urls["opensearch"],
        )


def stage_at(home: Path, full: bool = False) -> Stage:
    """The stack below `home`, started if need be. Raises RuntimeError with what is off."""
    started = LocalStack(home).up()
    if started.failed:
        raise RuntimeError("; ".join(f"{server.name} is off: {server.detail}" for server in started.failed))
    return Stage(home, started.urls, full)
