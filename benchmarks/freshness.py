"""From the answer to a request of facts until the card shows them, and until a search does. Over HTTP, API and worker
in processes of their own."""

import multiprocessing
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import numpy as np
from fastapi import FastAPI

from application.facts.record_facts import RecordFactStream
from benchmarks.load import served
from benchmarks.stage import Stage
from infrastructure.bootstrap import System, build
from infrastructure.settings import Settings
from interfaces.http.main import create_app
from interfaces.worker.main import work
from projections.user_search.view import ALIAS

GOAL_CARD_MS = 250
GOAL_SEARCH_MS = 2_000
REQUESTS_A_SECOND = 10
FACTS_A_REQUEST = 50
_USERS = 2_000
_FACTS_BEFORE = 20  # of each user, before the load begins
_WARM_SECONDS = 3.0
_CARD_POLL_SECONDS = 0.005
_SEARCH_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0
_MODELS = Path(__file__).parents[1] / "examples" / "models"


class _Sent(NamedTuple):
    """A request that was answered with a 2xx, and one of its users. answered_at: monotonic seconds."""

    user_id: str
    position: int
    answered_at: float


def freshness(stage: Stage, seconds: float = 25.0) -> list[dict[str, Any]]:
    """Of each request one of its users is watched: 250 of them, the slowest 1 % being the slowest two or three."""
    settings = stage.settings()
    system = build(settings)
    try:
        _populate(system)
        _, token = system.keys.create("bench", "service")
        with served(_api, settings) as port, _worker(settings):
            _settled(system)
            watches = [
                _Watch(_CARD_POLL_SECONDS, partial(_on_cards, system)),
                _Watch(_SEARCH_POLL_SECONDS, partial(_in_search, system)),
            ]
            _load(port, token, _WARM_SECONDS, [])
            requests = _load(port, token, seconds, watches)
            waits = [watch.finish() for watch in watches]
    finally:
        system.close()
    return [
        _figure("freshness_card", GOAL_CARD_MS, waits[0], requests, _CARD_POLL_SECONDS),
        _figure("freshness_search", GOAL_SEARCH_MS, waits[1], requests, _SEARCH_POLL_SECONDS),
    ]


def _figure(name: str, goal_ms: int, waits: Sequence[float], requests: int, poll: float) -> dict[str, Any]:
    middle, high, highest = (float(value) * 1_000 for value in np.quantile(waits, [0.5, 0.99, 1.0]))
    return {
        "name": name,
        "ratio": round(goal_ms / high, 2),
        "goal": 1.0,
        "value": round(high, 1),
        "baseline": goal_ms,
        "unit": "ms, p99",
        "note": f"p50 {middle:.0f} ms, slowest {highest:.0f} ms of {requests} requests, {REQUESTS_A_SECOND} a second "
        f"with {FACTS_A_REQUEST} facts each; looked for every {poll * 1_000:.0f} ms; the ratio is goal over value",
    }


def _populate(system: System) -> None:
    """Users with some facts each, decided on the three shipped models."""
    draw = random.Random(1)
    lines = (
        msgspec.json.encode(_order(f"before-{number}-{user}", user, draw))
        for number in range(_FACTS_BEFORE)
        for user in range(_USERS)
    )
    answer = system.record_facts.stream(RecordFactStream(lines))
    assert answer.accepted == _USERS * _FACTS_BEFORE, answer.rejected[:1]
    for name in ("value", "behaviour", "feature"):
        view, _ = system.create_tier_model((_MODELS / f"{name}.yaml").read_text(encoding="utf-8"), "bench")
        system.fit_tier_model(view.scheme, view.version, None, "bench")
        system.activate_tier_model(view.scheme, view.version, "bench")


def _order(fact_id: str, user: int, draw: random.Random) -> dict[str, Any]:
    """An order of the last half year."""
    occurred_at = datetime.now(UTC) - timedelta(minutes=draw.randrange(180 * 24 * 60))
    return {
        "fact_id": fact_id,
        "source": "shop",
        "user_id": f"user-{user}",
        "kind": "order",
        "occurred_at": occurred_at.isoformat(),
        "amount": draw.randrange(100, 20_000),
        "currency": "USD",
        "attributes": {"store_id": f"store-{draw.randrange(40)}"},
    }


