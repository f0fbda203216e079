"""`tierline grants bulk`: the way that docs/bulk-grants.md shows, and what goes wrong on it."""

from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Run
from tests.support.benefits import COUPON, open_budget, put_in_force


@pytest.fixture
def ready(tierline: Run, database: str, model_file: str, facts_file: str) -> Run:
    """u-0, u-1 and u-2, decided."""
    tierline("model", "activate", model_file)
    tierline("facts", "import", "--history", facts_file)
    open_budget(database, "spring", 100_000)
    put_in_force(database, {**COUPON, "budget": "spring"})
    return tierline


def test_from_preview_to_revert(ready: Run, tmp_path: Path) -> None:
    lines = tmp_path / "people.csv"
    lines.write_text("user_id\nu-0\nu-1\nu-9\n")
    planned = ready(
        "grants", "bulk", "preview", "coupon-10", "--file", str(lines), "--units", "2", "--reason", "spring"
    )
    assert (planned["state"], planned["people"], planned["unknown"]) == ("previewed", 2, 1)
    assert (planned["preview"]["gets"], planned["preview"]["cost"]) == (2, 4_000)
    run_id = planned["run_id"]
    done = ready("grants", "bulk", "start", run_id)
    assert (done["state"], done["progress"]["granted"]) == ("finished", 2)
    told = ready("grants", "bulk", "show", run_id, as_json=False)
    assert "2 granted, 0 left; cost 4,000 USD" in told
    reverted = ready("grants", "bulk", "revert", run_id, "--reason", "the wrong coupon")
    assert (reverted["state"], reverted["progress"]["reverted_units"]) == ("reverted", 4)
    assert run_id in ready("grants", "bulk", "list", as_json=False)
    assert "cannot be resumed" in ready("grants", "bulk", "resume", run_id, code=1)


def test_held_and_let_go(ready: Run, tmp_path: Path) -> None:
    lines = tmp_path / "people.ndjson"
    lines.write_text('"u-0"\n{"user_id": "u-1"}\n{"user": "u-2"}\nu-2\n')
    told = ready("grants", "bulk", "preview", "coupon-10", "--file", str(lines), as_json=False)
    assert "Would be granted to 2" in told
    [planned] = ready("grants", "bulk", "list")
    assert planned["unknown"] == 2
    rejected = ready("grants", "bulk", "reject", planned["run_id"], "--reason", "too dear")
    assert rejected["state"] == "rejected"
    other = ready("grants", "bulk", "preview", "coupon-10", "--file", str(lines))["run_id"]
    assert "cannot be paused" in ready("grants", "bulk", "pause", other, code=1)
    assert "cannot approve it" in ready("grants", "bulk", "approve", other, code=1)
    assert ready("grants", "bulk", "cancel", other)["state"] == "cancelled"
    assert "no bulk grant" in ready("grants", "bulk", "show", "nope", code=1)
    assert "one of them" in ready("grants", "bulk", "preview", "coupon-10", code=2)
