"""How good a scheme's rules are, over HTTP: asked for, measured by a worker, read."""

import pytest

from tests.interfaces.http.conftest import Api, order
from tests.interfaces.http.test_bad_input import problem
from tests.support.waiting import wait_for

URL = "/v1/schemes/value/effect"


def test_asked_for_measured_and_read(api: Api, worker: None) -> None:
    api.activate()
    position = api.record(*(order(f"u-{user}", "o-1", 1_000 * user) for user in range(1, 6)))
    for user in range(1, 6):
        api.client.get(f"/v1/users/u-{user}", params={"at_least": position, "wait": 20})
    assert "no-model-effect" in problem(api.client.get(URL), 404)["type"]
    body = {"weeks": 1, "periods": 1, "horizon_days": 7, "value": {"sum": "order.amount"}}
    asked = api.as_role("analyst").post(URL, json=body, headers={"idempotency-key": "once"})
    assert asked.status_code == 202, asked.text
    reader = api.as_role("approver")
    wait_for(lambda: reader.get(URL, params={"id": asked.json()["id"]}).json()["state"] == "done")
    found = reader.get(URL).json()
    assert found["id"] == asked.json()["id"] and found["errors"] == []
    assert (found["data"]["users"], found["data"]["facts"]) == (5, 5)
    assert found["data"]["value"] == {"sum": "order.amount"}
    assert sum(found["weeks"][0]["tiers"].values()) == 5 and found["weeks"][0]["version"] == 1
    assert list(found["periods"][0]["versions"]) == ["1"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"weeks": 0}, "weeks"),
        ({"horizon_days": "long"}, "horizon_days"),
        ({"at": "2099-01-01T00:00:00Z"}, "at"),
        ({"at": "soon"}, "at"),
        ({"value": {"sum": "amount"}}, "value.sum"),
        ({"value": {"minus": "refund.amount"}}, "value.sum"),
        ({"value": {"sum": "order.amount", "where": "channel ="}}, "where"),
        ({"at": "0001-01-01T00:00:00Z"}, "at"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_refused(api: Api, body: dict, field: str) -> None:
    api.activate()
    assert problem(api.client.post(URL, json=body), 422)["errors"][0]["field"] == field


def test_what_there_is_not_and_who_may(api: Api) -> None:
    api.activate()
    for role in ("service", "compliance"):
        assert api.as_role(role).post(URL).status_code == 403
    assert api.as_role("service").get(URL).status_code == 403
    assert "unknown-scheme" in problem(api.client.post("/v1/schemes/nope/effect"), 404)["type"]
    assert "unknown-scheme" in problem(api.client.get("/v1/schemes/nope/effect"), 404)["type"]
    assert "version-unknown" in problem(api.client.post(URL, json={"version": 9}), 404)["type"]
    assert "unknown-run" in problem(api.client.get(URL, params={"id": "none"}), 404)["type"]
