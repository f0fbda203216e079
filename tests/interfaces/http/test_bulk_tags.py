"""Rules and bulks of tags over HTTP, with a worker that does them."""

import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem
from tests.support.waiting import wait_for


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def at_work(api: Api, worker: None) -> Api:
    api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
    api.activate(MODEL)
    position = api.record(order("u-1", "o-1", 20_000), order("u-2", "o-2"), order("u-3", "o-3", 100))
    api.client.post("/v1/segments/search", json={}, params={"at_least": position, "wait": 20})
    return api


def tags(api: Api, *users: str) -> list[list[str]]:
    return [api.client.get(f"/v1/users/{user}").json()["tags"] for user in users]


def test_a_bulk_is_looked_at_run_and_reverted(at_work: Api) -> None:
    operator = at_work.as_role("operator")
    asked = {"tag": "vip", "where": "tier.value = 'high' or tier.value = 'mid'", "reason": "spring"}
    problem(at_work.as_role("service").post("/v1/bulk-tags", json=asked), 403)
    previewed = operator.post("/v1/bulk-tags", json=asked)
    assert previewed.status_code == 201, previewed.text
    bulk = previewed.json()
    assert (bulk["users"], sorted(bulk["sample"]), bulk["state"]) == (2, ["u-1", "u-2"], "previewed")
    url = f"/v1/bulk-tags/{bulk['id']}"
    problem(operator.post(f"{url}/cancel"), 409)
    assert operator.post(f"{url}/run").status_code == 202
    done = wait_for(lambda: (found := operator.get(url).json())["state"] == "done" and found)
    assert done["by_outcome"] == {"changed": 2}
    wait_for(lambda: tags(at_work, "u-1", "u-2", "u-3") == [["vip"], ["vip"], []])
    assert operator.post(f"{url}/revert").status_code == 202
    wait_for(lambda: operator.get(url).json()["state"] == "reverted")
    wait_for(lambda: tags(at_work, "u-1", "u-2") == [[], []])
    assert [one["id"] for one in operator.get("/v1/bulk-tags").json()["bulk_tags"]] == [bulk["id"]]
    listed = operator.post("/v1/bulk-tags", json={"tag": "vip", "user_ids": ["u-1", "nobody"]}).json()
    assert (listed["users"], listed["unknown"], listed["unknown_first"]) == (1, 1, ["nobody"])


def test_what_a_bulk_is_refused_for(at_work: Api) -> None:
    for body, field in (
        ({"tag": "vip"}, "where"),
        ({"tag": "vip", "where": "x = 1", "user_ids": []}, "where"),
        ({"tag": "vip", "where": "orders > "}, "where"),
        ({"tag": "it's", "user_ids": ["u-1"]}, "tag"),
        ({"tag": "vip", "user_ids": ["u-1"], "value": 1}, "value"),
        ({"tag": "vip", "user_ids": ["u-1"], "until": "2025-01-01T00:00:00Z"}, "until"),
    ):
        assert problem(at_work.client.post("/v1/bulk-tags", json=body), 422)["errors"][0]["field"] == field
    problem(at_work.client.get("/v1/bulk-tags/none"), 404)


def test_a_rule_keeps_a_tag_up(at_work: Api) -> None:
    lineage = {"source": "rule", "condition": "tier.value = 'high' or recency >= 2"}
    tag = {"name": "watch", "owner": "crm", "meaning": "best or leaving", "lineage": lineage}
    wrong = {**tag, "lineage": {"source": "rule", "condition": "tier.valu = 'high'"}}
    fault = problem(at_work.client.post("/v1/tags", json=wrong), 422)["errors"][0]
    assert (fault["field"], fault["line"], fault["column"]) == ("lineage.condition", 1, 1)
    problem(at_work.client.post("/v1/tags", json={**tag, "name": "b", "lineage": {"source": "rule"}}), 422)
    defined = at_work.client.post("/v1/tags", json=tag).json()
    assert defined["lineage"]["reads"] == {"value": 1}
    wait_for(lambda: tags(at_work, "u-1", "u-2") == [["watch"], []])
    at_work.record(order("u-2", "o-9", 20_000))
    wait_for(lambda: tags(at_work, "u-2") == [["watch"]])
    at_work.client.put("/v1/clock", json={"now": "2026-01-12T00:00:00Z"})
    wait_for(lambda: tags(at_work, "u-3") == [["watch"]])
    problem(at_work.client.post("/v1/users/u-3/tags/watch"), 409)
    circle = {**tag, "name": "own", "lineage": {"source": "rule", "condition": "tag('own')"}}
    assert problem(at_work.client.post("/v1/tags", json=circle), 422)["type"].endswith("tag-circle")
