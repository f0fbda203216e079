"""Several user ids of one user over HTTP: both show the same, and the read models follow."""

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
    position = api.record(order("u-1", "o-1", 6_000), order("u-2", "o-2", 6_000), order("u-3", "o-3", 100))
    page = api.client.post("/v1/segments/search", json={}, params={"at_least": position, "wait": 30}).json()
    assert page["total"] == 3
    return api


def card(api: Api, user: str, at_least: int) -> dict:
    answer = api.client.get(f"/v1/users/{user}", params={"at_least": at_least, "wait": 20})
    assert answer.headers["tierline-at-least"] == "reached", answer.text
    return answer.json()


def test_two_users_become_one(at_work: Api, system: System) -> None:
    operator = at_work.as_role("operator")
    operator.post("/v1/users/u-2/tags/vip")
    asked = {"other_user_id": "u-2", "reason": "the same phone"}
    key = {"idempotency-key": "merge-1"}
    merged = operator.post("/v1/users/u-1/merges", json=asked, headers=key)
    assert merged.status_code == 200, merged.text
    found = merged.json()
    assert (found["user_ids"], found["facts_copied"], found["facts_known_already"]) == (["u-1", "u-2"], 1, 0)
    assert operator.post("/v1/users/u-1/merges", json=asked, headers=key).content == merged.content
    first, second = (card(at_work, user, found["position"]) for user in ("u-1", "u-2"))
    assert first["standings"]["value"]["tier"] == "high" and first["tags"] == ["vip"]
    same = {"user_id": "", "lag_events": 0, "lag_seconds": 0}  # as of each reading
    assert first | same == second | same
    assert at_work.client.get("/v1/users/u-2/aliases").json()["user_ids"] == ["u-1", "u-2"]

    fresh = {"at_least": found["position"], "wait": 20}
    page = at_work.client.post("/v1/segments/search", json={"facets": ["tier.value"]}, params=fresh).json()
    assert (page["total"], page["facets"]) == (2, {"tier.value": {"high": 1, "low": 1}})
    assert [user["user_ids"] for user in page["users"] if len(user["user_ids"]) > 1] == [["u-1", "u-2"]]
    sizes = at_work.client.get("/v1/schemes/value/distribution").json()["tiers"]
    assert sizes == {"low": 1, "mid": 0, "high": 1}
    history = at_work.client.get("/v1/users/u-2/history").json()["events"]
    (absorbed,) = [event for event in history if event["topic"] == "user-tier.user-absorbed.v1"]
    assert absorbed["data"]["user_ids"] == ["u-2"] and absorbed["actor"].startswith("key:")
    stream = {"absorbed": absorbed["data"]["subject"]}
    before = at_work.client.get("/v1/users/u-2/history", params=stream).json()["events"]
    assert [event["topic"][10:-3] for event in before] == ["user-enrolled", "tier-changed", "tag-added", "user-merged"]
    for user, other in (("u-3", stream["absorbed"]), ("u-1", "nonsense"), ("u-1", before[-1]["data"]["into"])):
        problem(at_work.client.get(f"/v1/users/{user}/history", params={"absorbed": other}), 404)

    position = at_work.record(order("u-2", "o-9", 100))
    assert card(at_work, "u-1", position)["standings"]["value"]["features"]["orders"] == 3
    verified = at_work.client.post("/v1/verifications", json={}).json()
    done = wait_for(
        lambda: (now := at_work.client.get(f"/v1/verifications/{verified['id']}").json())["state"] == "done" and now
    )
    assert done["clean"] is True and done["checked"] > 0
    assert all(found.equal for found in system.read_models.verify().values())
    for name in ("user_card", "user_search", "transitions"):
        system.read_models.rebuild(name)
    assert card(at_work, "u-2", position)["standings"]["value"]["features"]["orders"] == 3
    assert at_work.client.post("/v1/segments/search", json={}).json()["total"] == 2
    assert all(found.equal for found in system.read_models.verify().values())


def test_a_linked_id_has_a_card_of_its_own(at_work: Api) -> None:
    linked = at_work.as_role("service").post("/v1/users/u-1/aliases", json={"alias": "app/77"}).json()
    assert (linked["user_ids"], linked["changed"]) == (["app/77", "u-1"], True)
    assert card(at_work, "app%2F77", linked["position"])["standings"]["value"]["tier"] == "mid"
    assert at_work.client.post("/v1/users/u-1/aliases", json={"alias": "app/77"}).json()["changed"] is False


