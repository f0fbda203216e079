"""Strategies and campaigns at the command line."""

from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Run

TEXT = """
strategy: welcome
time_zone: UTC
currency: USD
trigger: {by: hand}
do: [{tag: greeted}]
holdout: 10
goal: {sum: order.amount, within: 30 days}
"""
CAMPAIGN = """
campaign: spring
time_zone: UTC
starts_at: "2026-01-01T00:00:00Z"
ends_at: "2099-01-01T00:00:00Z"
strategies: [welcome]
"""


@pytest.fixture
def decided(tierline: Run, model_file: str, facts_file: str) -> Run:
    """u-0 to u-2, on the lowest tier by now."""
    tierline("model", "activate", model_file)
    tierline("facts", "import", "--history", facts_file)
    return tierline


def test_a_strategy_from_file_to_end(decided: Run, tmp_path: Path) -> None:
    file, wrong = tmp_path / "welcome.yaml", tmp_path / "wrong.yaml"
    file.write_text(TEXT)
    wrong.write_text(TEXT.replace("tag:", "tags:") + 'where: "spent > 1"\n')
    assert decided("strategy", "lint", str(file)) == []
    assert [fault["path"] for fault in decided("strategy", "lint", str(wrong), code=1)] == ["do.0"]
    assert decided("strategy", "define", str(file))["status"] == "draft"
    assert decided("strategy", "dry-run", "welcome")["users"] == 3
    assert "welcome version 1 is running" in decided("strategy", "start", "welcome", as_json=False)
    assert decided("strategy", "assign", "u-0", "welcome", "--arm", "treated")["arm"] == "treated"
    assert "already-assigned" in decided("strategy", "assign", "u-0", "welcome", code=1)
    users = tmp_path / "users.csv"
    users.write_text("user_id\nu-1\nu-2\nnobody\n")
    seen = decided("strategy", "bulk", "preview", "welcome", "--file", str(users))
    assert (seen["unknown"], seen["users"], seen["state"]) == (1, 2, "previewed")
    assert "segment" in decided("strategy", "bulk", "preview", "welcome", "--segment", "low", code=1)
    decided("segment", "define", "low", "tier.value = 'low'", "--owner", "crm", "--meaning", "low")
    assert decided("strategy", "bulk", "preview", "welcome", "--segment", "low")["where"] == "tier.value = 'low'"
    done = decided("strategy", "bulk", "run", seen["id"])
    assert sum([*done["so_far"]["assigned"].values(), *done["so_far"]["held"].values()]) == 2
    assert decided("strategy", "bulk", "revert", seen["id"])["state"] == "reverted"
    assert decided("strategy", "unassign", "u-0", "welcome")["strategy"] == "welcome"
    progress = decided("strategy", "progress", "welcome")
    assert (sum(arm["assigned"] for arm in progress["arms"]), sum(arm["live"] for arm in progress["arms"])) == (3, 0)
    (was,) = decided("user", "strategies", "u-0")
    assert (was["arm"], was["end_reason"], was["outcomes"]["clicked_at"]) == ("treated", "by-hand", None)
    assert "reported clicked" in decided("strategy", "progress", "welcome", as_json=False)
    assert decided("strategy", "pause", "welcome")["status"] == "paused"
    assert decided("strategy", "end", "welcome")["status"] == "ended"
    assert "does not come back" in decided("strategy", "start", "welcome", code=1)
    assert [one["strategy"] for one in decided("strategy", "list")] == ["welcome"]


def test_a_campaign(decided: Run, tmp_path: Path) -> None:
    file = tmp_path / "welcome.yaml"
    file.write_text(TEXT)
    decided("strategy", "define", str(file))
    file.write_text(CAMPAIGN)
    assert decided("campaign", "lint", str(file)) == []
    assert decided("campaign", "define", str(file))["status"] == "draft"
    days = ("--starts-at", "2099-02-01T00:00:00Z", "--ends-at", "2099-03-01T00:00:00Z")
    assert decided("campaign", "clone", "spring", "autumn", *days)["strategies"] == ["autumn-welcome"]
    assert [one["campaign"] for one in decided("campaign", "list")] == ["spring", "autumn"]
    assert decided("campaign", "start", "spring")["status"] == "running"
    assert decided("strategy", "show", "welcome")["campaign"] == "spring"
    assert decided("campaign", "progress", "spring")["strategies"][0]["status"] == "running"
    assert decided("campaign", "pause", "spring")["status"] == "paused"
    assert "spring is ended" in decided("campaign", "end", "spring", as_json=False)


def test_messages_with_their_states(decided: Run, tmp_path: Path) -> None:
    file = tmp_path / "welcome.yaml"
    file.write_text(TEXT.replace("{tag: greeted}", "{notify: sms, template: hello}"))
    decided("strategy", "define", str(file))
    assert decided("strategy", "messages", "welcome") == []
    assert "TIERLINE_MESSAGES_URL names nobody" in decided("strategy", "messages", "welcome", as_json=False)
    assert decided("user", "messages", "u-0", "--state", "sent") == []
    assert "There is no strategy" in decided("strategy", "messages", "nothing", code=1)
