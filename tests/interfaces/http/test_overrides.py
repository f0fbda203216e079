"""Pins and freezes over HTTP: what they answer, show and find, and who may."""

from typing import Any

import pytest

from infrastructure.bootstrap import System
from infrastructure.settings import Settings
from tests.interfaces.http.conftest import Api, order
from tests.interfaces.http.test_bad_input import problem

PIN = "/v1/users/u-1/overrides/value"
FREEZE = "/v1/users/u-1/freezes/value"
UNTIL = "2026-02-01T08:00:00Z"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"override_approval_from": {"value": "high"}})


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def at_work(api: Api, worker: None) -> Api:
    """A user on the middle tier."""
    api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
    api.activate()
    api.record(order("u-1", "o-1", 5_000, "2026-01-10T00:00:00Z"))
    return api


def standing(api: Api, at_least: int) -> dict[str, Any]:
    card = api.client.get("/v1/users/u-1", params={"at_least": at_least, "wait": 20})
    assert card.headers["tierline-at-least"] == "reached", card.text
    return card.json()["standings"]["value"]


def test_a_pin_is_decided_shown_found_and_ends(at_work: Api) -> None:
    operator = at_work.as_role("operator")
    pinned = operator.put(PIN, json={"tier": "low", "until": UNTIL, "reason": "moved abroad"})
    assert pinned.status_code == 200, pinned.text
    answer = pinned.json()
    expected = {"user_id": "u-1", "scheme": "value", "scope": "", "tier": "low", "mode": "exact", "until": UNTIL}
    assert answer == expected | {"changed": True, "position": answer["position"]}
    shown = standing(at_work, answer["position"])
    assert (shown["tier"], shown["pinned"]) == ("low", True)
    assert shown["pin"] == {"mode": "exact", "tier": "low", "until": UNTIL, "reason": "moved abroad"}
    query = {"where": "pinned.value = 'exact' and tier.value = 'low'"}
    found = at_work.client.post("/v1/segments/search", json=query, params={"at_least": answer["position"], "wait": 20})
    assert found.json()["total"] == 1
    *_, event, moved = at_work.client.get("/v1/users/u-1/history").json()["events"]
    assert event["topic"] == "user-tier.tier-pinned.v1" and event["actor"].startswith("key:")
    assert event["data"] | {"mode": "exact", "to": "low", "until": UNTIL, "reason": "moved abroad"} == event["data"]
    assert (moved["data"]["from"], moved["data"]["to"], moved["data"]["cause"]) == ("mid", "low", "override")
    at_work.client.put("/v1/clock", json={"now": "2026-02-01T09:00:00Z"})
    shown = standing(at_work, answer["position"])
    assert (shown["tier"], shown["pinned"]) == ("mid", False) and "pin" not in shown


def test_a_pin_is_lifted(at_work: Api) -> None:
    at_work.client.put(PIN, json={"tier": "high", "mode": "floor", "reason": "a friend"})
    lifted = at_work.as_role("approver").delete(PIN, params={"reason": "no friend any more"}).json()
    assert lifted["changed"] is True
    assert standing(at_work, lifted["position"])["tier"] == "mid"
    assert at_work.client.delete(PIN).json()["changed"] is False


def test_a_freeze(at_work: Api) -> None:
    frozen = at_work.client.put(FREEZE, json={"reason": "under investigation"}).json()
    assert (frozen["changed"], frozen["until"]) == (True, None)
    position = at_work.record(order("u-1", "o-2", 20_000, "2026-01-10T00:00:00Z"))
    shown = standing(at_work, max(position, frozen["position"]))
    assert (shown["tier"], shown["qualified"]) == ("mid", "high")
    assert shown["frozen"]["reason"] == "under investigation" and shown["frozen"]["until"] is None
    found = at_work.client.post("/v1/segments/search", json={"where": "frozen.value"}, params={"at_least": position})
    assert found.json()["total"] == 1, found.text
    thawed = at_work.client.delete(FREEZE).json()
    shown = standing(at_work, thawed["position"])
    assert shown["tier"] == "high" and "frozen" not in shown


def test_from_the_set_tier_on_a_second_person_agrees(at_work: Api) -> None:
    operator, approver = at_work.as_role("operator"), at_work.as_role("approver")
    asked = operator.put(PIN, json={"tier": "high", "reason": "a friend"}, headers={"idempotency-key": "one"})
    assert asked.status_code == 202 and asked.json()["status"] == "waiting"
    again = operator.put(PIN, json={"tier": "high", "reason": "a friend"}, headers={"idempotency-key": "one"})
    assert (again.status_code, again.json()) == (202, asked.json())
    request_id = asked.json()["request_id"]
    (waiting,) = approver.get("/v1/override-requests", params={"status": "waiting"}).json()["override_requests"]
    assert (waiting["request_id"], waiting["tier"], waiting["reason"]) == (request_id, "high", "a friend")
    url = f"/v1/override-requests/{request_id}"
    assert operator.post(f"{url}/approve").status_code == 403
    approved = approver.post(f"{url}/approve", json={"note": "I know her"}).json()
    assert (approved["status"], approved["changed"]) == ("approved", True)
    assert standing(at_work, approved["position"])["tier"] == "high"
    refused = at_work.client.post(f"{url}/reject", json={"reason": "no"})
    assert problem(refused, 409)["type"].endswith("override-request-decided")
    own = approver.put(PIN, json={"tier": "high", "mode": "floor", "reason": "mine"}).json()["request_id"]
    problem(approver.post(f"/v1/override-requests/{own}/approve"), 409)
    rejected = at_work.client.post(f"/v1/override-requests/{own}/reject", json={"reason": "no"}).json()
    assert (rejected["status"], rejected["note"]) == ("rejected", "no")


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        (PIN, {"tier": "gold", "reason": "why"}, 422, "tier"),
        (PIN, {"tier": "low", "mode": "about", "reason": "why"}, 422, "mode"),
        (PIN, {"tier": "low"}, 422, "reason"),
        (PIN, {"tier": "low", "reason": ""}, 422, "reason"),
        (PIN, {"tier": "low", "reason": "why", "until": "2020-01-01T00:00:00Z"}, 422, "until"),
        (PIN, {"tier": "low", "reason": "why", "untill": UNTIL}, 422, "untill"),
        (PIN + "?scope=m-1", {"tier": "low", "reason": "why"}, 422, "scope"),
        ("/v1/users/u-1/overrides/club", {"tier": "low", "reason": "why"}, 404, "scheme"),
        ("/v1/users/u-9/overrides/value", {"tier": "low", "reason": "why"}, 404, "user_id"),
        (FREEZE, {"until": "2020-01-01T00:00:00Z", "reason": "why"}, 422, "until"),
        (FREEZE, {"until": UNTIL}, 422, "reason"),
    ],
)
def test_what_cannot_be_is_refused(at_work: Api, path: str, body: dict[str, Any], status: int, field: str) -> None:
    refused = problem(at_work.client.put(path, json=body), status)
    assert refused["errors"][0]["field"] == field


def test_who_may(at_work: Api) -> None:
    for role in ("service", "analyst", "compliance"):
        client = at_work.as_role(role)
        assert client.put(PIN, json={"tier": "low", "reason": "why"}).status_code == 403
        assert client.delete(FREEZE).status_code == 403
    assert at_work.as_role("operator").put(FREEZE, json={"reason": "why"}).status_code == 200
