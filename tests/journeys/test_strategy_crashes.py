"""kill -9 in the middle of ten thousand transitions: each is reacted to once, with one grant, and shows on the card."""

import random
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.journeys.own_run import PATIENCE_SECONDS, OwnRun
from tests.support.benefits import COUPON
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(1_500)

_USERS, _KILLS = 10_000, 6
_PATIENCE_SECONDS = 600.0
_YAML = {"content-type": "application/yaml"}
_MODEL = """
scheme: value
dimension: value
time_zone: UTC
currency: USD
tiers: [low, high]
features:
  spend: {sum: order.amount, within: 30 days}
rules:
  high: "spend >= money(100.00)"
"""
_STRATEGY = """
strategy: welcome
time_zone: UTC
currency: USD
trigger: {entered: value.high}
arms:
  coupon: {weight: 50, do: [{grant: coupon-10}, {notify: sms, template: hello}]}
  message: {weight: 50, do: [{notify: sms, template: hello}]}
holdout: 10
goal: {sum: order.amount, within: 30 days}
"""
_DONE = """
select (select count(*) from assignments), (select count(*) from strategy_timers),
       (select count(*) from events where topic = 'user-tier.tier-changed.v1')
"""
_ONCE = "select count(*), count(distinct {}) from {}"
_TWICE = """
select originator_id, topic from events where topic like 'user-tier.strategy-%%' or topic like 'user-tier.benefit-%%'
group by 1, 2 having count(*) > 1
"""
_GAPS = "select originator_id from events group by 1 having count(*) <> max(originator_version)"


@pytest.fixture
def run(tmp_path: Any) -> Iterator[OwnRun]:
    run = OwnRun(tmp_path / "home")
    try:
        run.start()
        yield run
    finally:
        run.end()


def test_each_of_ten_thousand_transitions_is_reacted_to_once(run: OwnRun) -> None:
    _prepare(run)
    sent = run.client.post("/v1/facts", content=_crowd(), headers={"content-type": "application/x-ndjson"})
    assert sent.json()["accepted"] == _USERS, sent.text
    caught = 0
    for kill in range(_KILLS):
        enough = (kill + 1) * _USERS // (_KILLS + 2)
        wait_for(lambda: run.rows(_DONE)[0][0] >= enough, _PATIENCE_SECONDS)  # noqa: B023
        time.sleep(random.random() / 4)
        _kill_the_worker(run)
        assigned, waiting, _ = run.rows(_DONE)[0]
        caught += assigned < _USERS or waiting > 0
    assert caught, "it was never in the middle"
    wait_for(lambda: run.rows(_DONE) == [(_USERS, 0, _USERS)], _PATIENCE_SECONDS)
    assert run.rows(_ONCE.format("subject_id", "assignments")) == [(_USERS, _USERS)]
    assert run.rows(_TWICE) == []
    assert run.rows(_GAPS) == []
    arms = dict(run.rows("select coalesce(arm, 'held'), count(*) from assignments group by 1"))
    assert run.rows(_ONCE.format("subject_id", "grants")) == [(arms["coupon"], arms["coupon"])]
    messages = arms["coupon"] + arms["message"]
    assert run.rows(_ONCE.format("subject_id", "outbound_messages")) == [(messages, messages)]
    progress = run.client.get("/v1/strategies/welcome/progress").json()
    assert min(progress["sample_ratio_p"].values()) > 0.001
    _shows_everything(run)


def _prepare(run: OwnRun) -> None:
    run.client.post("/v1/tier-models", content=_MODEL, headers=_YAML).raise_for_status()
    run.client.post("/v1/tier-models/value/versions/1/activate").raise_for_status()
    run.client.post("/v1/benefits", json=COUPON).raise_for_status()
    run.client.post("/v1/benefits/coupon-10/versions/1/activate").raise_for_status()
    run.client.post("/v1/strategies", content=_STRATEGY, headers=_YAML).raise_for_status()
    run.client.post("/v1/strategies/welcome/start").raise_for_status()


def _crowd() -> bytes:
    fact = '{"fact_id":"o","user_id":"u-%d","kind":"order","occurred_at":"%s","amount":20000,"currency":"USD"}'
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return "\n".join(fact % (number, now) for number in range(_USERS)).encode()


def _kill_the_worker(run: OwnRun) -> None:
    pid = run.pid("worker")
    assert pid
    psutil.Process(pid).kill()
    wait_for(lambda: run.pid("worker") not in (None, pid), PATIENCE_SECONDS)


def _shows_everything(run: OwnRun) -> None:
    def caught_up() -> bool:
        shown = run.client.get("/v1/projections").json()
        return all(one["lag_events"] == 0 and not one["parked"] for one in shown["projections"])

    wait_for(caught_up, _PATIENCE_SECONDS)
    models = run.tierline("verify", "read-models")
    assert (models["users"], models["redis"]) == (_USERS, {"missing": 0, "different": 0, "extra": 0})
    assert run.tierline("verify", "receipts")["first"] == []
