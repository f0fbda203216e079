"""`tierline verify receipts`: by several processes, broken off and gone on with, and what it says of tampering."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from tests.interfaces.cli.conftest import Run
from tests.interfaces.cli.test_fitting import written


@pytest.fixture
def decided(tierline: Run, model_file: str, tmp_path: Path) -> Run:
    """Some hundred users, decided out of history."""
    tierline("model", "activate", model_file)
    tierline("facts", "import", "--history", written(tmp_path / "facts.ndjson", "u", 200, 100))
    return tierline


def test_by_several_processes(decided: Run) -> None:
    alone = decided("verify", "receipts")
    together = decided("verify", "receipts", "--processes", "2")
    assert alone["clean"] and together["clean"]
    assert alone["checked"] == together["checked"] > 0
    assert (together["subjects_done"], together["state"]) == (200, "done")
    assert "checked" in decided("verify", "receipts", "--scheme", "value", as_json=False)


def test_killed_and_gone_on_with(decided: Run, database: str) -> None:
    whole = decided("verify", "receipts")["checked"]
    command = [sys.executable, "-m", "interfaces.cli.main", "verify", "receipts", "--processes", "1", "--json"]
    killed = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with psycopg.connect(database, autocommit=True) as connection:
        query = "select run_id, count(*) filter (where state = 'done') from run_parts group by run_id"
        until = time.monotonic() + 60
        while True:
            begun = [row for row in connection.execute(query).fetchall() if row[1] < 16]
            if begun or killed.poll() is not None:
                break
            assert time.monotonic() < until
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        connection.execute("update run_parts set lease_until = now() - interval '1 second'")  # half a minute passes
    (run_id, _) = begun[0]
    found = decided("verify", "receipts", "--resume", str(run_id))
    assert (found["id"], found["state"], found["checked"]) == (str(run_id), "done", whole)


def test_tampering_is_told(decided: Run, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update facts set amount = amount + 1 where subject_id = (select min(subject_id::text)::uuid from facts)"
        )
        connection.execute("update tier_models set content_hash = 'x'")
    found = decided("verify", "receipts", code=1)
    assert (found["clean"], found["broken_chains"], found["broken_models"]) == (False, 1, 1)
    told = decided("verify", "receipts", as_json=False, code=1)
    assert "broken-model: value@1" in told and "broken-chain: u" in told
    assert "no verification" in decided("verify", "receipts", "--resume", "nope", code=1)
