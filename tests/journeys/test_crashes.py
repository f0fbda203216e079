"""kill -9 in the middle of live load: what was acknowledged is there and decided, once, and shows everywhere."""

import random
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psutil
import pytest

from tests.journeys.fact_load import FactLoad
from tests.journeys.own_run import ADMIN_KEY, PATIENCE_SECONDS, OwnRun
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(400)

VICTIMS = ("worker", "api", "redis", "broker", "opensearch", "postgres")
MODEL = """
scheme: value
dimension: value
time_zone: UTC
currency: USD
tiers: [low, mid, high]
features:
  spend: {sum: order.amount, within: 30 days}
  visits: {count: visit, within: 7 days}
  recency: {days_since: order}
rules:
  high: {enter: "spend >= money(400.00) and visits >= 3", keep: "spend >= money(400.00)"}
  mid: {enter: "spend >= money(50.00)"}
"""
_SOAK_SECONDS = 240.0

_NOT_DECIDED = """
select count(*) from timelines t left join observations o using (subject_id)
where t.due_at <= tierline_peek() or o.through is null or o.through < t.last_position
"""
_BEHIND = "select count(*) from timelines where generation < (select max(generation) from activations)"
_CROWD = 12_000
_MIGRATIONS: tuple[dict[str, Any], ...] = (
    {"mode": "reassess"},
    {"mode": "up-only"},
    {"mode": "soft-landing", "grace_days": 3},
    {"mode": "grandfather", "until": "2031-01-01T00:00:00Z"},
)
_FACTS = "select u.user_id, f.fact_id from facts f join user_ids u using (subject_id)"
_DECIDED_TWICE = """
select originator_id, scheme, topic, effective_at from events where scheme <> ''
group by 1, 2, 3, 4 having count(*) > 1
"""
_GAPS = "select originator_id from events group by 1 having count(*) <> max(originator_version)"


@pytest.fixture(scope="module")
def own_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRun]:
    run = OwnRun(tmp_path_factory.mktemp("run") / "home")
    try:
        run.start()
        drafted = run.client.post("/v1/tier-models", content=MODEL, headers={"content-type": "application/yaml"})
        assert drafted.status_code == 201, drafted.text
        activated = run.client.post(f"/v1/tier-models/value/versions/{drafted.json()['version']}/activate")
        assert activated.status_code == 200, activated.text
        yield run
    finally:
        run.end()


@pytest.fixture
def run(own_run: OwnRun) -> OwnRun:
    """One for the whole module, started again when a test has ended it."""
    if not own_run.is_running:
        own_run.start()
    return own_run


@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_in_the_middle_of_load(victim: str, run: OwnRun) -> None:
    with FactLoad(run.url, ADMIN_KEY) as load:
        _wait_decided_some(run, load)
        _kill(run, victim)
        _go_on(load)
    _all_is_well(run, load)


def test_kill_in_the_middle_of_an_activation(run: OwnRun) -> None:
    """Three times at random points, while facts keep arriving; everybody is reached, once, and every receipt holds."""
    _send_crowd(run)
    caught = 0
    with FactLoad(run.url, ADMIN_KEY) as load:
        for spend in ("60.00", "40.00"):
            migration = {"mode": "soft-landing", "grace_days": 3} if spend == "60.00" else {"mode": "reassess"}
            _activate(run, _drafted(run, spend), migration)
            for _ in range(2):
                time.sleep(random.random() / 4)
                _kill(run, "worker")
                caught += run.rows(_BEHIND)[0][0] > 0
        assert caught, "it was never in the middle"
        _go_on(load)
    wait_for(lambda: run.rows(_BEHIND) == [(0,)], PATIENCE_SECONDS)
    _all_is_well(run, load)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_activations_killed_without_end(run: OwnRun) -> None:
    """New versions, rollouts and roll backs in all modes, whatever dies meanwhile: every receipt of all of it holds."""
    _send_crowd(run)
    there = run.client.get("/v1/tier-models/value").json()["versions"]
    until, versions, caught = time.monotonic() + _SOAK_SECONDS, [one["version"] for one in there], 0
    while time.monotonic() < until:
        with FactLoad(run.url, ADMIN_KEY) as load:
            for _ in range(3):
                version = random.choice([*versions, 0]) or _drafted(run, f"{random.randrange(20, 90)}.00")
                shares = (100,) if version in versions else random.choice(((100,), (30, 100)))
                versions = sorted({*versions, version})
                for percent in shares:
                    _activate(run, version, random.choice(_MIGRATIONS) | {"percent": percent})
                    for victim in random.choices(("worker", "worker", "postgres", "api"), k=2):
                        time.sleep(random.random() / 2)
                        _kill(run, victim)
                        run.wait_ready()
                        caught += run.rows(_BEHIND)[0][0] > 0
            _go_on(load)
        wait_for(lambda: run.rows(_BEHIND) == [(0,)], PATIENCE_SECONDS)
        _all_is_well(run, load)
    assert caught, "it was never in the middle"