def _settled(system: System) -> None:
    """Wait until nobody is due and every read model has met the head."""
    _until(lambda: _nobody_due(system))
    _until(lambda: all(one.lag_events == 0 and one.position for one in system.read_models.status()))


def _nobody_due(system: System) -> bool:
    query = """select not exists (select from timelines where due_at <= tierline_peek())
        and not exists (select from timelines where generation < (select max(generation) from activations))"""
    with system.pool.connection() as connection:
        row = connection.execute(query).fetchone()
    return bool(row and row[0])


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not reached():
        if time.monotonic() > deadline:
            raise RuntimeError("the worker did not catch up with what it found at its start within two minutes")
        time.sleep(0.1)


def _load(port: int, token: str, seconds: float, watches: Sequence["_Watch"]) -> int:
    """Send on time, whether or not earlier requests are answered. Returns how many requests that were."""
    draw = random.Random(int(seconds * 1_000))
    run = f"{time.time_ns():x}"
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def send(number: int, users: list[int], facts: list[dict[str, Any]]) -> None:
        answer = client.post("/v1/facts", json={"facts": facts})
        answered_at = time.monotonic()
        answer.raise_for_status()
        assert answer.json()["accepted"] == len(facts), answer.text
        sent = _Sent(f"user-{users[number % len(users)]}", answer.json()["position"], answered_at)
        for watch in watches:
            watch.add(sent)

    requests = int(seconds * REQUESTS_A_SECOND)
    began = time.monotonic()
    with client, ThreadPoolExecutor(16) as senders:
        sending = []
        for number in range(requests):
            users = draw.sample(range(_USERS), FACTS_A_REQUEST)
            facts = [_order(f"{run}-{number}-{user}", user, draw) for user in users]
            time.sleep(max(0.0, began + number / REQUESTS_A_SECOND - time.monotonic()))
            sending.append(senders.submit(send, number, users, facts))
        for one in sending:
            one.result()
    return requests


class _Watch:
    """A thread that looks again and again for what was sent. positions: user ids -> log position of what is shown of
    each: a decision that was appended after a fact has seen it."""

    def __init__(self, poll_seconds: float, positions: Callable[[list[str]], dict[str, int]]) -> None:
        self._poll_seconds, self._positions = poll_seconds, positions
        self._sent: list[_Sent] = []
        self._waits: list[float] = []
        self._no_more = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def add(self, sent: _Sent) -> None:
        """Look for this one, too."""
        self._sent.append(sent)

    def finish(self) -> list[float]:
        """Seconds from each answer until it was seen, once all are. Raises RuntimeError when one never is."""
        self._no_more.set()
        self._thread.join(_PATIENCE_SECONDS)
        if self._sent:
            raise RuntimeError(f"{len(self._sent)} requests are not shown after {_PATIENCE_SECONDS:.0f} s")
        return self._waits

    def _look(self) -> None:
        while self._sent or not self._no_more.is_set():
            looked_at = time.monotonic()
            waiting = list(self._sent)
            if waiting:
                shown = self._positions([sent.user_id for sent in waiting])
                seen_at = time.monotonic()
                for sent in waiting:
                    if shown.get(sent.user_id, 0) > sent.position:
                        self._waits.append(max(0.0, seen_at - sent.answered_at))
                        self._sent.remove(sent)
            time.sleep(max(0.0, looked_at + self._poll_seconds - time.monotonic()))


def _on_cards(system: System, user_ids: list[str]) -> dict[str, int]:
    """As the API reads them, one command to Redis."""
    cards = system.cards.read_many(user_ids)
    return {user_id: msgspec.json.decode(card)["position"] for user_id, card in cards.items()}


def _in_search(system: System, user_ids: list[str]) -> dict[str, int]:
    """What a search finds."""
    body = {"query": {"terms": {"user_ids": user_ids}}, "size": len(user_ids), "_source": ["user_ids", "position"]}
    hits = system.opensearch.search(index=ALIAS, body=body)["hits"]["hits"]
    return {user_id: hit["_source"]["position"] for hit in hits for user_id in hit["_source"]["user_ids"]}


def _api(settings: Settings) -> FastAPI:
    return create_app(build(settings))


@contextmanager
def _worker(settings: Settings) -> Iterator[None]:
    """A worker process."""
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(settings,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def _work(settings: Settings) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    system = build(settings)
    try:
        work(system, stop)
    finally:
        system.close()
