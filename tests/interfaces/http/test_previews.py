"""Previews over HTTP: asked for, made by a worker, read by the approver, gone with the content."""

import time
from typing import Any

from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem

URL = "/v1/tier-models/value/versions/2/preview"
YAML = {"content-type": "application/yaml"}


def drafted(api: Api, spend: str = "60.00") -> None:
    model = MODEL.replace("money(10.00)", f"money({spend})").replace("30 days", "36500 days")
    assert api.client.post("/v1/tier-models", content=model, headers=YAML).status_code == 201


def done(api: Api, preview_id: str) -> dict[str, Any]:
    for _ in range(100):
        found = api.as_role("approver").get(URL, params={"id": preview_id}).json()
        if found["state"] in ("done", "failed"):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


def test_a_preview_is_asked_for_made_and_read(api: Api, worker: None) -> None:
    api.activate(MODEL.replace("30 days", "36500 days"))
    position = api.record(order("u-1", "o-1", 5_000), order("u-2", "o-1", 20_000))
    api.client.get("/v1/users/u-2", params={"at_least": position, "wait": 20})
    drafted(api)
    assert "no-preview" in problem(api.client.get(URL), 404)["type"]
    asked = api.as_role("analyst").post(URL, json={"migration": {"mode": "reassess"}})
    assert asked.status_code == 202, asked.text
    found = done(api, asked.json()["id"])
    impact = found["schemes"]["value"]
    assert (found["subjects"], impact["moved"], impact["down"]) == (2, 1, 1)
    assert impact["moves"] == [{"from": "mid", "to": "low", "count": 1}]
    (one,) = found["sample"]
    assert (one["user_id"], one["receipt"]["version"], one["before"]["version"]) == ("u-1", 2, 1)
    assert api.client.get(URL).json()["id"] == found["id"], "the last one of this content"
    elsewhere = api.client.get(URL.replace("/2/", "/1/"), params={"id": found["id"]})
    assert problem(elsewhere, 404)["errors"][0]["value"] == found["id"], "of another version"


def test_what_is_refused(api: Api) -> None:
    api.activate()
    drafted(api)
    for role in ("service", "operator", "compliance"):
        assert api.as_role(role).post(URL).status_code == 403
    wrong = api.client.post(URL, json={"migration": {"mode": "soft-landing"}})
    assert problem(wrong, 422)["errors"][0]["field"] == "migration.grace_days"
    assert "unknown-run" in problem(api.client.get(URL, params={"id": "none"}), 404)["type"]
    assert problem(api.client.post(URL.replace("/2/", "/9/")), 404)["type"].endswith("version-unknown")
