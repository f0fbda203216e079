"""The API as the world meets it: uvicorn on a port, a worker beside it, real servers behind."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from psycopg.conninfo import conninfo_to_dict

from infrastructure.bootstrap import System, build
from infrastructure.settings import Settings
from interfaces.http.main import create_app
from interfaces.worker.main import work
from tests.support.servers import SearchSpace

MODEL = """
scheme: value
dimension: value
time_zone: UTC
currency: USD
tiers: [low, mid, high]
features:
  spend: {sum: order.amount, within: 30 days}
  orders: {count: order, within: 30 days}
  recency: {days_since: order}
rules:
  high: {enter: "spend >= money(100.00)"}
  mid: {enter: "spend >= money(10.00)"}
"""


@dataclass
class Api:
    """A running API: `client` has an admin's key, `as_role` answers a client with another."""

    system: System
    client: httpx.Client
    as_role: Callable[[str], httpx.Client]

    def activate(self, model: str = MODEL) -> int:
        """Put a model in force; the activation's position."""
        drafted = self.client.post("/v1/tier-models", content=model, headers={"content-type": "application/yaml"})
        assert drafted.status_code == 201, drafted.text
        view = drafted.json()
        answer = self.client.post(f"/v1/tier-models/{view['scheme']}/versions/{view['version']}/activate")
        assert answer.status_code == 200, answer.text
        return answer.json()["position"]

    def record(self, *facts: dict) -> int:
        """Record facts, all of which are right; the answer's position."""
        answer = self.client.post("/v1/facts", json={"facts": list(facts)})
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejected"] == []
        return answer.json()["position"]


@pytest.fixture
def settings(database: str, redis_url: str, broker_url: str, opensearch: SearchSpace, tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        database_url=as_url(database),
        redis_url=redis_url,
        broker_url=broker_url,
        opensearch_url=opensearch.url,
    )


@pytest.fixture
def system(settings: Settings, opensearch: SearchSpace) -> Iterator[System]:
    system = build(settings, index_prefix=opensearch.prefix)
    yield system
    system.close()


@pytest.fixture
def api(system: System) -> Iterator[Api]:
    """The API without a worker: nothing is decided by itself."""
    server = uvicorn.Server(uvicorn.Config(create_app(system), port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, name="api")
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    clients: list[httpx.Client] = []

    def as_role(role: str) -> httpx.Client:
        _, token = system.keys.create(f"test {role}", role)
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {token}"}, timeout=30
        )
        clients.append(client)
        return client

    yield Api(system, as_role("admin"), as_role)
    for client in clients:
        client.close()
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


@pytest.fixture
def worker(system: System) -> Iterator[None]:
    """A worker of the same system."""
    stop = threading.Event()
    thread = threading.Thread(target=work, args=(system, stop), name="worker")
    thread.start()
    yield
    stop.set()
    thread.join(30)
    assert not thread.is_alive()


def as_url(dsn: str) -> str:
    """A libpq connection string as the URL that settings take."""
    parts = conninfo_to_dict(dsn)
    password = quote(str(parts["password"]), safe="")
    return f"postgresql://{parts['user']}:{password}@{parts['host']}:{parts['port']}/{parts['dbname']}"


def order(user_id: str, fact_id: str, amount: int = 5_000, occurred_at: str = "2026-01-10T00:00:00Z") -> dict:
    """An order fact."""
    return {
        "fact_id": fact_id,
        "user_id": user_id,
        "kind": "order",
        "occurred_at": occurred_at,
        "amount": amount,
        "currency": "USD",
    }
