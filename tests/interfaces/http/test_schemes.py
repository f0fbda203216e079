"""Sizes and flows of a scheme over HTTP, as of any instant and as known at any other."""

import httpx
import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem

URL = "/v1/schemes/value"


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


def at(api: Api, instant: str) -> None:
    assert api.client.put("/v1/clock", json={"now": instant}).status_code == 200


def settled(api: Api, position: int, *users: str) -> None:
    for user in users:
        card = api.client.get(f"/v1/users/{user}", params={"at_least": position, "wait": 20})
        assert card.headers["tierline-at-least"] == "reached", card.text


def test_what_came_late_is_known_late(api: Api, worker: None) -> None:
    at(api, "2026-01-01T00:00:00Z")
    api.activate(MODEL.replace("30 days", "365 days"))
    position = api.record(order("u-1", "o-1", 500, "2025-12-31T00:00:00Z"))
    settled(api, position, "u-1")
    at(api, "2026-01-10T00:00:00Z")
    position = api.record(
        order("u-1", "o-2", 5_000, "2026-01-02T00:00:00Z"), order("u-2", "o-1", 50_000, "2026-01-10T00:00:00Z")
    )
    settled(api, position, "u-1", "u-2")
    at(api, "2026-01-20T00:00:00Z")
    days = {"from": "2026-01-05T00:00:00Z", "to": "2026-01-15T00:00:00Z"}
    found = api.client.get(f"{URL}/flows", params=days).json()
    assert found["flows"] == [{"from": None, "to": "high", "users": 1}, {"from": "low", "to": "mid", "users": 1}]
    assert [(move["from"], move["to"], move["count"]) for move in found["moves"]] == [
        (None, "high", 1),
        ("low", "mid", 1),
    ]
    assert (found["from"], found["to"], found["scheme"]) == (days["from"], days["to"], "value")
    then = api.client.get(f"{URL}/flows", params=days | {"known_at": "2026-01-05T00:00:00Z"}).json()
    assert then["flows"] == [{"from": "low", "to": "low", "users": 1}] and then["moves"] == []
    sizes = [
        api.client.get(f"{URL}/distribution", params=asked).json()["tiers"]
        for asked in (
            {"as_of": days["to"]},
            {"as_of": days["to"], "known_at": "2026-01-05T00:00:00Z"},
            {"as_of": days["from"]},
            {"known_at": days["from"]},
        )
    ]
    before = {"low": 1, "mid": 0, "high": 0}
    assert sizes == [{"low": 0, "mid": 1, "high": 1}, before, before, before]


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("flows", {}, "from"),
        ("flows", {"from": "yesterday"}, "from"),
        ("flows", {"from": "2026-01-05T00:00:00Z", "to": "2026-01-05T00:00:00Z"}, "to"),
        ("flows", {"from": "2026-01-05T00:00:00Z", "to": "2026-01-04T00:00:00Z"}, "to"),
        ("flows", {"from": "2099-01-05T00:00:00Z"}, "from"),
        ("flows", {"from": "2026-01-01T00:00:00Z", "to": "2099-01-05T00:00:00Z"}, "to"),
        ("flows", {"from": "2026-01-01T00:00:00Z", "known_at": "2099-01-05T00:00:00Z"}, "known_at"),
        ("flows", {"from": "2026-01-01T00:00:00Z", "scope": "m-1"}, "scope"),
        ("distribution", {"known_at": "2099-01-05T00:00:00Z"}, "known_at"),
    ],
)
def test_what_cannot_be_asked(api: Api, path: str, params: dict, field: str) -> None:
    at(api, "2026-01-20T00:00:00Z")
    api.activate()
    refused = problem(api.client.get(f"{URL}/{path}", params=params), 422)
    assert refused["errors"][0]["field"].split(".")[-1] == field, refused


def test_who_may_and_what_is_not_there(api: Api) -> None:
    api.activate()
    at(api, "2026-01-20T00:00:00Z")
    asked = {"from": "2026-01-01T00:00:00Z"}

    def read(client: httpx.Client, scheme: str = "value") -> httpx.Response:
        return client.get(f"/v1/schemes/{scheme}/flows", params=asked)

    assert read(api.as_role("analyst")).status_code == 200
    assert read(api.as_role("approver")).status_code == 403
    assert "unknown-scheme" in problem(read(api.client, "nope"), 404)["type"]
