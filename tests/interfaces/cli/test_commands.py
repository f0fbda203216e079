"""Commands over a real system: what they print, as JSON and for people, and how they fail."""

import json
from pathlib import Path

import pytest

from domain.tier_model.spec import json_schema
from projections.catalogue import USER_CARD
from tests.interfaces.cli.conftest import Run
from tests.interfaces.http.conftest import MODEL


def test_from_files_to_a_decided_user(tierline: Run, model_file: str, facts_file: str) -> None:
    active = tierline("model", "activate", model_file)
    assert (active["scheme"], active["version"], active["status"]) == ("value", 1, "active")
    assert [model["version"] for model in tierline("model", "list")] == [1]
    assert tierline("model", "show", "value@1")["spec"]["scheme"] == "value"
    assert tierline("facts", "import", "--history", facts_file)["accepted"] == 3
    events = tierline("user", "history", "u-1")
    assert [bool(event["receipt_id"]) for event in events] == [bool(event["receipt"]) for event in events]
    assert [event["topic"] for event in events][:2] == ["user-tier.user-enrolled.v1", "user-tier.tier-changed.v1"]
    assert "Traceback" not in tierline("user", "history", "u-1", as_json=False)
    card = tierline("user", "show", "u-1")
    assert card["standings"]["value"]["tier"] in ("low", "mid")
    assert "total amount of orders" in tierline("user", "explain", "u-1")["explanations"]["value"]["text"]
    assert "The tier is" in tierline("user", "explain", "u-1", as_json=False)
    assert_read_models(tierline)


def assert_read_models(tierline: Run) -> None:
    verified = tierline("verify", "read-models")
    assert verified["users"] == 3
    assert verified["redis"] == verified["opensearch"] == {"missing": 0, "different": 0, "extra": 0}
    assert {one["name"] for one in tierline("projections", "status")} == {"user_card", "user_search", "transitions"}
    assert tierline("projections", "rebuild", "user_card")["version"] == USER_CARD.version + 1
    found = tierline("segment", "search", "recency > 3", "--facet", "tier.value")
    assert (found["total"], sum(found["facets"]["tier.value"].values())) == (3, 3)
    exported = tierline("segment", "export", "recency > 3", as_json=False).splitlines()
    assert sorted(json.loads(line)["user_id"] for line in exported) == ["u-0", "u-1", "u-2"]
    assert tierline("projections", "pause", "user_card")["status"] == "paused"
    assert tierline("projections", "resume", "user_card") == {"name": "user_card", "status": "serving", "freed": 0}
    assert tierline("projections", "parked", "user_card") == tierline("projections", "parked") == []


def test_a_segment_as_csv(tierline: Run, model_file: str, facts_file: str, tmp_path: Path) -> None:
    tierline("model", "activate", model_file)
    tierline("facts", "import", "--history", facts_file)
    tierline("verify", "read-models")
    to = tmp_path / "out.csv"
    assert "3 users" in tierline("segment", "export", "--to", str(to), as_json=False)
    assert tierline("segment", "export", "--to", str(to)) == {"users": 3, "file": str(to)}
    assert len(tierline("segment", "export")) == 3
    header, *rows = to.read_text().splitlines()
    assert header.startswith("user_id,tier.value,pinned.value,frozen.value,value.spend") and len(rows) == 3
    assert "2026-01-10" in rows[0]
    assert ".ndjson" in tierline("segment", "export", "--to", str(tmp_path / "x.bad"), as_json=False, code=2)
    assert not (tmp_path / "x.bad").exists()


def test_the_schema_of_a_model(tierline: Run) -> None:
    assert tierline("model", "schema") == json_schema()


def test_keys(tierline: Run) -> None:
    made = tierline("key", "create", "shop", "--role", "service")
    assert made["key"].startswith(f"tl_{made['key_id']}_")
    assert [key["key_id"] for key in tierline("key", "list")] == [made["key_id"]]
    assert made["key"] not in tierline("key", "list", as_json=False)
    assert tierline("key", "revoke", made["key_id"])["revoked"] is True
    assert tierline("key", "list")[0]["revoked_at"].endswith("Z")
    assert "role" in tierline("key", "create", "x", "--role", "king", code=1)
    for nobodys in ("", " ", "x" * 201):
        assert "say whose it is" in tierline("key", "create", nobodys, "--role", "admin", code=1)
    assert "no key" in tierline("key", "revoke", "nope", code=1)


def test_refusals_are_one_clear_text(tierline: Run, model_file: str, tmp_path: Path) -> None:
    assert "never named" in tierline("user", "show", "nobody", code=1) or "ever named" in tierline(
        "user", "show", "nobody", code=1
    )
    assert "no scheme" in tierline("model", "show", "nope", code=1)
    assert "no such file" in tierline("model", "activate", "nope.yaml", code=2)
    assert "line 1" in tierline("segment", "search", "tier.nope = 'x'", code=1)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(MODEL.replace("spend >= money(10.00)", "spent >= 1"))
    faults = tierline("model", "lint", str(wrong), code=1)
    assert faults[0]["line"] == 13 and faults[0]["remedy"]
    assert tierline("model", "lint", model_file) == []
    assert "spent" in tierline("model", "activate", str(wrong), code=1)


def test_doctor_says_what_is_off(tierline: Run) -> None:
    parts = {part["name"]: part["status"] for part in tierline("doctor")}
    assert parts == {
        "python": "on",
        "postgres": "on",
        "redis": "on",
        "broker": "on",
        "opensearch": "on",
        "worker": "resting",
        "strategies": "on",
    }


def test_a_part_that_is_off(tierline: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIERLINE_OPENSEARCH_URL", "http://127.0.0.1:9")
    assert "opensearch" in tierline("segment", "search", code=3)
    off = {part["name"]: part for part in tierline("doctor", code=1)}
    assert off["opensearch"]["status"] == "off" and off["opensearch"]["remedy"]
    monkeypatch.setenv("TIERLINE_DATABASE_URL", "postgresql://x:y@127.0.0.1:9/z")
    assert "postgres" in tierline("key", "list", code=3)
    monkeypatch.setenv("TIERLINE_DATABASE_URL", "mysql://x")
    assert "TIERLINE_DATABASE_URL" in tierline("key", "list", code=2)
