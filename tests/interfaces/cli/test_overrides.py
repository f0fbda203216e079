"""Pins, freezes and opening standings at the command line, one by one and in files."""

from pathlib import Path

import pytest

from tests.interfaces.cli.conftest import Run


@pytest.fixture
def decided(tierline: Run, model_file: str, facts_file: str) -> Run:
    """u-0 to u-2, on the lowest tier by now."""
    tierline("model", "activate", model_file)
    tierline("facts", "import", "--history", facts_file)
    return tierline


def test_a_pin_and_a_freeze(decided: Run) -> None:
    pinned = decided("user", "pin", "u-0", "value", "high", "--mode", "floor", "--reason", "a friend")
    assert pinned["changed"] and pinned["position"] > 0
    again = decided("user", "pin", "u-0", "value", "high", "--mode", "floor", "--reason", "x", as_json=False)
    assert "already" in again
    assert decided("user", "freeze", "u-0", "value", "--reason", "why")["changed"]
    assert decided("user", "unfreeze", "u-0", "value")["changed"]
    assert decided("user", "unpin", "u-0", "value")["changed"]
    assert "was not pinned" in decided("user", "unpin", "u-0", "value", as_json=False)
    assert "use one of low, mid, high" in decided("user", "pin", "u-0", "value", "gold", "--reason", "x", code=1)
    assert decided("verify", "receipts")["different"] == 0


def test_doctor_says_which_tier_of_the_setting_is_gone(decided: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def part() -> dict[str, str]:
        return next(one for one in decided("doctor") if one["name"] == "overrides")

    monkeypatch.setenv("TIERLINE_OVERRIDE_APPROVAL_FROM", "value=high,club=gold")
    assert (part()["status"], part()["remedy"]) == ("on", ""), "of a scheme that is not there nobody is pinned"
    assert part()["detail"].endswith("; nothing was ever in force of the scheme club"), "it may be misspelled"
    monkeypatch.setenv("TIERLINE_OVERRIDE_APPROVAL_FROM", "value=top")
    assert part()["status"] == "faulty" and "TIERLINE_OVERRIDE_APPROVAL_FROM" in part()["remedy"]
    assert "names value=top, and scheme value has the tiers low, mid, high" in part()["detail"]


def test_a_file_of_pins(decided: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERLINE_OVERRIDE_APPROVAL_FROM", "value=high")
    key = decided("key", "create", "desk", "--role", "operator")["key"]
    boss = decided("key", "create", "boss", "--role", "approver")["key"]
    file = tmp_path / "pins.csv"
    file.write_text(
        "\ufeffuser_id,scheme,tier,mode,until,reason\n"
        "u-0,value,mid,floor,2099-01-01T00:00:00Z,moved house\n"
        "u-1,value,high,,,a friend\n"
        "u-2,value,gold,,,a friend\n"
        "u-2,value,mid,,tomorrow,a friend\n"
        "nobody,value,mid,,,a friend\n"
        "u-2,value,mid,,,\n"
    )
    done = decided("overrides", "import", str(file), "--key", key, code=1)
    assert [done[name] for name in ("pinned", "again", "waiting", "refused")] == [1, 0, 1, 4]
    told = [(fault["line"], fault["field"]) for fault in done["faults"]]
    assert told == [(4, "tier"), (5, "until"), (6, "user_id"), (7, "reason")]
    again = decided("overrides", "import", str(file), "--key", key, code=1)
    assert [again[name] for name in ("pinned", "again", "waiting", "refused")] == [0, 1, 1, 4]
    assert len(decided("overrides", "requests")) == 1
    (pinned,) = (e for e in decided("user", "history", "u-0") if e["topic"] == "user-tier.tier-pinned.v1")
    told = {name: pinned["data"][name] for name in ("scheme", "to", "mode", "until")}
    assert told == {"scheme": "value", "to": "mid", "mode": "floor", "until": "2099-01-01T00:00:00Z"}
    (request,) = decided("overrides", "requests", "--status", "waiting")
    assert "may not approve" in decided("overrides", "approve", request["request_id"], "--key", key, code=1)
    approved = decided("overrides", "approve", request["request_id"], "--key", boss)
    assert approved["status"] == "approved"
    assert decided("user", "history", "u-1")[-1]["data"]["to"] == "high"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("user_id,scheme,tier\nu-0,value,mid\n", "'reason'"),
        ("user_id,scheme,tier,reason,colour\n", "'colour'"),
        ("", "'user_id'"),
    ],
)
def test_a_file_that_is_none_of_pins(decided: Run, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "pins.csv"
    file.write_text(text)
    assert said in " ".join(decided("overrides", "import", str(file), code=2).split())


def test_a_programme_is_taken_over(tierline: Run, model_file: str, facts_file: str, tmp_path: Path) -> None:
    tierline("model", "activate", model_file)
    file = tmp_path / "standings.csv"
    head = "user_id,scheme,tier,since\n"
    file.write_text(head + "u-0,value,high,2025-12-01T00:00:00Z\nann,value,mid,2025-12-01T00:00:00Z\nbob,value,mid,x\n")
    found = tierline("standings", "import", str(file), code=1)
    assert [found[name] for name in ("lines", "taken", "refused")] == [3, 0, 1]
    assert [(fault["line"], fault["field"], fault["value"]) for fault in found["faults"]] == [(4, "since", "x")]
    said = tierline("standings", "import", str(file), code=1, as_json=False)
    assert "line 4: since 'x': " in said and "nothing was" in said
    file.write_text(head + "u-0,value,high,2025-12-01T00:00:00Z\nann,value,mid,2025-12-01T00:00:00Z\n")
    assert "needs --history" in tierline("facts", "import", facts_file, "--standings", str(file), code=2)
    tierline("facts", "import", "--history", facts_file, "--standings", str(file))
    for user, tier in (("u-0", "high"), ("ann", "mid")):
        opened = tierline("user", "history", user)[1]
        assert (opened["data"]["to"], opened["data"]["cause"]) == (tier, "opening")
    assert tierline("standings", "import", str(file))["again"] == 2
    assert tierline("verify", "receipts")["different"] == 0
