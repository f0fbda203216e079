"""Tags over HTTP: what they change at once, what they answer, and who may."""

import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem

TAGGED = MODEL.replace('high: {enter: "spend >= money(100.00)"}', "high: {enter: \"tag('vip')\"}")
URL = "/v1/users/u-1/tags"


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def at_work(api: Api, worker: None) -> Api:
    """A user on the middle tier."""
    api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
    api.activate(TAGGED)
    api.record(order("u-1", "o-1", 5_000, "2026-01-10T00:00:00Z"))
    return api


def tier(api: Api, at_least: int) -> dict:
    card = api.client.get("/v1/users/u-1", params={"at_least": at_least, "wait": 20})
    assert card.headers["tierline-at-least"] == "reached", card.text
    return card.json()


def test_a_tag_is_decided_shown_found_and_ends(at_work: Api) -> None:
    operator = at_work.as_role("operator")
    until = "2026-02-01T08:00:00Z"
    tagged = operator.post(f"{URL}/vip", json={"until": until, "reason": "spring"})
    assert tagged.status_code == 200, tagged.text
    answer = tagged.json()
    assert answer == {"user_id": "u-1", "tag": "vip", "until": until, "changed": True, "position": answer["position"]}
    card = tier(at_work, answer["position"])
    assert (card["tags"], card["standings"]["value"]["tier"]) == (["vip"], "high")
    assert card["standings"]["value"]["may_drop_on"] == until
    query = {"where": "tag('vip') and tier.value = 'high'", "facets": ["tags"]}
    found = at_work.client.post("/v1/segments/search", json=query, params={"at_least": answer["position"], "wait": 20})
    assert (found.json()["total"], found.json()["facets"]) == (1, {"tags": {"vip": 1}})
    *_, added, moved = at_work.client.get("/v1/users/u-1/history").json()["events"]
    assert added["topic"] == "user-tier.tag-added.v1" and added["receipt"] is None
    assert added["data"] | {"tag": "vip", "until": until, "reason": "spring"} == added["data"]
    assert added["actor"].startswith("key:") and added["effective_at"] == moved["effective_at"]
    assert (moved["data"]["from"], moved["data"]["to"]) == ("mid", "high")
    now = at_work.client.put("/v1/clock", json={"now": "2026-02-01T09:00:00Z"})
    assert now.status_code == 200
    card = tier(at_work, answer["position"])
    assert (card["tags"], card["standings"]["value"]["tier"]) == ([], "mid")
    then = at_work.client.get("/v1/users/u-1/tiers").json()["standings"]["value"]
    assert (then["tier"], then["since"]) == ("mid", until)


def test_a_tag_is_taken_off(at_work: Api) -> None:
    at_work.client.post(f"{URL}/vip")
    removed = at_work.as_role("service").delete(f"{URL}/vip", params={"reason": "moved away"}).json()
    assert (removed["changed"], removed["until"]) == (True, None)
    assert tier(at_work, removed["position"])["standings"]["value"]["tier"] == "mid"
    again = at_work.client.delete(f"{URL}/vip").json()
    assert again["changed"] is False and again["position"] >= removed["position"]
    (event,) = [e for e in at_work.client.get("/v1/users/u-1/history").json()["events"] if "removed" in e["topic"]]
    assert event["data"]["reason"] == "moved away"


def test_the_same_key_tags_once(at_work: Api) -> None:
    key = {"idempotency-key": "tag-1"}
    first = at_work.client.post(f"{URL}/vip", headers=key, json={"reason": "a"})
    at_work.client.delete(f"{URL}/vip")
    again = at_work.client.post(f"{URL}/vip", headers=key, json={"reason": "a"})
    assert again.content == first.content and again.headers["idempotent-replayed"] == "true"
    problem(at_work.client.post(f"{URL}/vip", headers=key, json={"reason": "b"}), 409)
    # As after a crash between the commit and the noting of the answer.
    with at_work.system.pool.connection() as connection:
        connection.execute("delete from idempotency_keys")
    anew = at_work.client.post(f"{URL}/vip", headers=key, json={"reason": "a"}).json()
    assert anew["changed"] is True
    assert tier(at_work, anew["position"])["tags"] == []


def test_what_cannot_be_tagged(at_work: Api) -> None:
    problem(at_work.client.post("/v1/users/nobody/tags/vip"), 404)
    problem(at_work.client.delete("/v1/users/nobody/tags/vip"), 404)
    for tag in ("it's", 'a"b', "x" * 65, "%20", "a%07b"):
        assert problem(at_work.client.post(f"{URL}/{tag}"), 422)["errors"][0]["field"] == "tag"
    past = at_work.client.post(f"{URL}/vip", json={"until": "2026-01-01T00:00:00Z"})
    assert problem(past, 422)["errors"][0]["field"] == "until"
    for body in ({"until": "soon"}, {"reason": "x" * 501}, {"untill": None}):
        assert problem(at_work.client.post(f"{URL}/vip", json=body), 422)["errors"][0]["field"] in body
    problem(at_work.as_role("analyst").post(f"{URL}/vip"), 403)
    history_id = at_work.client.post("/v1/history").json()["id"]
    past_fact = order("u-7", "o", 1, "2025-01-01T00:00:00Z")
    at_work.client.post("/v1/facts", params={"history": history_id}, json={"facts": [past_fact]})
    problem(at_work.client.post("/v1/users/u-7/tags/vip"), 409)
    misspelt = problem(at_work.client.post(f"{URL}/vip", json={"untl": None}), 422)
    assert misspelt["errors"] == [
        {"field": "untl", "value": None, "remedy": "no such field is known here: correct its name, or leave it out"}
    ]


def test_names_with_slashes_and_other_scripts(at_work: Api) -> None:
    at_work.record(order("shop/7", "o-2", 5_000, "2026-01-10T00:00:00Z"))
    for tag, path in (("高价值", "高价值"), ("a/b", "a%2Fb"), ("100% sure", "100%25%20sure")):
        answer = at_work.client.post(f"/v1/users/shop%2F7/tags/{path}").json()
        assert (answer["user_id"], answer["tag"], answer["changed"]) == ("shop/7", tag, True)
