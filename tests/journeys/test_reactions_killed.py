"""kill -9 of `tierline run`'s worker, and of another beside it, while users enter a tier: each transition is reacted to
once, with one grant and one message, and nothing is left waiting."""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from infrastructure.local_stack.stack import LocalStack
from tests.journeys.own_run import ADMIN_KEY, PATIENCE_SECONDS, OwnRun
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force
from tests.support.servers import CHECKOUT
from tests.support.strategies import MODEL
from tests.support.waiting import wait_for

USERS, SOAK_USERS = 600, 10_000
_AT_ONCE = 10
_COST = 1_000
_STRATEGY = {
    "strategy": "welcome",
    "time_zone": "UTC",
    "currency": "USD",
    "trigger": {"entered": "value.high"},
    "arms": {
        "coupon": {"weight": 50, "do": [{"grant": "coupon-10"}, {"notify": "sms", "template": "hello"}]},
        "message": {"weight": 50, "do": [{"notify": "sms", "template": "hello"}]},
    },
    "holdout": 10,
    "goal": {"sum": "order.amount", "within": "30 days"},
}
_CHANGED = "topic = 'user-tier.tier-changed.v1' and to_tier = 'high'"
_FAR = f"""
select (select count(*) from events where {_CHANGED}), (select count(*) from assignments),
       (select count(*) from strategy_timers)
"""
_ASSIGNED_FOR = """
select count(*), count(distinct causation), count(distinct originator_id) from events
where topic = 'user-tier.strategy-assigned.v1'
"""
_FOR_NOTHING = f"""
select causation from events where topic = 'user-tier.strategy-assigned.v1' and causation not in (
    select replace(originator_id::text, '-', '') || '-' || originator_version from events where {_CHANGED})
"""
_TWICE = """
select originator_id, topic from events where topic like 'user-tier.strategy-%%' or topic like 'user-tier.benefit-%%'
group by 1, 2 having count(*) > 1
"""
_GAPS = "select originator_id from events group by 1 having count(*) <> max(originator_version)"
_ARMS = "select coalesce(arm, 'held'), count(*) from assignments group by 1"


@pytest.mark.timeout(400)
def test_some_hundred_transitions(tmp_path: Path) -> None:
    react_while_killed(tmp_path / "home", USERS, kills=3)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_ten_thousand_transitions(tmp_path: Path) -> None:
    react_while_killed(tmp_path / "home", SOAK_USERS, kills=20)


def react_while_killed(home: Path, users: int, kills: int) -> None:
    """kills: of either worker in turn, spread over the transitions."""
    run = OwnRun(home)
    try:
        run.start()
        dsn = LocalStack(run.home).urls["postgres"]
        _set_up(run, dsn, users)
        caught = 0
        with _second_worker(run) as second, _entering(run, users):
            for kill in range(kills):
                enough = int((kill + random.random()) * users / (kills + 1))
                wait_for(lambda: run.rows(_FAR)[0][1] >= enough, PATIENCE_SECONDS)  # noqa: B023
                time.sleep(random.random() / 10)
                caught += _in_the_middle(run, users)
                if kill % 2:
                    second.kill()
                else:
                    _kill_worker(run)
            wait_for(lambda: run.rows(_FAR) == [(users, users, 0)], PATIENCE_SECONDS + users / 20)
        assert caught, "it was never in the middle"
        _all_is_well(run, dsn, users)
    finally:
        run.end()


def _in_the_middle(run: OwnRun, users: int) -> bool:
    """Waits for a moment at which a transition has not led to all that it leads to; false when there is none left."""
    while True:
        changed, assigned, waiting = run.rows(_FAR)[0]
        if assigned < changed or waiting:
            return True
        if changed == users:
            return False


def _all_is_well(run: OwnRun, dsn: str, users: int) -> None:
    run.wait_ready()
    assert run.rows(_ASSIGNED_FOR) == [(users, users, users)]
    assert run.rows(_TWICE) == []
    assert run.rows(_FOR_NOTHING) == []
    assert run.rows(_GAPS) == []
    arms = dict(run.rows(_ARMS))
    assert set(arms) == {"coupon", "message", "held"}
    once = "select count(*), count(distinct subject_id) from"
    assert run.rows(f"{once} grants") == [(arms["coupon"], arms["coupon"])]
    assert run.rows(f"{once} outbound_messages") == [(arms["coupon"] + arms["message"],) * 2]
    assert accounts(dsn)["budget:welcome"] == (_COST * users, _COST * arms["coupon"], 0)
    proof = run.tierline("verify", "ledger")
    assert (proof["grants"], proof["events"], proof["clean"]) == (arms["coupon"], arms["coupon"], True)
    wait_for(lambda: all(one["lag_events"] == 0 for one in _projections(run)), PATIENCE_SECONDS)
    models = run.tierline("verify", "read-models")
    assert all(not any(models[name].values()) for name in ("redis", "opensearch", "transitions")), models


def _projections(run: OwnRun) -> list[dict[str, int]]:
    found: list[dict[str, int]] = run.client.get("/v1/projections").json()["projections"]
    return found


def _set_up(run: OwnRun, dsn: str, users: int) -> None:
    model = run.client.post("/v1/tier-models", json=MODEL)
    assert model.status_code == 201, model.text
    assert run.client.post(f"/v1/tier-models/value/versions/{model.json()['version']}/activate").status_code == 200
    open_budget(dsn, "welcome", _COST * users)
    put_in_force(dsn, {**COUPON, "budget": "welcome"})
    assert run.client.post("/v1/strategies", json=_STRATEGY).status_code == 201
    started = run.client.post("/v1/strategies/welcome/start")
    assert started.json()["status"] == "running", started.text


@contextmanager
def _entering(run: OwnRun, users: int) -> Iterator[None]:
    """Users who each enter the tier by one order, a few at a time, without end of patience."""
    thread = threading.Thread(target=_send, args=(run.url, users), name="orders")
    thread.start()
    yield
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def _send(url: str, users: int) -> None:
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {ADMIN_KEY}"}, timeout=60) as client:
        for start in range(0, users, _AT_ONCE):
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            facts = [
                {"fact_id": "o", "user_id": f"u-{number}", "kind": "order", "occurred_at": now, "amount": 20_000}
                | {"currency": "USD"}
                for number in range(start, min(start + _AT_ONCE, users))
            ]
            lines = "\n".join(map(json.dumps, facts)).encode()
            sent = client.post("/v1/facts", content=lines, headers={"content-type": "application/x-ndjson"})
            assert sent.json()["accepted"] == len(facts), sent.text
            time.sleep(0.02)


class _SecondWorker:
    """A worker beside that of `tierline run`, on the same stack."""

    def __init__(self, run: OwnRun) -> None:
        self._run = run
        self._process = self._started()

    def kill(self) -> None:
        """kill -9, and another one."""
        self.end()
        self._process = self._started()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def _started(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "interfaces.worker.main"]
        with self._run.home.with_name("second.said").open("ab") as said:
            return subprocess.Popen(
                command, cwd=CHECKOUT, env=self._run.environment, stdout=said, stderr=subprocess.STDOUT
            )


@contextmanager
def _second_worker(run: OwnRun) -> Iterator[_SecondWorker]:
    worker = _SecondWorker(run)
    try:
        yield worker
    finally:
        worker.end()


def _kill_worker(run: OwnRun) -> None:
    """kill -9 of the one of `tierline run`, which starts another."""
    wait_for(lambda: run.pid("worker") is not None, PATIENCE_SECONDS)
    psutil.Process(run.pid("worker")).kill()
