"""Saved segments over HTTP: linted, revised, and streamed whole."""

import csv
import io
import json

import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem

BEST = {"name": "best", "owner": "crm", "meaning": "High now.", "where": "tier.value = 'high'"}


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def at_work(api: Api, worker: None) -> Api:
    api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
    api.activate(MODEL)
    facts = [order(f"u-{number}", "o-1", 20_000 if number % 2 else 100) for number in range(900)]
    position = api.record(*facts)
    page = api.client.post("/v1/segments/search", json={}, params={"at_least": position, "wait": 30})
    assert page.json()["total"] == 900
    return api


def test_a_segment_is_saved_read_revised_and_retired(at_work: Api) -> None:
    analyst = at_work.as_role("analyst")
    saved = analyst.post("/v1/segments", json=BEST)
    assert saved.status_code == 201, saved.text
    assert saved.json() | BEST == saved.json() and saved.json()["position"] > 0
    problem(analyst.post("/v1/segments", json=BEST), 409)
    found = at_work.as_role("service").get("/v1/segments/best").json()
    assert (found["users"], found["revision"], found["scoped"]) == (450, 1, [])
    said = {name: value for name, value in BEST.items() if name != "name"}
    revised = analyst.put("/v1/segments/best", json={**said, "where": "tier.value = 'low'"}).json()
    assert (revised["revision"], revised["where"]) == (2, "tier.value = 'low'")
    listed = analyst.get("/v1/segments", params={"coverage": True}).json()["segments"]
    assert [(one["name"], one["users"]) for one in listed] == [("best", 450)]
    assert analyst.post("/v1/segments/best/retire").json()["status"] == "retired"
    problem(analyst.get("/v1/segments/best/members"), 409)
    problem(analyst.put("/v1/segments/best", json=said), 409)
    assert analyst.get("/v1/segments/best").json()["users"] is None


def test_members_are_streamed_whole_as_of_one_moment(at_work: Api) -> None:
    client = at_work.client
    client.post("/v1/segments", json=BEST)
    lines = client.get("/v1/segments/best/members")
    assert lines.headers["content-type"].startswith("application/x-ndjson")
    assert int(lines.headers["tierline-position"]) > 0
    members = [json.loads(line) for line in lines.text.splitlines()]
    assert {member["user_id"] for member in members} == {f"u-{number}" for number in range(1, 900, 2)}
    assert all(member["tiers"] == {"value": "high"} for member in members)
    for asked in ({"params": {"format": "csv"}}, {"headers": {"accept": "text/csv"}}):
        answer = client.get("/v1/segments/best/members", **asked)
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert len(rows) == 450 and {row["tier.value"] for row in rows} == {"high"}
        assert {row["value.spend"] for row in rows} == {"20000"}
    client.post("/v1/segments", json={"name": "all", "owner": "crm", "meaning": "Everybody."})
    assert len(client.get("/v1/segments/all/members").text.splitlines()) == 900
    client.post("/v1/segments", json={**BEST, "name": "nobody", "where": "tier.value = 'none'"})
    assert client.get("/v1/segments/nobody/members").text == ""
    assert client.get("/v1/segments/nobody/members", params={"format": "csv"}).text.count("\r\n") == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"where": "tier.value = 'high' and\n spned > 1"}, "where"),
        ({"where": "spend + orders > 3"}, "where"),
        ({"where": "orders > spend"}, "where"),
        ({"where": "spend > 3"}, "where"),
        ({"where": "tag('a\u0000b')"}, "where"),
        ({"name": "search"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"owner": ""}, "owner"),
        ({"meaning": "a\u0000b"}, "meaning"),
        ({"labels": {"fr": "x"}}, "labels"),
        ({"scoped": [{"scheme": "value", "scope": "m"}]}, "scoped.0.scheme"),
    ],
)
def test_what_cannot_be_saved(api: Api, changes: dict, field: str) -> None:
    api.activate(MODEL)
    refused = problem(api.client.post("/v1/segments", json={**BEST, **changes}), 422)
    assert refused["errors"][0]["field"] == field
    if "spned" in changes.get("where", ""):
        assert (refused["errors"][0]["line"], refused["errors"][0]["column"]) == (2, 2)


def test_who_may_and_what_is_not_there(api: Api) -> None:
    problem(api.as_role("service").post("/v1/segments", json=BEST), 403)
    problem(api.as_role("approver").get("/v1/segments/best/members"), 403)
    for answer in (
        api.client.get("/v1/segments/none"),
        api.client.get("/v1/segments/none/members"),
        api.client.put("/v1/segments/none", json={"owner": "a", "meaning": "b"}),
        api.client.post("/v1/segments/none/retire"),
    ):
        problem(answer, 404)
