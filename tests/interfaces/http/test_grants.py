"""Grants over HTTP: given, shown, found, redeemed, expired; refused with a reason and a remedy; once for a key."""

import json
from typing import Any

import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import Api, as_url, order
from tests.interfaces.http.test_bad_input import problem
from tests.support.benefits import COUPON, open_budget, put_in_force
from tests.support.waiting import wait_for

NOW = "2026-01-10T00:00:00Z"


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def at_work(api: Api, worker: None, database: str) -> Api:
    """A user on the middle tier, and a coupon of which there are five, for 30 days."""
    api.client.put("/v1/clock", json={"now": NOW})
    api.activate()
    api.record(order("u-1", "o-1", 5_000, NOW))
    open_budget(as_url(database), "spring", 4_000)
    definition = COUPON | {"stock": 5, "budget": "spring", "validity": {"from_grant": "30 days"}}
    put_in_force(as_url(database), definition | {"entitlement": {"value": ["mid", "high"]}})
    return api


def card(api: Api, at_least: int) -> dict[str, Any]:
    answer = api.client.get("/v1/users/u-1", params={"at_least": at_least, "wait": 20})
    assert answer.headers["tierline-at-least"] == "reached", answer.text
    return answer.json()


def found(api: Api, at_least: int) -> int:
    query = {"benefits": ["coupon-10"]}
    answer = api.client.post("/v1/segments/search", json=query, params={"at_least": at_least, "wait": 20})
    assert answer.headers["tierline-at-least"] == "reached", answer.text
    return answer.json()["total"]


def test_a_grant_from_its_beginning_to_its_end(at_work: Api) -> None:
    service = at_work.as_role("service")
    given = service.post("/v1/users/u-1/grants", json={"benefit": "coupon-10", "units": 3, "reason": "sorry"})
    assert given.status_code == 201, given.text
    grant = given.json()
    assert (grant["user_id"], grant["status"], grant["left"], grant["unit_cost"]) == ("u-1", "open", 3, 1000)
    assert grant["expires_at"] == "2026-02-09T00:00:00Z"
    (shown,) = card(at_work, grant["position"])["grants"]
    assert (shown["grant_id"], shown["left"], shown["expires_at"]) == (grant["grant_id"], 3, grant["expires_at"])
    assert found(at_work, grant["position"]) == 1

    part = service.post(f"/v1/grants/{grant['grant_id']}/redemptions", json={"units": 1, "order_id": "o-7"})
    assert part.status_code == 201, part.text
    assert (part.json()["left"], part.json()["redeemed_now"]) == (2, 1)
    assert card(at_work, part.json()["position"])["grants"][0]["left"] == 2

    at_work.client.put("/v1/clock", json={"now": "2026-02-10T00:00:00Z"})
    expired = service.post(f"/v1/grants/{grant['grant_id']}/redemptions")
    assert "expired since 2026-02-09" in problem(expired, 409)["detail"]
    (listed,) = ended(at_work)
    assert (listed["status"], listed["redeemed"], listed["released"], listed["left"]) == ("expired", 1, 2, 0)
    events = at_work.client.get("/v1/users/u-1/history").json()["events"]
    told = [event for event in events if "benefit" in event["topic"]]
    assert [event["topic"][10:] for event in told] == [
        "benefit-granted.v1",
        "benefit-redeemed.v1",
        "benefit-expired.v1",
    ]
    assert told[-1]["effective_at"] == "2026-02-09T00:00:00Z"
    assert card(at_work, told[-1]["position"])["grants"] == []
    assert found(at_work, told[-1]["position"]) == 0
    assert (
        "verify ledger"
        in problem(at_work.client.post(f"/v1/receipts/{told[0]['event_id']}/verification"), 422)["errors"][0]["remedy"]
    )


def ended(api: Api) -> list[dict[str, Any]]:
    """The user's grants that are over, as soon as there are any."""
    return wait_for(lambda: api.client.get("/v1/users/u-1/grants", params={"status": "expired"}).json()["grants"])


