"""A version from draft to retirement over HTTP: two keys, refusals with their reason, timers, roll back."""

from typing import Any

import httpx
import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem

STRICTER = MODEL.replace("money(10.00)", "money(60.00)")
URL = "/v1/tier-models/value/versions/2"
YAML = {"content-type": "application/yaml"}


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


@pytest.fixture
def at_work(api: Api, worker: None) -> Api:
    """A user on the middle tier by version 1."""
    api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
    api.activate()
    api.record(order("u-1", "o-1", 5_000, "2026-01-10T00:00:00Z"))
    return api


@pytest.fixture
def analyst(at_work: Api) -> httpx.Client:
    """Whose version 2 is submitted."""
    analyst = at_work.as_role("analyst")
    assert analyst.post("/v1/tier-models", content=STRICTER, headers=YAML).status_code == 201
    submitted = analyst.post(f"{URL}/submit", json={"note": "mid is too easy"})
    assert submitted.status_code == 200 and submitted.json()["status"] == "submitted", submitted.text
    return analyst


def content_hash(api: Api) -> str:
    return api.client.get(URL).json()["content_hash"]


def approved(api: Api) -> httpx.Client:
    approver = api.as_role("approver")
    answer = approver.post(f"{URL}/approve", json={"content_hash": content_hash(api), "note": "ok"})
    assert answer.status_code == 200, answer.text
    return approver


def tier(api: Api, at_least: int) -> str:
    card = api.client.get("/v1/users/u-1", params={"at_least": at_least, "wait": 20})
    assert card.headers["tierline-at-least"] == "reached", card.text
    return card.json()["standings"]["value"]["tier"]


def test_submitted_approved_activated_rolled_back_retired(at_work: Api, analyst: httpx.Client) -> None:
    approver = approved(at_work)
    review = at_work.client.get(URL).json()["review"]
    assert (review["note"], review["approval"]) == ("mid is too easy", "ok")
    assert review["submitted_by"] != review["approved_by"]
    done = approver.post(f"{URL}/activate", headers={"idempotency-key": "go"})
    assert done.status_code == 200 and done.json()["status"] == "active", done.text
    again = approver.post(f"{URL}/activate", headers={"idempotency-key": "go"})
    assert again.json() == done.json() and again.headers["idempotent-replayed"] == "true"
    assert tier(at_work, done.json()["position"]) == "low"
    late = problem(approver.post("/v1/tier-models/value/versions/1/activate", json={"instead_of": 1}), 409)
    assert "in-force-changed" in late["type"] and late["errors"][0]["field"] == "instead_of"
    back = approver.post("/v1/tier-models/value/versions/1/activate", json={"instead_of": 2})
    assert back.json()["status"] == "active"
    assert tier(at_work, back.json()["position"]) == "mid"
    causes = [e["data"].get("cause") for e in at_work.client.get("/v1/users/u-1/history").json()["events"]]
    assert causes[-2:] == ["model-change", "model-change"]
    assert approver.post(f"{URL}/retire").json()["status"] == "retired"


def test_a_schedule_comes_true_by_itself(at_work: Api, analyst: httpx.Client) -> None:
    approver = approved(at_work)
    body = {"at": "2026-02-01T00:00:00Z", "notice_days": 7, "migration": {"mode": "soft-landing", "grace_days": 10}}
    scheduled = approver.post(f"{URL}/schedule", json=body).json()
    assert (scheduled["status"], scheduled["scheduled_at"]) == ("scheduled", "2026-02-01T00:00:00Z")
    assert scheduled["migration"] == {"mode": "soft-landing", "grace_days": 10}
    at_work.record(order("u-1", "o-2", 5_000, "2026-01-10T00:00:00Z"))
    at_work.client.put("/v1/clock", json={"now": "2026-02-01T00:01:00Z"})
    position = at_work.record(order("u-2", "o-1", 5_000, "2026-02-01T00:00:30Z"))
    assert tier(at_work, position) == "high"
    other = at_work.client.get("/v1/users/u-2", params={"at_least": position, "wait": 20}).json()
    assert other["standings"]["value"]["tier"] == "low", "by version 2, carried out or not"
    assert other["standings"]["value"]["model_version"] == 2


def test_a_schedule_is_taken_back(at_work: Api, analyst: httpx.Client) -> None:
    approver = approved(at_work)
    approver.post(f"{URL}/schedule", json={"at": "2026-02-01T00:00:00Z"})
    assert "already-scheduled" in problem(approver.post(f"{URL}/activate"), 409)["type"]
    back = approver.delete(f"{URL}/schedule", params={"reason": "not yet"}).json()
    assert (back["status"], back["scheduled_at"]) == ("approved", None)
    assert "not-scheduled" in problem(approver.delete(f"{URL}/schedule"), 409)["type"]


