"""docs/benefits.md is true: its files are what it says, and every command is run, in its order."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from domain.benefits.kinds import KINDS
from domain.benefits.lint import lint_text
from domain.benefits.reading import parse_benefit
from domain.benefits.spec import BenefitSpec
from tests.interfaces.cli.conftest import Run

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "benefits.md").read_text().partition("\n## Granting")[0]
BLOCKS = re.findall(r"^```([a-z ]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line.removeprefix("tierline ") for kind, block in BLOCKS if kind == "sh" for line in block.splitlines()]
MODEL = """
scheme: member
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [basic, gold]
features: {orders: {count: order}}
rules: {gold: "orders >= 3"}
"""


def block(kind: str) -> str:
    (text,) = (text for found, text in BLOCKS if found == kind)
    return text


def test_every_block_is_of_a_kind_that_is_run() -> None:
    assert {kind for kind, _ in BLOCKS} == {"yaml benefit", "yaml faulty", "faults", "sh"}


def test_the_benefit_has_no_faults_and_shows_every_key() -> None:
    assert lint_text(block("yaml benefit")) == []
    assert parse_benefit(block("yaml benefit")).model_fields_set == BenefitSpec.model_fields.keys()


def test_lint_says_what_the_page_says() -> None:
    assert [str(fault) for fault in lint_text(block("yaml faulty"))] == block("faults").splitlines()


def test_every_kind_and_each_of_its_details_is_named() -> None:
    for kind in KINDS.values():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{kind.name}` |"))
        assert [name for name in kind.details.model_fields if f"`{name}`" not in row] == []


def test_the_commands_do_what_the_page_says(tierline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIERLINE_BUDGET_APPROVAL_FROM", "50000000")
    Path("ten-off.yaml").write_text(block("yaml benefit"))
    Path("changed.yaml").write_text(block("yaml benefit").replace("stock: 5000", "stock: 9000"))
    Path("member.yaml").write_text(MODEL)
    tierline("model", "activate", "member.yaml")
    names: dict[str, str] = {}
    said: dict[str, Any] = {}
    for line in COMMANDS:
        answer = said[line] = tierline(*(names.get(word, word) for word in shlex.split(line)))
        if line.startswith("key create"):
            names[f"${shlex.split(line)[2].split(',')[0].upper()}"] = answer["key"]
    assert len(COMMANDS) >= 20
    found = {" ".join(line.split()[:3]): answer for line, answer in said.items()}
    assert (found["budget show year"]["children"], found["budget show year"]["waiting"]) == (["membership"], None)
    assert found["budget change membership"]["amount"] == 1_800_000
    assert (found["budget close membership"]["status"], found["budget reopen membership"]["status"]) == (
        "closed",
        "open",
    )
    waiting = found["budget change year"]
    assert (waiting["amount"], waiting["waiting"]["amount"]) == (20_000_000, 60_000_000)
    assert found["budget approve year"]["accounts"][0]["allowed"] == 60_000_000
    assert found["benefit lint ten-off.yaml"] == []
    assert found["benefit show ten-off"]["review"]["note"] == "for the winter"
    assert found["benefit approve ten-off@1"]["review"]["approved_by"].startswith("key:")
    assert found["benefit approve ten-off@1"]["review"]["approved_at"].endswith("Z")
    changed = found["benefit activate changed.yaml"]
    assert (changed["version"], changed["review"], changed["spec"]["stock"]) == (2, None, 9_000)
    assert (found["benefit retire ten-off"]["version"], found["benefit retire ten-off"]["status"]) == (1, "retired")
    assert (found["benefit activate ten-off@1"]["version"], found["benefit activate ten-off@1"]["status"]) == (
        1,
        "active",
    )
    assert [one["scope"] for one in found["grants stops"]] == ["benefit:ten-off"]
    assert found["grants lift benefit:ten-off"]["position"] > 0
    assert tierline("grants", "stops") == []


def test_what_is_refused_over_the_command_line(tierline: Run, tmp_path: Path) -> None:
    keys = {role: tierline("key", "create", role, "--role", role)["key"] for role in ("operator", "approver")}
    good = tmp_path / "good.yaml"
    good.write_text(re.sub("^(entitlement|redemption|clawback|budget):.*\n", "", block("yaml benefit"), flags=re.M))
    assert "is no budget" in str(tierline("benefit", "lint", str(ROOT / "examples/benefits/welcome-gift.yaml"), code=1))
    tierline("benefit", "submit", str(good), "--key", keys["operator"])
    refused = {
        ("benefit", "approve", "ten-off", "--key", keys["operator"]): "may not approve benefits",
        ("benefit", "activate", "ten-off@1", "--key", keys["operator"]): "not approved",
        ("benefit", "approve", "ten-off", "--key", keys["approver"], "--content-hash", "abc"): "not what was looked at",
        ("benefit", "show", "ten-of"): "no benefit 'ten-of'",
        ("budget", "show", "nope"): "no budget 'nope'",
        ("budget", "define", "a b", "--amount", "1", "--currency", "CNY"): "small letters",
        ("grants", "stop", "benefit:ten-of", "--reason", "x"): "no benefit 'ten-of'",
        ("grants", "lift", "*"): "is not stopped",
        ("grants", "lift", "*", "--key", keys["operator"]): "may not lift stops of grants",
    }
    for words, said in refused.items():
        assert said in tierline(*words, code=1), words
    assert "LANG=TEXT" in tierline(
        "budget", "define", "x", "--amount", "1", "--currency", "CNY", "--label", "en", code=2
    )
    assert "no such file" in tierline("benefit", "submit", "nope.yaml", code=2)
    table = tierline("benefit", "list", as_json=False)
    assert "ten-off" in table and "十元券" in table and "submitted" in table
    assert "No errors." in tierline("benefit", "lint", str(good), as_json=False)
    tierline("budget", "define", "year", "--amount", "500", "--currency", "CNY", "--ends-at", "2031-01-01T00:00:00Z")
    assert tierline("budget", "change", "year", "--ends-at", "never")["ends_at"] is None
    assert "500 CNY" in tierline("budget", "show", "year", as_json=False)
