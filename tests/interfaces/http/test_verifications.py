"""Verifications over HTTP: asked for, done by a worker, read; what tampering looks like; who may."""

import time

import psycopg
import pytest

from tests.interfaces.http.conftest import Api
from tests.interfaces.http.test_bad_input import problem
from tests.interfaces.http.test_tags import at_work, system, tier

__all__ = ["at_work", "system"]
URL = "/v1/verifications"


def verified(api: Api, **wanted: str) -> dict:
    """What a verification finds, once it is done."""
    compliance = api.as_role("compliance")
    asked = compliance.post(URL, json=wanted)
    assert asked.status_code == 202, asked.text
    until = time.monotonic() + 30
    while (found := compliance.get(f"{URL}/{asked.json()['id']}").json())["state"] not in ("done", "failed"):
        assert time.monotonic() < until, found
    return found


@pytest.fixture
def decided(at_work: Api) -> Api:
    """Everything so far is decided and recorded."""
    position = at_work.client.post("/v1/users/u-1/tags/vip").json()["position"]
    assert tier(at_work, position)["standings"]["value"]["tier"] == "high"
    return at_work


def test_all_is_well(decided: Api) -> None:
    found = verified(decided)
    assert (found["state"], found["clean"], found["errors"], found["first"]) == ("done", True, [], [])
    assert (found["subjects_done"], found["subjects_all"], found["subjects"]) == (1, 1, 1)
    assert found["checked"] >= 2 and found["requested_by"].startswith("key:")
    assert verified(decided, user_id="u-1", scheme="value")["clean"]


def test_what_was_tampered_with_is_found(decided: Api) -> None:
    with psycopg.connect(decided.system.urls["postgres"]) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update facts set amount = 1")
        connection.execute("delete from events where to_tier = 'high'")
    found = verified(decided)
    assert (found["state"], found["clean"], found["broken_chains"]) == ("done", False, 1)
    assert found["different"] and {one["user_id"] for one in found["first"]} == {"u-1"}
    assert {one["problem"] for one in found["first"]} >= {"broken-chain", "different"}


def test_an_altered_event_is_named_and_how_to_find_it(decided: Api) -> None:
    decided.client.put("/v1/clock", json={"now": "2026-01-11T00:00:00Z"})
    event_id = decided.client.get("/v1/users/u-1/tiers").json()["standings"]["value"]["event_id"]
    with psycopg.connect(decided.system.urls["postgres"]) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "update events set state = set_byte(state, 20, get_byte(state, 20) # 1) where to_tier is not null"
        )
    for read in ("history", "tiers"):
        found = problem(decided.client.get(f"/v1/users/u-1/{read}"), 500)
        assert found["type"] == "urn:tierline:problem:record-damaged"
        assert found["errors"][0]["field"] == "event" and "tierline verify receipts" in found["errors"][0]["remedy"]
    assert event_id in {one["event_id"] for one in verified(decided)["first"]}, "as the remedy says"
    with psycopg.connect(decided.system.urls["postgres"]) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("update subjects set data_key = set_byte(data_key, 20, get_byte(data_key, 20) # 1)")
    found = problem(decided.client.get("/v1/users/u-1/history"), 500)
    assert found["errors"][0]["field"] == "data key" and "logged" in found["detail"]


def test_who_may_and_what_is_refused(decided: Api) -> None:
    for role in ("service", "operator", "analyst", "approver"):
        assert decided.as_role(role).post(URL).status_code == 403
    compliance = decided.as_role("compliance")
    assert problem(compliance.post(URL, json={"user_id": "nobody"}), 404)["errors"][0]["field"] == "user_id"
    assert problem(compliance.post(URL, json={"scheme": "nowhere"}), 404)["errors"][0]["field"] == "scheme"
    for unknown in ("nope", "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a"):
        problem(compliance.get(f"{URL}/{unknown}"), 404)
