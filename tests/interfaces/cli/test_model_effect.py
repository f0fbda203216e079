"""docs/model-effect.md is true: every command on the page is run, and answers what the page says."""

import re
import shlex
from pathlib import Path
from typing import Any

from tests.interfaces.cli.conftest import Run
from tests.interfaces.cli.test_fitting import written
from tests.interfaces.http.conftest import MODEL

PAGE = (Path(__file__).parents[3] / "docs" / "model-effect.md").read_text()
COMMANDS = [
    line.removeprefix("tierline ")
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
SCORED = MODEL.replace("rules:", "scores:\n  m: {of: spend, bins: 4, cuts: fitted}\nrules:")


def _loaded(tierline: Run, path: Path) -> None:
    (path / "value.yaml").write_text(SCORED)
    (path / "stricter.yaml").write_text(SCORED.replace("100.00", "120.00"))
    session = written(path / "facts.ndjson", "u", 60, 300)
    tierline("facts", "import", "--history", session)
    tierline("model", "activate", str(path / "value.yaml"))
    tierline("facts", "import", "--history", written(path / "more.ndjson", "v", 60, 300))
    tierline("model", "submit", str(path / "stricter.yaml"))


def test_the_page_is_true(tierline: Run, tmp_path: Path) -> None:
    _loaded(tierline, tmp_path)
    plain, longer, past = said = [tierline(*shlex.split(line)) for line in COMMANDS]
    for found in said:
        assert (found["state"], found["data"]["users"], found["data"]["facts"] > 0) == ("done", 120, True)
    assert (len(plain["weeks"]), len(plain["periods"])) == (13, 2)
    assert (len(longer["weeks"]), len(longer["periods"]), longer["horizon_days"]) == (26, 4, 90)
    assert past["at"] == "2026-06-01T00:00:00Z" and set(past["periods"][-1]["versions"]) == {"1", "2"}
    told: dict[str, Any] = past["periods"][-1]
    assert told["users"] == 120 and told["plain_spend"]["spearman"] > 0.9
    for name in ("moved", "up", "down", "share_moved", "drift", "version", "tiers"):
        assert all(name in week for week in past["weeks"]) and f"`{name}`" in PAGE
    for name in ("plain_spend", "standing", "tiers"):
        assert name in told and f"`{name}`" in PAGE
    assert set(told["versions"]["1"]) == {"qualified", "scores", "tiers"}
    printed = tierline(*shlex.split(COMMANDS[-1]), as_json=False)
    assert "plain spend before" in printed and "version 2: m" in printed and "worth: order.amount" in printed


def test_what_is_refused(tierline: Run, model_file: str) -> None:
    assert "no scheme" in tierline("scheme", "effect", "value", code=1)
    tierline("model", "activate", model_file)
    assert "weeks" in tierline("scheme", "effect", "value", "--weeks", "0", code=1)
    assert "ahead of now" in tierline("scheme", "effect", "value", "--at", "2099-01-01T00:00:00Z", code=1)
    assert "version" in tierline("scheme", "effect", "value", "--version", "9", code=1)
    assert "value.sum" in tierline("scheme", "effect", "value", "--sum", "orders", code=1)
    key = tierline("key", "create", "desk", "--role", "service")["key"]
    assert "may not measure" in tierline("scheme", "effect", "value", "--key", key, code=1)
