"""A history whose loading or deciding is killed, and resumed, is decided as one left in peace, each event once."""

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from application.facts.record_facts import RecordFactStream
from domain.facts.instants import SECOND, parse_instant
from infrastructure.local_stack import launch
from tests.interfaces.http.conftest import as_url
from tests.support.ledger import MASTER_KEY, LedgerSystem, order
from tests.support.servers import CHECKOUT
from tests.support.waiting import wait_for

DAY = 86_400 * SECOND
USERS, FACTS = 1_500, 8
PATIENCE_SECONDS = 90.0
MODEL = """
scheme: value
dimension: value
time_zone: UTC
currency: USD
tiers: [low, mid, high]
features:
  spend: {sum: order.amount, within: 30 days}
rules:
  high: {enter: "spend >= money(60.00)"}
  mid: {enter: "spend >= money(20.00)"}
policy:
  downgrade: {grace: 5 days, steps: 1}
"""
_NOTE = "so long that the file is recorded in several commits " * 20
_LOADED = "select count(*) from facts"
_WAITING = "select count(*) from timelines t join history_sessions h using (history_id) where h.sealed_at is not null"

Decisions = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A year of facts, long past: all that follows from them has happened."""
    chance, begin = random.Random(3), parse_instant("2024-01-01T00:00:00Z")
    facts = [
        order(f"f{n}", f"u{user}", begin + chance.randrange(360 * DAY), chance.randrange(100, 4_000), note=_NOTE)
        for user in range(USERS)
        for n in range(FACTS)
    ]
    chance.shuffle(facts)
    path = tmp_path_factory.mktemp("past") / "facts.ndjson"
    path.write_text("\n".join(json.dumps(fact) for fact in facts))
    return path


@pytest.fixture
def undisturbed(other_database: str, past: Path) -> Decisions:
    with LedgerSystem(other_database) as system:
        system.activate(MODEL)
        _load_and_seal(system, past)
        system.settle()
    decided = decisions(other_database)
    assert len(decided) == USERS and sum(len(events) for events in decided.values()) > 10 * USERS
    return decided


def decisions(database: str) -> Decisions:
    """What was decided for every user, in order, but for the hash that each subject's own key makes."""
    with LedgerSystem(database) as system:
        decided = system.events()
    for event in (event for events in decided.values() for event in events if "receipt" in event):
        del event["receipt"]["facts_hash"]
    return decided


@pytest.mark.parametrize("killed_while", ["loading", "deciding"])
def test_import_killed_and_run_again(
    killed_while: str, database: str, environment: dict[str, str], past: Path, undisturbed: Decisions
) -> None:
    with LedgerSystem(database) as system:
        system.activate(MODEL)
    command = ("interfaces.cli.main", "facts", "import", "--history", str(past), "--json")
    with _started(environment, *command) as first:
        if killed_while == "loading":
            wait_for(lambda: _count(database, _LOADED) or first.poll() is not None, PATIENCE_SECONDS)
        else:
            _wait_half_decided(database, first)
        first.kill()
        first.wait(PATIENCE_SECONDS)
    if killed_while == "loading":
        assert 0 < _count(database, _LOADED) < USERS * FACTS
    else:
        assert 0 < _count(database, _WAITING) < USERS
    with _started(environment, *command) as again:
        printed, _ = again.communicate(timeout=PATIENCE_SECONDS)
        assert again.returncode == 0
    answer = json.loads(printed)
    assert answer["accepted"] + answer["duplicates"] == _count(database, _LOADED) == USERS * FACTS
    assert answer["duplicates"] > 0
    assert _count(database, _WAITING) == 0
    assert decisions(database) == undisturbed


def test_worker_killed_while_it_decides_a_history(
    database: str, environment: dict[str, str], past: Path, undisturbed: Decisions
) -> None:
    with LedgerSystem(database) as system:
        system.activate(MODEL)
        _load_and_seal(system, past)
    with _started(environment, "interfaces.worker.main") as first:
        _wait_half_decided(database, first)
        first.kill()
        first.wait(PATIENCE_SECONDS)
    assert _count(database, _WAITING) > 0
    with _started(environment, "interfaces.worker.main") as second:
        wait_for(lambda: _count(database, _WAITING) == 0, PATIENCE_SECONDS)
        second.terminate()
        assert second.wait(PATIENCE_SECONDS) == 0
    assert decisions(database) == undisturbed


@pytest.fixture
def environment(database: str, redis_url: str, broker_url: str, tmp_path: Path) -> dict[str, str]:
    """Of processes over this test's database. OpenSearch is off: only its read models miss it."""
    return os.environ | {
        "TIERLINE_HOME": str(tmp_path / "home"),
        "TIERLINE_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "TIERLINE_DATABASE_URL": as_url(database),
        "TIERLINE_REDIS_URL": redis_url,
        "TIERLINE_BROKER_URL": broker_url,
        "TIERLINE_OPENSEARCH_URL": "http://127.0.0.1:9",
    }


@contextmanager
def _started(environment: dict[str, str], *module: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that ends with the block, or with this process, whatever happens."""
    command = [sys.executable, "-P", launch.__file__, "attend", str(os.getpid()), sys.executable, "-m", *module]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _load_and_seal(system: LedgerSystem, past: Path) -> None:
    session = system.sessions.open("test")
    with past.open("rb") as lines:
        assert system.record.stream(RecordFactStream(lines, session.history_id)).rejected_count == 0
    system.sessions.seal(session.history_id, "test")


def _wait_half_decided(database: str, decider: "subprocess.Popen[str]") -> None:
    wait_for(lambda: 0 < _count(database, _WAITING) < USERS or decider.poll() is not None, PATIENCE_SECONDS)


def _count(database: str, query: LiteralString) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute(query).fetchone()
    assert row
    return int(row[0])