def test_a_part_of_the_users_first(at_work: Api, analyst: httpx.Client) -> None:
    approver = approved(at_work)
    some = approver.post(f"{URL}/activate", json={"migration": {"percent": 0.01, "salt": "spring"}}).json()
    assert some["migration"] == {"percent": 0.01, "salt": "spring"}
    assert tier(at_work, some["position"]) == "mid"
    fewer = approver.post(f"{URL}/activate", json={"migration": {"percent": 0.005}})
    assert problem(fewer, 422)["errors"][0]["field"] == "migration.percent"
    everybody = approver.post(f"{URL}/activate", json={"migration": {"percent": 100}}).json()
    assert everybody["migration"] == {"salt": "spring"}
    assert tier(at_work, everybody["position"]) == "low"
    lowered = problem(approver.post(f"{URL}/activate", json={"migration": {"percent": 40}}), 409)
    assert lowered["type"].endswith("rollout-shrinks")
    assert lowered["errors"][0]["remedy"] == "activate the version before"


def test_who_may(at_work: Api, analyst: httpx.Client) -> None:
    body = {"content_hash": content_hash(at_work)}
    for role in ("service", "operator", "analyst", "compliance"):
        client = at_work.as_role(role)
        assert client.post(f"{URL}/approve", json=body).status_code == 403
        assert client.post(f"{URL}/activate").status_code == 403
        assert client.post(f"{URL}/schedule", json={"at": "2026-02-01T00:00:00Z"}).status_code == 403
    assert at_work.as_role("approver").post(f"{URL}/submit").status_code == 403


def test_what_is_refused(at_work: Api, analyst: httpx.Client) -> None:
    approver, admin, seen = at_work.as_role("approver"), at_work.as_role("admin"), content_hash(at_work)

    def refused(answer: httpx.Response, status: int, kind: str, field: str) -> None:
        found = problem(answer, status)
        assert (found["type"], found["errors"][0]["field"]) == (f"urn:tierline:problem:{kind}", field)

    refused(approver.post(f"{URL}/activate"), 409, "not-approved", "status")
    refused(admin.post(f"{URL}/activate"), 409, "not-approved", "status")
    refused(approver.post(f"{URL}/approve", json={"content_hash": "abc"}), 409, "stale-draft", "content_hash")
    refused(approver.post(f"{URL}/approve", json={}), 422, "request-invalid", "content_hash")
    refused(approver.post(f"{URL}/reject", json={"reason": ""}), 422, "words-invalid", "reason")
    nine = "/v1/tier-models/value/versions/9"
    refused(approver.post(f"{nine}/approve", json={"content_hash": seen}), 404, "version-unknown", "version")
    admin.post("/v1/tier-models", content=STRICTER.replace("60.00", "70.00"), headers=YAML)
    three = "/v1/tier-models/value/versions/3"
    admin.post(f"{three}/submit")
    own = {"content_hash": admin.get(three).json()["content_hash"]}
    refused(admin.post(f"{three}/approve", json=own), 409, "own-draft", "actor")
    approved(at_work)
    past: dict[str, Any] = {"at": "2020-01-01T00:00:00Z"}
    refused(approver.post(f"{URL}/schedule", json=past), 422, "scheduled-in-past", "at")
    one = "/v1/tier-models/value/versions/1/schedule"
    refused(approver.post(one, json={"at": "2027-01-01T00:00:00Z"}), 409, "already-in-force", "version")
    short = {"at": "2026-01-12T00:00:00Z", "notice_days": 7}
    refused(approver.post(f"{URL}/schedule", json=short), 422, "scheduled-in-past", "at")
    wrong = {"migration": {"mode": "grandfather"}}
    refused(approver.post(f"{URL}/activate", json=wrong), 422, "migration-invalid", "migration.until")
    wrong = {"migration": {"mapping": {"gold": "low"}}}
    refused(approver.post(f"{URL}/activate", json=wrong), 422, "migration-invalid", "migration.mapping")
    for field, odd in (("percent", True), ("percent", "10"), ("grace_days", True), ("grace_days", "30")):
        mistyped = approver.post(f"{URL}/activate", json={"migration": {field: odd}})
        refused(mistyped, 422, "request-invalid", f"migration.{field}")
    text = {"at": "2027-01-01T00:00:00Z", "notice_days": "7"}
    refused(approver.post(f"{URL}/schedule", json=text), 422, "request-invalid", "notice_days")
