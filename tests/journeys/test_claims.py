"""Many claim what is there for few, from several processes that are killed -9: exactly so many get it, and the budget,
the stock, the ledger and the cards say so."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from infrastructure.benefits.ledger import PostgresLedgerFigures
from infrastructure.event_store.tail import LogTail
from infrastructure.local_stack.stack import LocalStack
from infrastructure.opensearch.client import open_opensearch
from infrastructure.read_models.wiring import build_read_models
from infrastructure.redis.client import open_redis
from projections.user_card.view import UserCardView
from tests.journeys.own_run import ADMIN_KEY, PATIENCE_SECONDS, OwnRun
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force
from tests.support.grants import MODEL, START
from tests.support.ledger import LedgerSystem, order
from tests.support.ledger_proof import proof_of
from tests.support.servers import CHECKOUT, SearchSpace
from tests.support.waiting import wait_for

pytestmark = pytest.mark.timeout(600)

USERS, UNITS = 600, 60
SOAK_CLAIMS, SOAK_UNITS = 10_000, 1_000


@contextmanager
def claiming(dsn: str, share: int) -> Iterator["subprocess.Popen[str]"]:
    """A process that claims for every second user."""
    command = [sys.executable, "-m", "tests.support.claiming", dsn, str(share), "2", str(USERS)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_claims_from_processes_that_are_killed(database: str, redis_url: str, opensearch: SearchSpace) -> None:
    """One dies in the middle, and claims again under the same names: nobody gets two, and no unit is lost."""
    with LedgerSystem(database) as system:
        system.activate(MODEL)
        system.facts([order(f"f-{number}", f"claimant-{number}", START) for number in range(USERS)])
        system.settle()
        open_budget(database, "spring", UNITS * 1_000)
        put_in_force(database, {**COUPON, "stock": UNITS, "budget": "spring"})
        answers: set[tuple[int, str]] = set()
        with claiming(database, 0) as steady, claiming(database, 1) as victim:
            assert victim.stdout is not None and steady.stdout is not None
            for line in victim.stdout:
                answers.add(_answer(line))
                if len(answers) == 15:
                    victim.kill()
            assert victim.wait() == -9
            with claiming(database, 1) as again:
                assert again.stdout is not None
                answers |= {_answer(line) for line in again.stdout} | {_answer(line) for line in steady.stdout}
        granted = {number for number, answer in answers if answer == "granted"}
        assert len(granted) == UNITS and len(answers) == USERS, "an answer that was given once stays the same"
        assert accounts(database) == {
            "budget:spring": (UNITS * 1_000, UNITS * 1_000, 0),
            "stock:coupon-10": (UNITS, UNITS, 0),
        }
        found = proof_of(system.pool, system.keyring)
        assert found["clean"] and (found["grants"], found["events"]) == (UNITS, UNITS), found
        (owed,) = PostgresLedgerFigures(system.pool).liability("benefit").totals
        assert (owed.grants, owed.left.cost) == (UNITS, UNITS * 1_000)
        with closing(open_redis(redis_url)) as redis, closing(open_opensearch(opensearch.url)) as search:
            tail = LogTail(system.pool, system.keyring)
            models = build_read_models(system.pool, tail, redis, search, opensearch.prefix)
            shown = models.verify()
            assert all(one.equal for one in shown.values()) and shown["user_card"].checked == USERS
            cards = UserCardView(redis).read_many([f"claimant-{number}" for number in range(USERS)])
            assert sum('"benefit":"coupon-10"' in str(card) for card in cards.values()) == UNITS


def _answer(line: str) -> tuple[int, str]:
    number, answer = line.split()
    return int(number), answer


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_ten_thousand_claims_while_everything_is_killed(tmp_path: Path) -> None:
    """API and worker of `tierline run`, and one more of each, killed at random until the last claim is answered."""
    run = OwnRun(tmp_path / "home")
    try:
        run.start()
        dsn = LocalStack(run.home).urls["postgres"]
        _populate(run, dsn)
        answers: dict[int, int] = {}
        with _Extras(run) as extras, _Killer(run, extras, answers) as killer:
            _claim_all([run.url, extras.url], answers)
        assert killer.kills >= 10, "it was hardly killed"
        run.wait_ready()
        wait_for(lambda: all(one["lag_events"] == 0 for one in _projections(run)), PATIENCE_SECONDS)
        granted = [number for number, status in answers.items() if status == 201]
        assert len(granted) == SOAK_UNITS and len(answers) == SOAK_CLAIMS, killer.kills
        assert run.rows("select count(*), sum(units) from grants") == [(SOAK_UNITS, SOAK_UNITS)]
        whole = SOAK_UNITS * 1_000
        assert accounts(dsn) == {
            "budget:spring": (whole, whole, 0),
            "stock:coupon-10": (SOAK_UNITS, SOAK_UNITS, 0),
        }
        proof = run.tierline("verify", "ledger")
        assert (proof["grants"], proof["events"], proof["clean"]) == (SOAK_UNITS, SOAK_UNITS, True)
        (owed,) = run.tierline("ledger", "liability")["totals"]
        assert (owed["grants"], owed["units"], owed["cost"]) == (SOAK_UNITS, SOAK_UNITS, whole)
        models = run.tierline("verify", "read-models")
        assert all(not any(models[name].values()) for name in ("redis", "opensearch", "transitions")), models
        assert _units_on_cards(run) == SOAK_UNITS
    finally:
        run.end()


def _populate(run: OwnRun, dsn: str) -> None:
    model = run.client.post("/v1/tier-models", json=MODEL)
    assert model.status_code == 201, model.text
    assert run.client.post(f"/v1/tier-models/value/versions/{model.json()['version']}/activate").status_code == 200
    fact = '{"fact_id":"first","user_id":"claimant-%d","kind":"order","occurred_at":"%s","amount":1,"currency":"USD"}'
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    lines = "\n".join(fact % (number, now) for number in range(SOAK_CLAIMS)).encode()
    sent = run.client.post("/v1/facts", content=lines, headers={"content-type": "application/x-ndjson"}, timeout=300)
    assert sent.json()["accepted"] == SOAK_CLAIMS, sent.text
    undecided = "select count(*) from timelines where decided_at is null or due_at <= tierline_peek()"
    wait_for(lambda: run.rows(undecided) == [(0,)], 300)
    open_budget(dsn, "spring", SOAK_UNITS * 1_000)
    put_in_force(dsn, {**COUPON, "stock": SOAK_UNITS, "budget": "spring"})


def _claim_all(urls: list[str], answers: dict[int, int]) -> None:
    """Every claim until it has an answer that stays: 201, or 409 because nothing is left."""
    numbers = list(range(SOAK_CLAIMS))
    random.shuffle(numbers)
    clients = [httpx.Client(base_url=url, headers={"authorization": f"Bearer {ADMIN_KEY}"}, timeout=20) for url in urls]

    def claim(number: int) -> None:
        body, key = {"benefit": "coupon-10"}, {"idempotency-key": f"claim-{number}"}
        until = time.monotonic() + 300
        while number not in answers:
            assert time.monotonic() < until, f"claim {number} is never answered"
            with suppress(httpx.TransportError):
                path = f"/v1/users/claimant-{number}/grants"
                found = random.choice(clients).post(path, json=body, headers=key)
                exhausted = found.status_code == 409 and "exhausted" in found.json()["type"]
                if found.status_code == 201 or exhausted:
                    answers[number] = found.status_code
                    return
                assert found.status_code in (409, 503), found.text
            threading.Event().wait(random.random() / 4)

    with ThreadPoolExecutor(24) as threads:
        for _ in threads.map(claim, numbers):
            pass
    for client in clients:
        client.close()


class _Extras:
    """One more API and one more worker on the same stack. Started again when they have died."""

    def __init__(self, run: OwnRun) -> None:
        self._run = run
        self.port = run.port + 1
        self.url = f"http://127.0.0.1:{self.port}"
        self._modules = {
            "extra api": ["interfaces.http.main", "--port", str(self.port)],
            "extra worker": ["interfaces.worker.main"],
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "_Extras":
        for name in self._modules:
            self._start(name)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def kill(self, name: str) -> None:
        """kill -9, and another one."""
        self._processes[name].kill()
        self._processes[name].wait()
        self._start(name)

    def _start(self, name: str) -> None:
        command = [sys.executable, "-m", *self._modules[name]]
        with self._run.home.with_name("extras.said").open("ab") as said:
            self._processes[name] = subprocess.Popen(
                command, cwd=CHECKOUT, env=self._run.environment, stdout=said, stderr=subprocess.STDOUT
            )


class _Killer:
    """Kills one after the other at random, again and again after some more answers: also while another comes up."""

    def __init__(self, run: OwnRun, extras: _Extras, answers: dict[int, int]) -> None:
        self.kills = 0
        self._run, self._extras, self._answers, self._stop = run, extras, answers, threading.Event()
        self._thread = threading.Thread(target=self._work, name="killer")

    def __enter__(self) -> "_Killer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        after = random.randrange(100)
        while not self._stop.wait(0.1):
            if len(self._answers) < after:
                continue
            after = len(self._answers) + random.randrange(100, 500)
            victim = random.choice(("api", "worker", "extra api", "extra worker"))
            if victim.startswith("extra"):
                self._extras.kill(victim)
                self.kills += 1
                continue
            pid = _child_of(self._run, f"interfaces.{'http' if victim == 'api' else 'worker'}.main")
            if pid is not None:
                with suppress(psutil.NoSuchProcess):
                    psutil.Process(pid).kill()
                    self.kills += 1


def _child_of(run: OwnRun, module: str) -> int | None:
    """The process of `tierline run` that runs a module."""
    for process in run.processes():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            told = process.cmdline()
            if module in told and str(run.port + 1) not in told and process.ppid() != psutil.Process().pid:
                return process.pid
    return None


def _projections(run: OwnRun) -> list[dict]:
    found: list[dict] = run.client.get("/v1/projections").json()["projections"]
    return found


def _units_on_cards(run: OwnRun) -> int:
    units = 0
    for first in range(0, SOAK_CLAIMS, 500):
        names = [f"claimant-{number}" for number in range(first, first + 500)]
        users = run.client.post("/v1/users/batch-get", json={"user_ids": names}).json()["users"]
        units += sum(grant["left"] for user in users for grant in user["grants"])
    return units
