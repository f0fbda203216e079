"""Facts sent all the time, as services do: a request is repeated until it is acknowledged, and that is remembered."""

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import uuid4

import httpx

FACTS = 20  # a request
_SENDERS = 2
_PAUSE_SECONDS = 0.2  # of a sender, after a request: ten requests a second in all
_AGAIN_SECONDS = 0.1


class FactLoad:
    """Use in a with statement: leaving it ends the load, once all that was begun is acknowledged.

    Users come again and again, from former loads too; one fact in five is late by days.
    """

    def __init__(self, url: str, key: str, users: int = 60) -> None:
        self.acknowledged: set[tuple[str, str]] = set()
        """(user_id, fact_id)"""
        self.sent: set[tuple[str, str]] = set()
        self.position = 0
        self.answers: Counter[int | str] = Counter()
        """Requests by status, or by the name of the transport's error."""
        self.refusals: list[str] = []
        """What no crash excuses."""
        self._url, self._key, self._users = url, key, users
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._send, name=f"load {n}", daemon=True) for n in range(_SENDERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), f"a request is never acknowledged: {self.answers}"

    def has_acknowledged(self, facts: int) -> bool:
        """Whether so many facts are. Fails when a request was refused: the load has ended then."""
        assert not self.refusals, self.refusals
        return len(self.acknowledged) >= facts

    def _send(self) -> None:
        with httpx.Client(base_url=self._url, headers={"authorization": f"Bearer {self._key}"}, timeout=20) as client:
            while not self._stop.is_set() and not self.refusals:
                facts = [self._fact() for _ in range(FACTS)]
                named = {(fact["user_id"], fact["fact_id"]) for fact in facts}
                with self._lock:
                    self.sent |= named
                while not self._acknowledged(client, facts, named) and not self.refusals:
                    threading.Event().wait(_AGAIN_SECONDS)
                self._stop.wait(_PAUSE_SECONDS)

    def _acknowledged(self, client: httpx.Client, facts: list[dict[str, Any]], named: set[tuple[str, str]]) -> bool:
        try:
            answer = client.post("/v1/facts", json={"facts": facts})
        except httpx.TransportError as error:
            self._note(type(error).__name__)
            return False
        self._note(answer.status_code)
        if answer.status_code == 503:  # the one way of saying: not now
            return False
        with self._lock:
            if answer.status_code != 200 or answer.json()["rejected"]:
                self.refusals.append(f"{answer.status_code} {answer.text}")
                return False
            self.acknowledged |= named
            self.position = max(self.position, answer.json()["position"])
        return True

    def _note(self, outcome: int | str) -> None:
        with self._lock:
            self.answers[outcome] += 1

    def _fact(self) -> dict[str, Any]:
        late = timedelta(days=random.uniform(1, 60)) if random.random() < 0.2 else timedelta()
        fact = {
            "fact_id": uuid4().hex,
            "user_id": f"u-{random.randrange(self._users)}",
            "occurred_at": (datetime.now(UTC) - late).isoformat(),
        }
        if random.random() < 0.2:
            return fact | {"kind": "visit"}
        return fact | {"kind": "order", "amount": random.randrange(100, 3_000), "currency": "USD"}
