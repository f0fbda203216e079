"""The shapes that outsiders rely on: each held over a real server, on a story that really happened."""

import datetime as dt
import hashlib
import json

import pytest

from domain.facts.instants import parse_instant
from tests.interfaces.http.conftest import Api, order

pytestmark = pytest.mark.usefixtures("worker")


def today(hour: int = 0) -> str:
    day = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    return day.strftime(f"%Y-%m-%dT{hour:02d}:00:00Z")


def test_a_user_from_fact_to_every_answer(api: Api) -> None:
    api.activate()
    position = api.record(order("u-1", "o-1", 5_000, today()), order("u-2", "o-2", 20_000, today()))
    card = api.client.get("/v1/users/u-1", params={"at_least": position, "wait": 20})
    assert card.headers["tierline-at-least"] == "reached", card.text
    assert_card(card.json(), position)
    assert_tiers(api, position)
    assert_history(api)
    assert_batch(api)
    assert_search(api, position)
    assert_distribution(api)


def assert_card(card: dict, position: int) -> None:
    expected = {"user_id", "standings", "tags", "strategies", "grants", "position", "lag_events", "lag_seconds"}
    assert expected <= card.keys()
    assert (card["user_id"], card["tags"], card["strategies"], card["grants"]) == ("u-1", [], [], [])
    assert card["position"] >= position
    standing = card["standings"]["value"]
    assert {
        "tier",
        "since",
        "model_version",
        "pinned",
        "grace_until",
        "next_tier",
        "missing",
        "may_drop_on",
    } <= standing.keys()
    assert (standing["tier"], standing["model_version"], standing["next_tier"]) == ("mid", 1, "high")
    assert standing["pinned"] is False and standing["grace_until"] is None
    assert standing["missing"] and parse_instant(standing["since"]) and parse_instant(standing["may_drop_on"])


def assert_tiers(api: Api, position: int) -> None:
    tiers = api.client.get("/v1/users/u-1/tiers").json()
    assert tiers.keys() == {"user_id", "as_of", "known_at", "standings", "position"}
    assert tiers["standings"]["value"].keys() == {"tier", "since", "event_id"}
    assert tiers["standings"]["value"]["tier"] == "mid" and tiers["position"] >= position
    before = api.client.get("/v1/users/u-1/tiers", params={"as_of": "2020-01-01T00:00:00Z"}).json()
    assert before["standings"] == {} and before["as_of"] == "2020-01-01T00:00:00Z"
    unknown_then = api.client.get("/v1/users/u-1/tiers", params={"known_at": "2020-01-01T00:00:00Z"}).json()
    assert unknown_then["standings"] == {}


def assert_history(api: Api) -> None:
    first = api.client.get("/v1/users/u-1/history", params={"size": 1}).json()
    assert first.keys() == {"user_id", "events", "next_cursor", "position"}
    assert len(first["events"]) == 1 and first["next_cursor"]
    rest = api.client.get("/v1/users/u-1/history", params={"cursor": first["next_cursor"]}).json()
    assert rest["next_cursor"] is None
    events = first["events"] + rest["events"]
    assert [event["version"] for event in events] == [1, 2]
    assert [event["topic"] for event in events] == ["user-tier.user-enrolled.v1", "user-tier.tier-changed.v1"]
    changed = events[1]
    assert {
        "event_id",
        "position",
        "version",
        "topic",
        "effective_at",
        "recorded_at",
        "actor",
        "data",
        "receipt",
    } <= changed.keys()
    assert (changed["data"]["scheme"], changed["data"]["from"], changed["data"]["to"]) == ("value", None, "mid")
    assert changed["receipt"]["features"]["spend"] == 5_000
    canonical = json.dumps(changed["receipt"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert changed["receipt_id"] == hashlib.sha256(canonical.encode()).hexdigest()
    assert events[0]["receipt_id"] is None
    assert_verification(api, changed)
    tiers = api.client.get("/v1/users/u-1/tiers").json()
    assert tiers["standings"]["value"]["event_id"] == changed["event_id"]


def assert_verification(api: Api, event: dict) -> None:
    url = f"/v1/receipts/{event['event_id']}/verification"
    for role in ("operator", "analyst", "approver"):
        assert api.as_role(role).post(url).status_code == 200, "who may read a receipt may verify it"
    assert api.as_role("service").post(url).status_code == 403
    again = api.as_role("compliance").post(url).json()
    assert again.pop("recorded") == again.pop("expected") == event["receipt"]
    assert again == {"event_id": event["event_id"], "result": "same", "facts_intact": True}


def assert_batch(api: Api) -> None:
    batch = api.client.post("/v1/users/batch-get", json={"user_ids": ["u-2", "nobody", "u-1"]}).json()
    assert [card["user_id"] for card in batch["users"]] == ["u-2", "u-1"]
    assert batch["unknown"] == ["nobody"]


def assert_search(api: Api, position: int) -> None:
    query = {
        "where": "tier.value in ('mid', 'high') and spend >= money(10.00) and recency <= 3 and not tag('vip')",
        "sort": ["-spend"],
        "size": 1,
        "facets": ["tier.value"],
    }
    first = api.client.post("/v1/segments/search", json=query, params={"at_least": position, "wait": 20})
    assert first.headers["tierline-at-least"] == "reached", first.text
    found = first.json()
    assert found.keys() == {"total", "users", "facets", "next_cursor", "position", "lag_events", "lag_seconds"}
    assert found["total"] == 2 and found["position"] >= position
    assert found["facets"] == {"tier.value": {"mid": 1, "high": 1}}
    assert found["users"][0]["user_id"] == "u-2" and found["users"][0]["tiers"] == {"value": "high"}
    second = api.client.post("/v1/segments/search", json=query | {"cursor": found["next_cursor"]}).json()
    assert [user["user_id"] for user in second["users"]] == ["u-1"]
    none = api.client.post("/v1/segments/search", json={"where": "recency > 3"}).json()
    assert (none["total"], none["users"]) == (0, [])


def assert_distribution(api: Api) -> None:
    present = api.client.get("/v1/schemes/value/distribution").json()
    assert {"scheme", "as_of", "tiers", "position"} <= present.keys()
    assert present["tiers"] == {"low": 0, "mid": 1, "high": 1}
    past = api.client.get("/v1/schemes/value/distribution", params={"as_of": present["as_of"]}).json()
    assert past["tiers"] == present["tiers"] and past["as_of"] == present["as_of"]
    empty = api.client.get("/v1/schemes/value/distribution", params={"as_of": "2020-01-01T00:00:00Z"}).json()
    assert empty["tiers"] == {"low": 0, "mid": 0, "high": 0}
