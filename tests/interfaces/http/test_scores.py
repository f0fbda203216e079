"""Scores over HTTP: ready models, users per bin, learned scores, scores that others make."""

from tests.interfaces.http.conftest import Api, order
from tests.support.waiting import wait_for

EXTERNAL = """
scheme: loyalty
dimension: value
time_zone: UTC
currency: USD
tiers: [low, mid, high]
features:
  outside: {latest: external_score.value}
scores:
  e: {of: outside, cuts: [0.25, 0.75]}
rules:
  mid: "e >= 2"
  high: "e >= 3"
"""
LEARNED = """
scheme: future
dimension: value
time_zone: UTC
currency: USD
tiers: [low, high]
features:
  spend: {sum: order.amount}
scores:
  next: {learned: [spend], predict: {sum: order.amount}, horizon: 90 days}
  n2: {of: next, bins: 2}
rules:
  high: "n2 = 2"
"""


def external(user_id: str, fact_id: str, value: object) -> dict:
    return {
        "fact_id": fact_id,
        "user_id": user_id,
        "kind": "external_score",
        "occurred_at": "2026-01-10T00:00:00Z",
        "attributes": {"value": value},
    }


def test_a_score_that_others_make_is_a_fact_like_any_other(api: Api, worker: None) -> None:
    unknown = api.client.post("/v1/facts", json={"facts": [external("u-1", "s-1", 0.8)]}).json()
    assert unknown["accepted"] == 0 and "external_score" in str(unknown["rejected"])
    for _ in range(2):  # registered once
        registered = api.client.put("/v1/fact-kinds/external_score", json={"requires": ["attributes.value"]})
        assert registered.status_code == 200 and registered.json()["built_in"] is False
    api.activate(EXTERNAL)
    api.record(external("u-1", "s-1", 0.8), external("u-2", "s-1", 0.25), external("u-3", "s-1", "n/a"))
    lacking = api.client.post("/v1/facts", json={"facts": [external("u-4", "s-1", None)]}).json()
    assert "attributes.value" in str(lacking["rejected"])

    def tiers() -> dict | None:
        found = api.client.post("/v1/users/batch-get", json={"user_ids": ["u-1", "u-2", "u-3"]}).json()
        cards = {card["user_id"]: card["standings"].get("loyalty") for card in found["users"]}
        return cards if len(cards) == 3 and all(cards.values()) else None

    standings = wait_for(tiers)
    assert {user: standing["tier"] for user, standing in standings.items()} == {
        "u-1": "high",
        "u-2": "low",
        "u-3": "low",
    }
    assert (standings["u-1"]["features"], standings["u-1"]["scores"]) == ({"outside": 0.8}, {"e": 3})
    assert standings["u-2"]["missing"] == [{"of": "e", "is": 1, "needs": ">= 2", "missing": 1}]


def test_kinds_of_facts(api: Api) -> None:
    kinds = {one["kind"]: one for one in api.client.get("/v1/fact-kinds").json()["fact_kinds"]}
    assert kinds["order"] == {"kind": "order", "requires": ["amount", "currency"], "texts": [], "built_in": True}
    api.client.put("/v1/fact-kinds/survey", json={})
    other = api.client.put("/v1/fact-kinds/survey", json={"requires": ["amount"]})
    assert other.status_code == 422 and other.json()["errors"][0]["field"] == "kind"
    wrong = api.client.put("/v1/fact-kinds/Survey", json={"requires": ["amount"]})
    assert wrong.status_code == 422 and "lower-case" in wrong.json()["errors"][0]["remedy"]
    assert api.as_role("analyst").put("/v1/fact-kinds/x", json={}).status_code == 403


def test_ready_models(api: Api) -> None:
    listed = api.client.get("/v1/tier-models/presets").json()["presets"]
    assert {
        "name": "rfm-eight-mean",
        "label": {"zh-CN": "RFM 八分群（均值法）", "en": "RFM, eight cells by mean"},
    } in listed
    asked = {"scheme": "cells", "currency": "USD", "time_zone": "America/New_York"}
    for one in listed:
        answer = api.client.get(f"/v1/tier-models/presets/{one['name']}", params=asked)
        assert answer.headers["content-type"].startswith("application/yaml")
        found = api.client.post("/v1/tier-models/lint", content=answer.content).json()
        assert found == {"valid": True, "faults": []}
        assert "scheme: cells\n" in answer.text and "currency: USD\n" in answer.text
    assert api.client.get("/v1/tier-models/presets/rfm-nine").status_code == 404
    wrong = api.client.get("/v1/tier-models/presets/rfm-score", params={"currency": "usd"})
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["field"] == "currency"


def test_fitting_freezes_users_per_bin_and_says_what_it_cannot_learn(api: Api) -> None:
    preset = api.client.get("/v1/tier-models/presets/rfm-eight-mean", params={"currency": "USD", "time_zone": "UTC"})
    drafted = api.client.post("/v1/tier-models", content=preset.content)
    assert (drafted.status_code, drafted.json()["unfitted"]) == (201, ["r", "f", "m"])
    api.record(*(order(f"u-{number}", "o", 1_000 * (number + 1)) for number in range(4)))
    fitted = api.client.post("/v1/tier-models/rfm/versions/1/fit", json={})
    assert fitted.status_code == 200, fitted.text
    assert fitted.json()["spec"]["fitted"]["baseline"]["m"] == [2, 2]
    assert fitted.json()["spec"]["scores"]["m"]["cuts"] == [2_500.0]

    assert api.client.post("/v1/tier-models", content=LEARNED).status_code == 201
    refusals = {}
    for learner in (None, "gradient-boosting"):
        answer = api.client.post("/v1/tier-models/future/versions/1/fit", json={"learner": learner})
        refusals[answer.json()["type"].rsplit(":", 1)[1]] = (answer.status_code, answer.json()["errors"][0]["field"])
    assert refusals == {"learner-needed": (422, "learner"), "too-little-history": (422, "scores.next.horizon")}
    activated = api.client.post("/v1/tier-models/future/versions/1/activate")
    assert activated.status_code == 409 and activated.json()["errors"][0]["field"] == "scores.next.learned"
