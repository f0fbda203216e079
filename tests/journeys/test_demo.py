"""`tierline demo`, as a stranger runs it: once, and again. On few households: the whole year is the same, longer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.timeout(400)
def test_the_demo_loads_answers_and_goes_on_from_what_is_there(stack, tmp_path):
    """stack: only so that this is skipped where the servers cannot run. The demo has servers of its own."""
    environment = {**os.environ, "TIERLINE_HOME": str(tmp_path / "home")}

    def tierline(*arguments: str) -> str:
        command = [sys.executable, "-m", "interfaces.cli.main", *arguments]
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = json.loads(tierline("demo", "--households", "60", "--json"))
    assert {server["status"] for server in json.loads(tierline("stack", "status", "--json"))} == {"stopped"}
    assert first["loaded"]["loaded_before"] is False
    assert [sum(one["tiers"].values()) for one in first["distributions"].values()] == [60, 60, 60]
    assert {event["data"]["cause"] for event in first["history"]["events"] if event["data"].get("scheme")} == {
        "history"
    }
    assert set(first["card"]["standings"]) == set(first["past"]["standings"]) == {"value", "behaviour", "feature"}
    given, (account,) = first["given"], first["given"]["budget"]["accounts"]
    assert given["benefit"]["review"]["approved_by"] != given["benefit"]["review"]["submitted_by"]
    assert 1 <= len(given["grants"]) <= 8 and {one["status"] for one in given["grants"]} == {"open"}
    redeemed, left = (sum(one[what] for one in given["grants"]) for what in ("redeemed", "left"))
    assert (account["spent"], account["reserved"]) == (500 * redeemed, 500 * left) and redeemed == min(
        3, len(given["grants"])
    )
    users = sum(arm["assigned"] for arm in first["strategy"]["arms"])
    assert users == first["segment"]["total"] > 0
    assert {arm["holdout"] for arm in first["strategy"]["arms"]} <= {None, "strategy"}
    assert [one["strategy"] for one in first["card"]["strategies"]] == ["win-back"]
    assert {one["lag_events"] for one in first["projections"]["projections"]} == {0}

    page = tierline("demo", "--households", "60")
    assert "important_value" in page and "How fresh is all this?" in page
    again = json.loads(tierline("demo", "--households", "60", "--json"))
    assert again["loaded"] == {**first["loaded"], "loaded_before": True}
    assert "valued-coupon" in page and "What is promised of its budget" in page
    strip = [{**one, "position": 0} for one in first["given"]["grants"]]
    assert [{**one, "position": 0} for one in again["given"]["grants"]] == strip
    assert again["strategy"]["arms"] == first["strategy"]["arms"]
    assert again["history"]["events"] == first["history"]["events"]
    assert again["projections"]["position"] == first["projections"]["position"]
