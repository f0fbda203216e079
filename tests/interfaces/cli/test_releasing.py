"""docs/releasing-a-model.md is true: every command on the page is run, in its order, and does what the page says."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.interfaces.cli.conftest import Run
from tests.interfaces.cli.test_fitting import written

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "releasing-a-model.md").read_text()
COMMANDS = [
    line.removeprefix("tierline ")
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]


def test_the_page_is_true(tierline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = (ROOT / "examples" / "models" / "value.yaml").read_text()
    Path("value.yaml").write_text(model)
    Path("changed.yaml").write_text(model.replace("grace: 30 days", "grace: 60 days"))
    tierline("facts", "import", "--history", written(tmp_path / "facts.ndjson", "u", 120, 100))
    names: dict[str, str] = {}
    said: dict[str, Any] = {}
    for line in COMMANDS:
        words = [names.get(word, word) for word in shlex.split(line)]
        answer = said[line] = tierline(*words)
        if words[:2] == ["key", "create"]:
            names[f"${words[2].split(',')[0].upper()}"] = answer["key"]
    assert len(COMMANDS) == len(said) >= 14
    shown = said["model show value@2"]
    assert (shown["status"], shown["review"]["note"]) == ("submitted", "sixty days of grace, for the winter")
    assert shown["review"]["submitted_by"].startswith("key:")
    assert shown["review"]["submitted_at"].endswith("Z") and shown["review"]["approved_at"] is None
    by_step = {words[1]: words[0] for words in ((line, line.split()[1]) for line in COMMANDS)}
    assert said[by_step["approve"]]["review"]["approved_by"].startswith("key:")
    assert said[by_step["schedule"]]["scheduled_at"] == "2031-01-01T05:00:00Z"
    announced = said["model notice value@2"]
    assert (announced["from"], announced["against"]) == ("2031-01-01T05:00:00Z", 1)
    assert any("after 60 days of grace. Before: " in change for change in announced["changes"])
    assert "自2031年1月1日起生效。" in said["model notice value@2 --lang zh-CN"]["text"]
    assert said[by_step["unschedule"]]["status"] == "approved"
    some, all_ = (said[line] for line in COMMANDS if "--percent" in line)
    assert some["migration"] == {"mode": "soft-landing", "grace_days": 30, "percent": 10.0}
    assert all_["migration"] == {"mode": "soft-landing", "grace_days": 30}
    assert said["model activate value@1 --key $BOB"]["status"] == "active"
    assert said["verify receipts"]["different"] == 0
    assert said[by_step["retire"]]["status"] == "retired"


def test_what_is_refused_over_the_command_line(tierline: Run, model_file: str, tmp_path: Path) -> None:
    keys = {role: tierline("key", "create", role, "--role", role)["key"] for role in ("analyst", "approver", "admin")}
    tierline("model", "activate", model_file)
    changed = tmp_path / "changed.yaml"
    changed.write_text(Path(model_file).read_text().replace("money(10.00)", "money(20.00)"))
    tierline("model", "submit", str(changed), "--key", keys["admin"])
    refused = {
        ("approve", "value@2", "--key", keys["admin"]): "cannot approve it",
        ("approve", "value@2", "--key", keys["analyst"]): "may not approve tier models",
        ("approve", "value@2", "--key", keys["approver"], "--content-hash", "abc"): "not what was looked at",
        ("activate", "value@2", "--key", keys["admin"]): "not approved",
        ("schedule", "value@2", "--at", "2020-01-01T00:00:00Z"): "too early",
        ("approve", "value@2", "--key", "tl_none_such"): "not known",
        ("unschedule", "value@2"): "not scheduled",
        ("retire", "value@1"): "is active",
    }
    for words, said in refused.items():
        assert said in tierline("model", *words, code=1), words
    tierline("model", "approve", "value@2", "--key", keys["approver"])
    shown = json.dumps(tierline("model", "show", "value@2"))
    assert keys["approver"] not in shown, "no key is ever shown"


@pytest.mark.parametrize(
    "words", [["activate"], ["schedule", "--at", "2099-01-01T00:00:00Z"], ["preview"], ["shadow", "start"]]
)
def test_a_tier_is_mapped_once(tierline: Run, model_file: str, words: list[str]) -> None:
    tierline("model", "activate", model_file)
    mapped = ("--map", "high=high", "--map", "low=low", "--map", "high=mid")
    said = tierline("model", *words, "value@1", *mapped, code=2)
    assert "high is mapped more than once" in " ".join(said.split())


def test_a_shadow_that_is_not_there_is_refused(tierline: Run, model_file: str) -> None:
    tierline("model", "activate", model_file)
    for command in ("status", "differences", "stop"):
        assert "nope" in tierline("model", "shadow", command, "nope", code=1)
        assert "not decided beside" in tierline("model", "shadow", command, "value", code=1, as_json=False)
    assert "no version 7" in tierline("model", "shadow", "status", "value@7", code=1)


def test_a_preview_is_read_from_left_to_right(tierline: Run, facts_file: str, model_file: str, tmp_path: Path) -> None:
    lasting = Path(model_file).read_text().replace("30 days", "36500 days")
    (tmp_path / "lasting.yaml").write_text(lasting)
    (tmp_path / "stricter.yaml").write_text(lasting.replace("money(10.00)", "money(60.00)"))
    tierline("model", "activate", str(tmp_path / "lasting.yaml"))
    tierline("facts", "import", "--history", facts_file)
    tierline("model", "submit", str(tmp_path / "stricter.yaml"))
    lines = [line.split() for line in tierline("model", "preview", "value@2", as_json=False).splitlines()]
    assert ["from", "to", "how", "many"] in lines and ["mid", "low", "3"] in lines
    assert [line[0] for line in lines if len(line) == 3 and line[0] in ("low", "mid", "high")] == [
        "low", "mid", "high", "mid",
    ], "the tiers in their order, then the move"  # fmt: skip
