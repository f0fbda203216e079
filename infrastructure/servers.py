"""The servers that a system is wired to: somebody's own, or the embedded ones; whether each is there."""

import secrets
from collections.abc import Callable, Collection
from pathlib import Path

import psycopg
from opensearchpy import OpenSearch
from psycopg_pool import PoolTimeout
from redis import Redis

from infrastructure.health import PartFaulty, PartMissing, PartOff
from infrastructure.local_stack.server import Progress
from infrastructure.local_stack.stack import LocalStack
from infrastructure.postgres.pool import Pool
from infrastructure.redis.boards import live_workers
from infrastructure.security.keyring import KEY_BYTES
from infrastructure.settings import Settings

_OWN_SERVERS = {
    "postgres": "TIERLINE_DATABASE_URL",
    "redis": "TIERLINE_REDIS_URL",
    "broker": "TIERLINE_BROKER_URL",
    "opensearch": "TIERLINE_OPENSEARCH_URL",
}
_COUNTED = 1_000  # users who wait, at most
_LATE = """
select (select count(*) from (select from timelines where due_at < tierline_peek() - 300e6::bigint limit %(most)s) t),
       (select count(*) from history_sessions h where h.sealed_at < tierline_peek() - 3600e6::bigint
           and exists (select from timelines t where t.history_id = h.history_id))
"""
_NOWHERE = {"redis": "redis://127.0.0.1:9/0", "broker": "redis://127.0.0.1:9/0", "opensearch": "http://127.0.0.1:9"}


def servers(
    settings: Settings, parts: Collection[str] | None, progress: Progress | None
) -> tuple[dict[str, str], dict[str, str]]:
    """URL of every part, and what is off."""
    given = {
        "postgres": settings.database_url,
        "redis": settings.redis_url,
        "broker": settings.broker_url,
        "opensearch": settings.opensearch_url,
    }
    urls = {name: url for name, url in given.items() if url}
    missing = [name for name in given if name not in urls]
    if not missing:
        return urls, {}
    stack = LocalStack(settings.home, settings.cache, settings.opensearch_heap_mb)
    status = stack.up([name for name in missing if parts is None or name in {*parts, "postgres"}], progress)
    off = {server.name: server.detail for server in status.failed}
    if "postgres" in off:
        raise PartMissing("postgres", off["postgres"])
    return _NOWHERE | stack.urls | urls, off


def own_master_key(home: Path) -> bytes:
    """The embedded installation's master key, made once."""
    path = home / "master.key"
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f"master.key.{secrets.token_hex(4)}"
    draft.touch(mode=0o600)
    draft.write_bytes(secrets.token_bytes(KEY_BYTES))
    try:
        path.hardlink_to(draft)  # whoever comes first wins
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_bytes()


def checks(
    pool: Pool, models: Redis, broker: Redis, search: OpenSearch, strategies: Callable[[], str]
) -> dict[str, Callable[[], str]]:
    """By part what says how it is, or raises."""

    def postgres() -> str:
        with pool.connection(timeout=2.0) as connection:
            row = connection.execute("select split_part(version(), ' on ', 1)").fetchone()
        return str(row[0]) if row else ""

    def opensearch() -> str:
        cluster = search.cluster.health(request_timeout=2)
        if cluster["status"] == "red":
            raise PartOff("the cluster's status is red")
        return f"cluster {cluster['cluster_name']} is {cluster['status']}"

    def worker() -> str:
        workers = live_workers(broker)
        if not workers:
            raise PartOff("no worker has said that it lives for five seconds")
        try:
            with pool.connection(timeout=2.0) as connection:
                users, histories = connection.execute(_LATE, {"most": _COUNTED}).fetchone() or (0, 0)
        except (psycopg.OperationalError, PoolTimeout):  # that is told of postgres
            return f"{len(workers)} alive"
        if users or histories:
            counted = f"{users} or more" if users == _COUNTED else str(users)
            waiting = [f"users due for over five minutes: {counted}"] if users else []
            waiting += [f"histories sealed for over an hour and not decided: {histories}"] if histories else []
            raise PartFaulty(f"{len(workers)} alive; {'; '.join(waiting)}")
        return f"{len(workers)} alive"

    return {
        "postgres": postgres,
        "redis": lambda: f"Redis {models.info('server')['redis_version']}",
        "broker": lambda: f"Redis {broker.info('server')['redis_version']}",
        "opensearch": opensearch,
        "worker": worker,
        "strategies": strategies,
    }


def remedies() -> dict[str, str]:
    """By part what to do when it is off."""
    servers = {
        part: f"`tierline stack up` starts the embedded one, {variable} names one of your own"
        for part, variable in _OWN_SERVERS.items()
    }
    return servers | {
        "worker": "`tierline run` keeps a worker running, and restarts one that dies; its log names who cannot be "
        "decided, and why, as subjects_set_aside; where there is just much to do, another worker helps",
        "overrides": "name a tier that there is in TIERLINE_OVERRIDE_APPROVAL_FROM, and start again",
        "strategies": "`tierline strategy list` names those that cannot be read; TIERLINE_MESSAGES_URL names who sends",
    }
