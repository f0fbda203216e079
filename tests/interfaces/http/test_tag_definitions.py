"""Definitions of tags over HTTP: what they say, how they hold values in check, and who has them."""

import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem

LEVEL = {
    "name": "level",
    "owner": "crm",
    "category": "loyalty",
    "meaning": "how well they know us",
    "type": "choice",
    "options": ["gold", "black"],
    "labels": {"zh-CN": "等级", "en": "Level"},
}


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def at_work(api: Api, worker: None) -> Api:
    api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
    api.activate(MODEL)
    api.record(order("u-1", "o-1"), order("u-2", "o-2"))
    return api


def test_a_tag_is_defined_used_revised_and_retired(at_work: Api) -> None:
    operator = at_work.as_role("operator")
    defined = operator.post("/v1/tags", json=LEVEL)
    assert defined.status_code == 201, defined.text
    found = defined.json()
    assert found | LEVEL == found
    assert (found["status"], found["revision"], found["lineage"]["source"]) == ("active", 1, "manual")
    assert found["defined_by"].startswith("key:") and found["position"] > 0
    problem(operator.post("/v1/tags", json=LEVEL), 409)

    url = "/v1/users/u-1/tags/level"
    for value in (None, "silver", 3):
        assert problem(operator.post(url, json={"value": value}), 422)["errors"][0]["field"] == "value"
    tagged = operator.post(url, json={"value": "gold"}).json()
    assert (tagged["value"], tagged["changed"]) == ("gold", True)
    assert operator.post(url, json={"value": "gold"}).json()["changed"] is False
    again = operator.post(url, json={"value": "black"}).json()
    assert again["changed"] is True
    fresh = {"at_least": again["position"], "wait": 20}
    card = at_work.client.get("/v1/users/u-1", params=fresh).json()
    assert (card["tags"], card["tag_values"]) == (["level"], {"level": "black"})
    assert "tag_values" not in at_work.client.get("/v1/users/u-2", params=fresh).json()
    for where, total in (("tag_value.level = 'black'", 1), ("tag_value.level = 'gold'", 0), ("tag('level')", 1)):
        page = at_work.client.post("/v1/segments/search", json={"where": where}, params=fresh).json()
        assert page["total"] == total, where
    assert problem(at_work.client.post("/v1/segments/search", json={"where": "tag_value.lvl = 'x'"}), 422)
    (event,) = [e for e in at_work.client.get("/v1/users/u-1/history").json()["events"] if "added" in e["topic"]][1:]
    assert event["data"]["value"] == "black"

    covered = at_work.client.get("/v1/tags/level").json()
    assert covered["users"] == 1 and covered["position"] >= again["position"]
    assert [tag["users"] for tag in at_work.client.get("/v1/tags").json()["tags"]] == [1]
    assert at_work.client.get("/v1/tags", params={"coverage": False}).json()["tags"][0]["users"] is None

    said = {name: value for name, value in LEVEL.items() if name != "name"}
    assert problem(operator.put("/v1/tags/level", json={**said, "type": "text", "options": []}), 422)
    revised = operator.put("/v1/tags/level", json={**said, "options": ["gold"]}).json()
    assert (revised["revision"], revised["options"]) == (2, ["gold"])
    assert operator.put("/v1/tags/level", json={**said, "options": ["gold"]}).json()["revision"] == 2
    problem(operator.put("/v1/tags/other", json=said), 404)

    retired = operator.post("/v1/tags/level/retire", json={"reason": "over"}).json()
    assert retired["status"] == "retired"
    refused = problem(operator.post("/v1/users/u-2/tags/level", json={"value": "gold"}), 409)
    assert "use another tag" in refused["errors"][0]["remedy"]
    problem(operator.put("/v1/tags/level", json=said), 409)
    assert operator.delete(url).json()["changed"] is True


def test_numbers_are_compared(at_work: Api) -> None:
    at_work.client.post("/v1/tags", json={"name": "height", "owner": "crm", "meaning": "in cm", "type": "number"})
    position = 0
    for user, value in (("u-1", 170), ("u-2", 182.5)):
        position = at_work.client.post(f"/v1/users/{user}/tags/height", json={"value": value}).json()["position"]
    fresh = {"at_least": position, "wait": 20}
    query = {"where": "tag_value.height >= 175", "sort": "-tag_value.height"}
    page = at_work.client.post("/v1/segments/search", json=query, params=fresh).json()
    assert [(user["user_id"], user["tag_values"]) for user in page["users"]] == [("u-2", {"height": 182.5})]


def test_who_may_and_what_is_not_there(at_work: Api) -> None:
    problem(at_work.as_role("service").post("/v1/tags", json=LEVEL), 403)
    assert at_work.as_role("service").get("/v1/tags").json()["tags"] == []
    problem(at_work.client.get("/v1/tags/none"), 404)
    problem(at_work.client.post("/v1/tags/none/retire"), 404)
    assert problem(at_work.client.post("/v1/tags", json={**LEVEL, "name": "it's"}), 422)["errors"][0]["field"] == "tag"
    unknown = problem(at_work.client.post("/v1/tags", json={**LEVEL, "tpye": "flag"}), 422)
    assert unknown["errors"][0]["field"] == "tpye"
    key = {"idempotency-key": "define-1"}
    first = at_work.client.post("/v1/tags", json=LEVEL, headers=key)
    assert at_work.client.post("/v1/tags", json=LEVEL, headers=key).content == first.content


def test_a_refusal_of_a_tag_without_definition_names_the_remedy(at_work: Api) -> None:
    refused = problem(at_work.client.post("/v1/users/u-1/tags/free", json={"value": "x"}), 422)
    assert "define the tag" in refused["errors"][0]["remedy"]
