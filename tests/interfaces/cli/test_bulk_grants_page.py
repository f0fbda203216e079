"""docs/bulk-grants.md is true: every command on the page is run, in its order, and does what the page says."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.interfaces.cli.conftest import Run
from tests.support.benefits import COUPON, open_budget, put_in_force

PAGE = (Path(__file__).parents[3] / "docs" / "bulk-grants.md").read_text()
COMMANDS = [
    line.removeprefix("tierline ")
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.strip().splitlines()
]


def test_every_command_on_the_page(
    tierline: Run, database: str, model_file: str, facts_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIERLINE_BULK_APPROVAL_FROM", "5000")
    monkeypatch.chdir(tmp_path)
    tierline("model", "activate", model_file)
    tierline("facts", "import", "--history", facts_file)
    open_budget(database, "gifts", 100_000)
    put_in_force(database, COUPON)
    Path("people.csv").write_text("user_id,name\nu-0,Ann\nu-1,Bob\nu-2,Cid\nnobody,X\n")
    names = {"BOB": tierline("key", "create", "Bob", "--role", "approver")["key"]}
    answers: dict[str, Any] = {}
    for command in COMMANDS:
        words = [names[word[1:]] if word.startswith("$") else word for word in shlex.split(command)]
        act = words[2]
        answers[act] = tierline(*words)
        if act == "preview":
            names["ID"] = answers[act]["run_id"]
    assert list(answers) == ["preview", "approve", "start", "show", "list", "revert"]
    assert (answers["preview"]["approvals_needed"], answers["preview"]["preview"]["cost"]) == (1, 6_000)
    assert len(answers["approve"]["approved_by"]) == 1
    assert (answers["start"]["state"], answers["start"]["progress"]["granted"]) == ("finished", 3)
    assert answers["show"]["approvals_skipped"] is False
    assert answers["revert"]["progress"]["reverted_units"] == 6


def test_the_page_names_every_setting_and_reason() -> None:
    for named in ("TIERLINE_BULK_APPROVAL_FROM", "TIERLINE_BULK_SECOND_APPROVAL_FROM", "budget-exhausted"):
        assert named in PAGE
