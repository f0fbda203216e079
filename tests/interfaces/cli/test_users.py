"""`tierline user`: merchants, growth value and tags, as a person and a program read them."""

import json
import re
from pathlib import Path

import psycopg
import pytest

from tests.interfaces.cli.conftest import Run
from tests.interfaces.http.test_scopes import CLUB, MEMBERS


@pytest.fixture
def decided(tierline: Run, tmp_path: Path) -> Run:
    """A user with two merchants and growth value, decided out of history."""
    for name, text in (("members", MEMBERS.replace("30 days", "3000 days")), ("club", CLUB)):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        tierline("model", "activate", str(path))
    lines = []
    for number, (amount, merchant) in enumerate([(6_000, "m-1"), (1_000, "m/2"), (20_000, None)]):
        fact = {"fact_id": f"o-{number}", "user_id": "ann", "kind": "order", "occurred_at": "2026-01-10T00:00:00Z"}
        attributes = {"merchant_id": merchant} if merchant else {}
        lines.append(json.dumps(fact | {"amount": amount, "currency": "USD", "attributes": attributes}))
    facts = tmp_path / "facts.ndjson"
    facts.write_text("\n".join(lines))
    tierline("facts", "import", "--history", str(facts))
    tierline("verify", "read-models")
    return tierline


def test_merchants_and_growth_value(decided: Run) -> None:
    card = decided("user", "show", "ann")
    assert {name: at["tier"] for name, at in card["scopes"]["members"].items()} == {"m-1": "member", "m/2": "guest"}
    assert card["standings"]["club"]["growth"]["settled_at"]
    page = decided("user", "show", "ann", as_json=False)
    assert "members @ m-1" in page and "members @ m/2" in page
    assert "club: growth value" in page and "settled on" in page
    history = decided("user", "history", "ann", as_json=False)
    assert "members @ m-1" in history and "growth-settled" in history and "balance" in history
    explained = decided("user", "explain", "ann", "--scheme", "members")
    assert sorted(explained["scopes"]["members"]) == ["m-1", "m/2"]
    assert "members @ m-1: member" in decided("user", "explain", "ann", as_json=False)
    only = decided("user", "explain", "ann", "--scope", "m-1", "--lang", "zh-CN")
    assert only["explanations"] == {} and "起为member" in only["scopes"]["members"]["m-1"]["text"]
    assert "no standing" in decided("user", "explain", "ann", "--scheme", "members", "--scope", "m-9", code=1)
    settled = next(event for event in decided("user", "history", "ann") if "growth-settled" in event["topic"])
    told = decided("user", "explain", "ann", "--event", settled["event_id"], as_json=False)
    assert "club: growth-settled on" in told and "balance" in told and " facts seen, cause " in told
    chinese = decided("user", "explain", "ann", "--event", settled["event_id"], "--lang", "zh-CN", as_json=False)
    assert "余额" in chinese and "条事实，起因" in chinese and not re.search("facts|because|balance|feature", chinese)


def test_an_event_that_is_no_decision_of_the_user_is_refused(decided: Run) -> None:
    decided("user", "tag", "ann", "vip")
    events = decided("user", "history", "ann")
    tag = next(event["event_id"] for event in events if "tag-added" in event["topic"])
    for event_id in ("none", tag, tag.replace(tag[0], "0" if tag[0] != "0" else "1", 1)):
        for as_json in (True, False):
            said = decided("user", "explain", "ann", "--event", event_id, code=1, as_json=as_json)
            assert "has no decision" in said and "tierline user history ann" in said


def test_an_altered_event_is_told_and_how_to_find_it(decided: Run, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update events set state = set_byte(state, 20, get_byte(state, 20) # 1) where to_tier is not null"
        )
    for command in ("history", "tiers"):
        said = decided("user", command, "ann", code=1)
        assert "does not open" in said and "tierline verify receipts" in said and "from a backup" in said


def test_merchants_are_searched_and_exported(decided: Run) -> None:
    assert decided("segment", "search", "--scoped", "members/m%2F2/guest")["total"] == 1
    assert decided("segment", "search", "--scoped", "members/m%2F2/member")["total"] == 0
    (line,) = decided("segment", "export", "--scoped", "members/m-1", as_json=False).splitlines()
    assert json.loads(line)["scoped_tiers"] == ["members/m%2F2/guest", "members/m-1/member"]
    assert "MERCHANT" in decided("segment", "search", "--scoped", "members", code=2)


def test_tags(decided: Run) -> None:
    tagged = decided("user", "tag", "ann", "vip", "--until", "2099-01-01T00:00:00Z", "--reason", "a friend")
    assert (tagged["changed"], tagged["until"]) == (True, "2099-01-01T00:00:00Z")
    assert "already" in decided("user", "tag", "ann", "vip", "--until", "2099-01-01T00:00:00Z", as_json=False)
    assert "vip until 2099" in decided("user", "history", "ann", as_json=False)
    decided("verify", "read-models")
    assert "tags: vip" in decided("user", "show", "ann", as_json=False)
    assert decided("user", "untag", "ann", "vip")["changed"] is True
    assert decided("user", "untag", "ann", "vip")["changed"] is False
    assert decided("verify", "receipts")["different"] == 0
    assert 'tag "it\'s": use' in decided("user", "tag", "ann", "it's", code=1)
    assert "ever named" in decided("user", "tag", "nobody", "vip", code=1)
