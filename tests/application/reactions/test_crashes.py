"""kill -9 in the middle of thousands of transitions: each is reacted to once, with one grant and one message."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from multiprocessing.process import BaseProcess

import pytest

from tests.support.benefits import COUPON, accounts, open_budget, put_in_force
from tests.support.ledger import order
from tests.support.strategies import MODEL, WELCOME, StrategySystem
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(1_200)

_MOST, _KILLS, _PATIENCE_SECONDS = 10_000, 6, 600.0
_ARMS = {
    "coupon": {"weight": 50, "do": [{"grant": "coupon-10"}, {"notify": "sms", "template": "hello"}]},
    "message": {"weight": 50, "do": [{"notify": "sms", "template": "hello"}]},
}
_STRATEGY = {
    **WELCOME,
    "do": [],
    "arms": _ARMS,
    "holdout": 10,
    "goal": {"sum": "order.amount", "within": "30 days"},
}
_FAR = "select (select count(*) from assignments), (select count(*) from strategy_timers)"
_TWICE = """
select originator_id, topic from events where topic like 'user-tier.strategy-%' or topic like 'user-tier.benefit-%'
group by 1, 2 having count(*) > 1
"""
_GAPS = "select originator_id from events group by 1 having count(*) <> max(originator_version)"


@pytest.fixture
def system(database: str) -> Iterator[StrategySystem]:
    put_in_force(database, {**COUPON, "budget": "welcome"})
    open_budget(database, "welcome", 1_000 * _MOST)
    with StrategySystem(database, manual_clock=False) as system:
        system.activate(MODEL)
        yield system


@pytest.mark.parametrize("users", [2_000, pytest.param(_MOST, marks=pytest.mark.soak)])
def test_each_transition_is_reacted_to_once(system: StrategySystem, database: str, users: int) -> None:
    system.start(_STRATEGY)
    now = int(time.time() * 1e6)
    for start in range(0, users, 1_000):
        facts = [order("o", f"u-{number}", now, 20_000) for number in range(start, start + 1_000)]
        assert not system.facts(facts).rejected
    caught = 0
    worker = _worker(database)
    for kill in range(_KILLS):
        enough = (kill + 1) * users // (_KILLS + 2)
        wait_for(lambda: system.rows(_FAR)[0][0] >= enough, _PATIENCE_SECONDS)  # noqa: B023
        time.sleep(random.random() / 4)
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        assigned, waiting = system.rows(_FAR)[0]
        caught += assigned < users or waiting > 0
        worker = _worker(database)
    assert caught, "it was never in the middle"
    try:
        wait_for(lambda: system.rows(_FAR) == [(users, 0)], _PATIENCE_SECONDS)
    finally:
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
    assert system.rows(_TWICE) == []
    assert system.rows(_GAPS) == []
    assert _once(system, "assignments") == users
    arms = dict(system.rows("select coalesce(arm, 'held'), count(*) from assignments group by 1"))
    assert _once(system, "grants") == arms["coupon"]
    assert _once(system, "outbound_messages") == arms["coupon"] + arms["message"]
    assert accounts(database)["budget:welcome"] == (1_000 * _MOST, 1_000 * arms["coupon"], 0)


def _once(system: StrategySystem, table: str) -> int:
    """How many rows there are, each of a subject of its own."""
    ((rows, subjects),) = system.rows(f"select count(*), count(distinct subject_id) from {table}")
    assert rows == subjects
    return int(rows)


def _worker(database: str) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(database,), daemon=True)
    process.start()
    return process


def _work(database: str) -> None:
    """Decides and reacts until it is killed."""
    with StrategySystem(database, manual_clock=False) as system:
        while True:
            decided = system.evaluate_due()
            if not system.react_once() and not decided:
                time.sleep(0.02)