def test_one_user_becomes_two_again(at_work: Api, system: System) -> None:
    operator = at_work.as_role("operator")
    merged = operator.post("/v1/users/u-1/merges", json={"other_user_id": "u-2", "reason": "the same phone"}).json()
    assert card(at_work, "u-2", merged["position"])["standings"]["value"]["tier"] == "high"
    at_work.record(order("u-2", "o-7", 100))
    asked, key = {"user_ids": ["u-2"], "reason": "a phone that was sold on"}, {"idempotency-key": "split-1"}
    answered = operator.post("/v1/users/u-1/splits", json=asked, headers=key)
    assert answered.status_code == 200, answered.text
    split = answered.json()
    assert (split["user_ids"], split["new_user_ids"]) == (["u-1"], ["u-2"])
    assert (split["facts_copied"], split["facts_voided"]) == (2, 2)
    assert operator.post("/v1/users/u-1/splits", json=asked, headers=key).content == answered.content

    first, second = (card(at_work, user, split["position"]) for user in ("u-1", "u-2"))
    assert first["subject_id"] != second["subject_id"]
    assert [one["standings"]["value"]["features"]["orders"] for one in (first, second)] == [1, 2]
    fresh = {"at_least": at_work.record(order("u-2", "o-8", 1), order("u-1", "o-8", 1)), "wait": 20}
    first, second = (card(at_work, user, fresh["at_least"]) for user in ("u-1", "u-2"))
    assert [one["standings"]["value"]["features"]["orders"] for one in (first, second)] == [2, 3]
    page = at_work.client.post("/v1/segments/search", json={"facets": ["tier.value"]}, params=fresh).json()
    assert page["total"] == 3 and sorted(user["user_ids"] for user in page["users"]) == [["u-1"], ["u-2"], ["u-3"]]
    sizes = at_work.client.get("/v1/schemes/value/distribution").json()["tiers"]
    assert sizes == page["facets"]["tier.value"] | {tier: 0 for tier in sizes if not sizes[tier]}
    begun, *_ = [
        event
        for event in at_work.client.get("/v1/users/u-2/history").json()["events"]
        if event["topic"] == "user-tier.user-split-off.v1"
    ]
    assert begun["data"]["subject"] == first["subject_id"] and begun["actor"].startswith("key:")
    history = at_work.client.get("/v1/users/u-1/history").json()["events"]
    (told,) = [event["data"] for event in history if event["topic"] == "user-tier.user-split.v1"]
    assert (told["subject"], told["user_ids"], told["facts"]) == (second["subject_id"], ["u-2"], 2)
    _verified(at_work, system)
    for name in ("user_card", "user_search", "transitions"):
        system.read_models.rebuild(name)
    again = card(at_work, "u-2", fresh["at_least"])
    assert (again["subject_id"], again["standings"]) == (second["subject_id"], second["standings"])
    _verified(at_work, system)
    back = operator.post("/v1/users/u-1/merges", json={"other_user_id": "u-2", "reason": "after all"})
    refused = problem(back, 409)
    assert refused["type"].endswith("facts-split-off") and "'u-1' into 'u-2'" in refused["errors"][0]["remedy"]
    assert operator.post("/v1/users/u-2/merges", json={"other_user_id": "u-1", "reason": "after all"}).is_success


def _verified(at_work: Api, system: System) -> None:
    verified = at_work.client.post("/v1/verifications", json={}).json()
    done = wait_for(
        lambda: (now := at_work.client.get(f"/v1/verifications/{verified['id']}").json())["state"] == "done" and now
    )
    assert done["clean"] is True and done["checked"] > 0
    assert all(found.equal for found in system.read_models.verify().values())


def test_what_cannot_be_split(at_work: Api) -> None:
    client = at_work.client
    client.post("/v1/users/u-1/aliases", json={"alias": "app-1"})
    for leaving, status, kind in (
        ([], 422, "split-invalid"),
        (["app-1", "app-1"], 422, "split-invalid"),
        (["u-1"], 422, "split-invalid"),
        (["app-1", "u-1"], 409, "nobody-stays"),
        (["u-2"], 409, "user-id-of-another"),
        (["nobody"], 409, "user-id-of-another"),
    ):
        refused = problem(client.post("/v1/users/u-1/splits", json={"user_ids": leaving, "reason": "x"}), status)
        assert refused["type"].endswith(kind) and refused["detail"] and refused["errors"][0]["remedy"]
    problem(client.post("/v1/users/nobody/splits", json={"user_ids": ["app-1"], "reason": "x"}), 404)
    problem(client.post("/v1/users/u-1/splits", json={"user_ids": ["app-1"], "reason": " "}), 422)
    by_analyst = at_work.as_role("analyst").post("/v1/users/u-1/splits", json={"user_ids": ["app-1"], "reason": "x"})
    problem(by_analyst, 403)


def test_what_is_refused(at_work: Api) -> None:
    client = at_work.client
    itself = problem(client.post("/v1/users/u-1/merges", json={"other_user_id": "u-1", "reason": "x"}), 409)
    assert itself["type"].endswith("same-user") and "itself" in itself["detail"]
    problem(client.post("/v1/users/u-1/merges", json={"other_user_id": "nobody", "reason": "x"}), 404)
    problem(client.post("/v1/users/nobody/merges", json={"other_user_id": "u-1", "reason": "x"}), 404)
    problem(client.post("/v1/users/u-1/merges", json={"other_user_id": "u-2", "reason": " "}), 422)
    at_work.record(order("u-2", "o-1", 7))
    conflict = problem(client.post("/v1/users/u-1/merges", json={"other_user_id": "u-2", "reason": "x"}), 409)
    assert conflict["errors"][0] | {"field": "fact_id", "value": "/o-1"} == conflict["errors"][0]
    problem(client.post("/v1/users/u-1/aliases", json={"alias": "u-2"}), 409)
    problem(client.post("/v1/users/u-1/aliases", json={"alias": "a\u0000b"}), 422)
    problem(client.get("/v1/users/nobody/aliases"), 404)
    for route, body in (("merges", {"other_user_id": "u-2", "reason": "x"}), ("aliases", {"alias": "z"})):
        problem(at_work.as_role("analyst").post(f"/v1/users/u-1/{route}", json=body), 403)