def _send_crowd(run: OwnRun) -> None:
    """Facts of many, decided, so that an activation takes a while."""
    sent = run.client.post("/v1/facts", content=_crowd(), headers={"content-type": "application/x-ndjson"})
    assert sent.json()["accepted"] == _CROWD, sent.text
    wait_for(lambda: run.rows(_NOT_DECIDED) == [(0,)], PATIENCE_SECONDS)


def _drafted(run: OwnRun, spend: str) -> int:
    """The number of a version that asks for so much."""
    model = MODEL.replace("money(50.00)", f"money({spend})")
    drafted = run.client.post("/v1/tier-models", content=model, headers={"content-type": "application/yaml"})
    return int(drafted.json()["version"])


def _activate(run: OwnRun, version: int, migration: dict[str, Any]) -> None:
    url = f"/v1/tier-models/value/versions/{version}/activate"
    answer = run.client.post(url, json={"migration": migration})
    assert answer.status_code == 200, answer.text


def _crowd() -> bytes:
    """One fact each."""
    fact = '{"fact_id":"%s","user_id":"crowd-%d","kind":"order","occurred_at":"%s","amount":%d,"currency":"USD"}'
    once, now = uuid4().hex, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return "\n".join(fact % (once, number, now, 10 * number % 9_000) for number in range(_CROWD)).encode()


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_kills_without_end(run: OwnRun) -> None:
    until = time.monotonic() + _SOAK_SECONDS
    while time.monotonic() < until:
        with FactLoad(run.url, ADMIN_KEY) as load:
            _wait_decided_some(run, load)
            for victim in random.choices(VICTIMS, k=8):
                _kill(run, victim)
                _go_on(load, random.randrange(200))  # the next one may die while this one is still coming up
        _all_is_well(run, load)


def test_killed_run_is_gone_on_with_and_leaves_nothing(run: OwnRun) -> None:
    with FactLoad(run.url, ADMIN_KEY) as load:
        _wait_decided_some(run, load)
        children = {name: run.pid(name) for name in ("api", "worker")}
        servers = {name: run.pid(name) for name in ("postgres", "redis", "broker", "opensearch")}
        run.kill()
        run.start()
        assert {name: run.pid(name) for name in servers} == servers
        assert not {run.pid(name) for name in children} & {None, *children.values()}
        _go_on(load)
    _all_is_well(run, load)
    addresses = [one["url"] for one in run.tierline("stack", "status") if one["url"]]
    assert len(addresses) == 5
    assert run.stop(signal.SIGINT) == 0
    assert run.processes() == []
    assert [url for url in addresses if _listens(url)] == []


def _kill(run: OwnRun, victim: str) -> None:
    """kill -9, and wait until another one runs."""
    pid = run.pid(victim)
    assert pid
    psutil.Process(pid).kill()
    wait_for(lambda: run.pid(victim) not in (None, pid), PATIENCE_SECONDS)


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


def _wait_decided_some(run: OwnRun, load: FactLoad) -> None:
    """The load is under way, and what came first is decided."""
    wait_for(lambda: load.has_acknowledged(200), PATIENCE_SECONDS)
    first = load.position
    wait_for(lambda: run.rows("select from observations where through >= %s limit 1", first), PATIENCE_SECONDS)


def _go_on(load: FactLoad, facts: int = 300) -> None:
    enough = len(load.acknowledged) + facts
    wait_for(lambda: load.has_acknowledged(enough), PATIENCE_SECONDS)


def _all_is_well(run: OwnRun, load: FactLoad) -> None:
    run.wait_ready()
    wait_for(lambda: run.rows(_NOT_DECIDED) == [(0,)], PATIENCE_SECONDS)
    wait_for(lambda: _shows_everything(run), PATIENCE_SECONDS)

    assert not load.refusals
    recorded = run.rows(_FACTS)
    assert len(recorded) == len(set(recorded))
    assert load.acknowledged == load.sent <= set(recorded)
    assert run.rows(_DECIDED_TWICE) == []
    assert run.rows(_GAPS) == []
    receipts, models = run.tierline("verify", "receipts"), run.tierline("verify", "read-models")
    users = len({user for user, _ in recorded})
    assert receipts["checked"] > 0 and receipts["subjects"] == users and receipts["first"] == []
    equal = {"missing": 0, "different": 0, "extra": 0}
    assert models == {"users": users, "redis": equal, "opensearch": equal, "transitions": equal}


def _shows_everything(run: OwnRun) -> bool:
    shown = run.client.get("/v1/projections").json()
    return all(one["lag_events"] == 0 and not one["parked"] for one in shown["projections"])
