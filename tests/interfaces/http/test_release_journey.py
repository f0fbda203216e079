"""The shipped value model over HTTP on sample households: changed, previewed, shadowed, approved, announced, in force
by its schedule, rolled back; and every receipt of all of it proved."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from examples.sample_data import write_facts
from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import Api
from tests.interfaces.http.test_bad_input import problem
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[3]
VALUE = (ROOT / "examples" / "models" / "value.yaml").read_text()
CHANGED = VALUE.replace("grace: 30 days", "grace: 60 days").replace(
    'enter: "r >= 4 and f >= 4 and m >= 4"', 'enter: "r >= 3 and f >= 3 and m >= 3"'
)
URL = "/v1/tier-models/value/versions"
YAML = {"content-type": "application/yaml"}
HOUSEHOLDS = 60


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def loaded(api: Api, worker: None, tmp_path: Path) -> Api:
    """The year of some households in force and decided, on the second day of the next year."""
    files = write_facts(tmp_path, weeks=0, households=HOUSEHOLDS)
    _clock(api, "2018-01-02T12:00:00Z")
    session = api.client.post("/v1/history").json()["id"]
    sent = api.client.post(
        "/v1/facts",
        params={"history": session},
        content=files.facts.read_bytes(),
        headers={"content-type": "application/x-ndjson"},
    )
    assert sent.status_code == 200 and not sent.json()["rejected"], sent.text
    drafted = api.client.post("/v1/tier-models", content=VALUE, headers=YAML)
    assert api.client.post(f"{URL}/1/fit").status_code == 200, drafted.text
    assert api.client.post(f"{URL}/1/activate").status_code == 200
    assert api.client.post(f"/v1/history/{session}/seal").status_code == 200
    wait_for(lambda: api.client.get(f"/v1/history/{session}").json()["subjects_pending"] == 0, 60)
    return api


def test_from_change_to_roll_back(loaded: Api) -> None:
    analyst, approver, service = (loaded.as_role(role) for role in ("analyst", "approver", "service"))
    sizes = _sizes(loaded)

    assert _done(analyst.post("/v1/tier-models", content=CHANGED, headers=YAML), 201)["version"] == 2
    fitted = _done(analyst.post(f"{URL}/2/fit"))
    submitted = _done(analyst.post(f"{URL}/2/submit", json={"note": "a longer grace, and the best a bin earlier"}))
    assert submitted["content_hash"] == fitted["content_hash"]

    asked = _done(analyst.post(f"{URL}/2/preview", json={"migration": {"mode": "up-only"}}), 202)
    preview = wait_for(lambda: _finished(approver.get(f"{URL}/2/preview", params={"id": asked["id"]})), 60)
    impact = preview["schemes"]["value"]
    assert preview["subjects"] == HOUSEHOLDS and impact["before"] == {t: n for t, n in sizes.items() if n}
    assert impact["up"] > 0 and impact["down"] == 0 and len(preview["sample"]) == impact["moved"]

    _done(analyst.post(f"{URL}/2/shadow", json={"migration": {"mode": "up-only"}}))
    buyers = [one["user_id"] for one in preview["sample"]][:3]
    position = _order(service, "during-shadow", buyers, "2018-01-02T12:00:00Z")
    _settled(loaded, position, buyers)
    shadow = analyst.get(f"{URL}/2/shadow").json()
    assert shadow["running"] and shadow["standings"] >= len(buyers) and shadow["apart"] > 0
    (first, *_) = analyst.get(f"{URL}/2/shadow/differences").json()["differences"]
    assert first["shadow"]["version"] == 2 and first["live_tier"] != first["shadow_tier"]

    seen = {"content_hash": submitted["content_hash"]}
    assert analyst.post(f"{URL}/2/approve", json=seen).status_code == 403, "who made it does not approve it"
    assert approver.post(f"{URL}/2/activate").status_code == 409, "not approved yet"
    assert "stale-draft" in problem(approver.post(f"{URL}/2/approve", json={"content_hash": "0" * 64}), 409)["type"]
    _done(approver.post(f"{URL}/2/approve", json=seen))
    due = {"at": "2018-01-03T05:00:00Z", "migration": {"mode": "up-only"}}
    scheduled = _done(approver.post(f"{URL}/2/schedule", json=due))
    assert (scheduled["status"], scheduled["scheduled_at"]) == ("scheduled", due["at"])

    notice = service.get(f"{URL}/2/notice", params={"lang": "zh-CN"}).json()
    assert notice["dates"] == ["自2018年1月3日起生效。"] and any("60天宽限期" in one for one in notice["changes"])
    assert "Nobody falls by the change" in service.get(f"{URL}/2/notice").json()["text"]

    _clock(loaded, "2018-01-03T05:00:01Z")
    position = _order(service, "after", buyers, "2018-01-03T05:00:00Z")
    _settled(loaded, position, buyers)
    wait_for(lambda: loaded.client.get(f"{URL}/2").json()["status"] == "active")
    assert analyst.get(f"{URL}/2/shadow").json()["running"] is False, "promoted"
    since = due["at"].replace("05:00:00", "04:59:59")
    moved = wait_for(lambda: _moves(loaded, since))
    assert sum(move["count"] for move in moved) > 0
    _proved(loaded)

    back = _done(approver.post(f"{URL}/1/activate", json={"migration": {"mode": "reassess"}}))
    assert (back["status"], loaded.client.get(f"{URL}/2").json()["status"]) == ("active", "retired")
    _settled(loaded, back["position"], buyers)
    card = loaded.client.get(f"/v1/users/{buyers[0]}").json()
    assert card["standings"]["value"]["model_version"] == 1
    history = loaded.client.get(f"/v1/users/{buyers[0]}/history", params={"size": 1000}).json()["events"]
    changed = [event for event in history if event["data"].get("cause") == "model-change"]
    assert changed[0]["effective_at"] == due["at"] and changed[0]["receipt"]["version"] == 2
    _proved(loaded)


def _done(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _finished(answer: httpx.Response) -> dict[str, Any] | None:
    found = _done(answer)
    assert found["state"] != "failed", found["errors"]
    return found if found["state"] == "done" else None


def _clock(api: Api, instant: str) -> None:
    _done(api.client.put("/v1/clock", json={"now": instant}))


def _order(service: httpx.Client, name: str, users: list[str], at: str) -> int:
    rest = {"kind": "order", "occurred_at": at, "amount": 1_500, "currency": "USD"}
    facts = [rest | {"fact_id": name, "user_id": user} for user in users]
    recorded = _done(service.post("/v1/facts", json={"facts": facts}))
    assert recorded["accepted"] == len(users), recorded
    position: int = recorded["position"]
    return position


def _settled(api: Api, position: int, users: list[str]) -> None:
    for user in users:
        card = api.client.get(f"/v1/users/{user}", params={"at_least": position, "wait": 30})
        assert card.headers["tierline-at-least"] == "reached", card.text


def _sizes(api: Api) -> dict[str, int]:
    now = api.client.get("/v1/clock").json()["now"]
    sizes: dict[str, int] = _done(api.client.get("/v1/schemes/value/distribution", params={"as_of": now}))["tiers"]
    return sizes


def _moves(api: Api, since: str) -> list[dict[str, Any]]:
    moves: list[dict[str, Any]] = _done(api.client.get("/v1/schemes/value/flows", params={"from": since}))["moves"]
    return moves


def _proved(api: Api) -> None:
    """Whatever was decided, by the version of its day, comes out of the facts again."""
    auditor = api.as_role("compliance")
    asked = _done(auditor.post("/v1/verifications"), 202)
    found = wait_for(lambda: _finished(auditor.get(f"/v1/verifications/{asked['id']}")), 60)
    assert found["clean"] and found["subjects"] == HOUSEHOLDS and found["checked"] > HOUSEHOLDS, found