def test_a_key_grants_and_redeems_once(at_work: Api) -> None:
    key = {"Idempotency-Key": "k-1"}
    first, second = (
        at_work.client.post("/v1/users/u-1/grants", json={"benefit": "coupon-10"}, headers=key) for _ in range(2)
    )
    assert first.json() == second.json() and second.headers["idempotent-replayed"] == "true"
    other = at_work.client.post("/v1/users/u-1/grants", json={"benefit": "coupon-10", "units": 2}, headers=key)
    problem(other, 409)
    path = f"/v1/grants/{first.json()['grant_id']}/redemptions"
    redeemed, again = (at_work.client.post(path, headers={"Idempotency-Key": "k-2"}) for _ in range(2))
    assert redeemed.json() == again.json()
    twice = problem(at_work.client.post(path, headers={"Idempotency-Key": "k-3"}), 409)
    assert "redeemed" in twice["detail"] and "open" in twice["errors"][0]["remedy"]


def test_refusals_name_the_reason_and_the_remedy(at_work: Api) -> None:
    path = "/v1/users/u-1/grants"
    post = at_work.client.post
    over = problem(post(path, json={"benefit": "coupon-10", "units": 5}), 409)
    assert over["title"] and over["errors"][0]["field"] == "budget"
    assert problem(post(path, json={"benefit": "nothing"}), 404)["errors"][0]["field"] == "benefit"
    assert problem(post(path, json={"benefit": "coupon-10", "units": 0}), 422)["errors"][0]["field"] == "units"
    assert problem(post(path, json={"benefit": "coupon-10", "unit": 1}), 422)["errors"][0]["field"] == "unit"
    assert problem(post(path, json={"benefit": "coupon-10", "units": "2"}), 422)["errors"][0]["field"] == "units"
    for field, value in {"benefit": "a\0", "campaign": "\ud800", "budgets": ["a\nb"]}.items():
        body = json.dumps({"benefit": "coupon-10"} | {field: value})
        refused = problem(post(path, content=body, headers={"content-type": "application/json"}), 422)
        assert refused["errors"][0]["field"] == field
    problem(post("/v1/users/nobody/grants", json={"benefit": "coupon-10"}), 404)
    grant = post(path, json={"benefit": "coupon-10", "units": 2}).json()
    redemptions = f"/v1/grants/{grant['grant_id']}/redemptions"
    assert "redeem at most 2" in problem(post(redemptions, json={"units": 3}), 409)["errors"][0]["remedy"]
    revoked = at_work.client.delete(f"/v1/grants/{grant['grant_id']}", params={"reason": "a mistake"})
    assert (revoked.json()["status"], revoked.json()["released_now"]) == ("revoked", 2)
    problem(post(redemptions), 409)
    problem(at_work.client.delete(f"/v1/grants/{grant['grant_id']}"), 409)
    for unknown in ("nonsense", "0" * 32):
        problem(at_work.client.get(f"/v1/grants/{unknown}"), 404)
    problem(at_work.client.get(path, params={"cursor": "x"}), 422)
    problem(at_work.client.get(path, params={"status": "gone"}), 422)


def test_who_falls_below_gets_no_more(at_work: Api) -> None:
    at_work.client.put("/v1/clock", json={"now": "2026-03-01T00:00:00Z"})
    refused = problem(at_work.client.post("/v1/users/u-1/grants", json={"benefit": "coupon-10"}), 409)
    assert refused["errors"][0] == {
        "field": "tiers.value",
        "value": "low",
        "remedy": "grant it to users on mid or high",
    }


def test_pages_of_grants(at_work: Api) -> None:
    for _ in range(3):
        at_work.client.post("/v1/users/u-1/grants", json={"benefit": "coupon-10"})
    first = at_work.client.get("/v1/users/u-1/grants", params={"size": 2}).json()
    rest = at_work.client.get("/v1/users/u-1/grants", params={"size": 2, "cursor": first["next_cursor"]}).json()
    ids = [grant["grant_id"] for grant in first["grants"] + rest["grants"]]
    assert len(set(ids)) == 3 and rest["next_cursor"] is None
