"""Longer stories over HTTP: models, history, trying out, waiting, read models, and the manual clock."""

import json
from pathlib import Path

import httpx
import pytest

from infrastructure.bootstrap import System, build
from infrastructure.settings import Settings
from projections.catalogue import USER_CARD
from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem

NDJSON = {"content-type": "application/x-ndjson"}
SCHEMA = Path(__file__).parents[3] / "docs" / "tier-model.schema.json"


def test_a_model_from_draft_to_force(api: Api) -> None:
    fitted = MODEL.replace("rules:", "scores:\n  m: {of: spend, bins: 2, best: high, cuts: fitted}\nrules:")
    api.record(order("u-1", "a", 100), order("u-2", "b", 9_000))
    drafted = api.client.post("/v1/tier-models", content=fitted)
    assert drafted.status_code == 201, drafted.text
    view = drafted.json()
    assert (view["scheme"], view["version"], view["status"], view["unfitted"]) == ("value", 1, "draft", ["m"])
    assert api.client.post("/v1/tier-models", content=fitted).json()["version"] == 1, "same content, same version"
    problem(api.client.post("/v1/tier-models/value/versions/1/activate"), 409)
    at = api.client.post("/v1/tier-models/value/versions/1/fit", json={"at": "2026-01-20T00:00:00Z"})
    # The facts are known now, and were not then.
    assert problem(at, 422)["errors"][0]["field"] == "scores.m.cuts"
    assert api.client.post("/v1/tier-models/value/versions/1/fit").json()["status"] == "fitted"
    active = api.client.post("/v1/tier-models/value/versions/1/activate").json()
    assert active["status"] == "active" and active["position"] > 0
    shown = api.client.get("/v1/tier-models/value").json()
    assert [version["version"] for version in shown["versions"]] == [1]
    assert shown["spec"]["scores"]["m"]["cuts"] != "fitted"
    assert api.client.get("/v1/tier-models").json()["tier_models"][0]["scheme"] == "value"


def test_the_schema_of_a_model(api: Api) -> None:
    answer = api.client.get("/v1/tier-models/schema")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/schema+json")
    assert answer.json() == json.loads(SCHEMA.read_text()), "python -m domain.tier_model.spec writes the file"
    tag = answer.headers["etag"]
    for known in (tag, f'"other", W/{tag}'):
        again = api.client.get("/v1/tier-models/schema", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert api.client.get("/v1/tier-models/schema", headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.usefixtures("worker")
def test_history_is_decided_as_of_its_own_time(api: Api) -> None:
    api.activate()
    session = api.client.post("/v1/history").json()
    history_id = session["id"]
    assert session["history_id"] == history_id
    problem(api.as_role("operator").post("/v1/facts", params={"history": history_id}, json={"facts": []}), 403)
    line = json.dumps(order("u-1", "a", 20_000, "2025-01-10T08:00:00Z"))
    imported = api.client.post("/v1/facts", params={"history": history_id}, content=line, headers=NDJSON).json()
    assert imported["accepted"] == 1
    problem(api.client.post("/v1/users/u-1/evaluations"), 409)
    waiting = api.client.get(f"/v1/history/{history_id}").json()
    assert (waiting["status"], waiting["subjects_pending"], waiting["facts_pending"]) == ("open", 1, 1)
    sealed = api.client.post(f"/v1/history/{history_id}/seal").json()
    assert sealed["status"] == "sealed" and sealed["position"] > 0
    assert api.client.post(f"/v1/history/{history_id}/seal").json() == sealed
    card = api.client.get("/v1/users/u-1", params={"at_least": sealed["position"], "wait": 20}).json()
    assert card["standings"]["value"]["tier"] == "low", "the order has left its window long since"
    then = api.client.get("/v1/users/u-1/tiers", params={"as_of": "2025-01-20T00:00:00Z"}).json()
    assert then["standings"]["value"]["tier"] == "high"
    assert then["standings"]["value"]["since"] == "2025-01-10T08:00:00Z"
    problem(api.client.post("/v1/facts", params={"history": history_id}, json={"facts": [order("u-2", "b")]}), 409)


def test_trying_out_changes_nothing(api: Api) -> None:
    api.activate()
    now = api.client.get("/v1/clock").json()["now"]
    api.record(order("u-1", "a", 5_000, now))
    supposed = {"dry_run": True, "hypothetical_facts": [{"kind": "order", "amount": 6_000, "currency": "USD"}]}
    tried = api.as_role("analyst").post("/v1/users/u-1/evaluations", json=supposed).json()
    assert tried.keys() >= {"user_id", "as_of", "evaluations", "position"}
    would = tried["evaluations"]["value"]
    assert would.keys() >= {"features", "scores", "qualified", "decision"}
    assert (would["qualified"], would["features"]["spend"]) == ("high", 11_000)
    assert api.client.get("/v1/users/u-1/history").json()["events"] == []
    done = api.client.post("/v1/users/u-1/evaluations").json()["evaluations"]["value"]
    assert (done["qualified"], done["decision"]["to"]) == ("mid", "mid")
    assert done["decision"]["receipt"]["features"]["spend"] == 5_000
    assert len(api.client.get("/v1/users/u-1/history").json()["events"]) == 2


def test_an_answer_that_is_not_there_yet_says_so(api: Api) -> None:
    api.activate()
    position = api.record(order("u-1", "a"))
    card = api.client.get("/v1/users/u-1", params={"at_least": position, "wait": 0.1})
    assert card.status_code == 200 and card.headers["tierline-at-least"] == "behind"
    assert card.json()["position"] < position
    tiers = api.client.get("/v1/users/u-1/tiers", params={"at_least": position, "wait": 0})
    assert tiers.headers["tierline-at-least"] == "behind" and tiers.json()["position"] < position
    api.client.post("/v1/users/u-1/evaluations")
    decided = api.client.get("/v1/users/u-1/tiers", params={"at_least": position, "wait": 0})
    assert decided.headers["tierline-at-least"] == "reached" and decided.json()["position"] >= position
    ahead = api.client.get("/v1/users/u-1/tiers", params={"at_least": position + 10**9, "wait": 0})
    assert ahead.headers["tierline-at-least"] == "behind", "nobody has such a position yet"
    for bad in ({"at_least": "soon"}, {"at_least": -1}, {"at_least": 1, "wait": 31}):
        assert problem(api.client.get("/v1/users/u-1", params=bad), 422)["errors"][0]["field"] in bad


ABOUT_MANY = (
    ("GET", "/v1/schemes/value/distribution", None),
    ("GET", "/v1/schemes/value/distribution?known_at=2026-01-10T12:00:00Z", None),
    ("GET", "/v1/schemes/value/flows?from=2026-01-01T00:00:00Z", None),
    ("GET", "/v1/segments/all/members", None),
    ("POST", "/v1/users/batch-get", {"user_ids": ["u-1"]}),
    ("POST", "/v1/segments/search", {}),
)


@pytest.mark.usefixtures("worker")
def test_answers_about_many_wait_for_everybody(api: Api) -> None:
    def ask(method: str, path: str, body: dict | None, at_least: int, wait: float) -> tuple[str, int]:
        query = httpx.QueryParams({"at_least": at_least, "wait": wait})
        found = api.client.request(method, httpx.URL(path).copy_merge_params(query), json=body)
        assert found.status_code == 200, found.text
        shown = found.headers.get("tierline-position")
        if shown is None:
            answered = found.json()
            shown = answered["position"] if "position" in answered else answered["users"][0]["position"]
        return found.headers["tierline-at-least"], int(shown)

    api.activate()
    api.client.post("/v1/segments", json={"name": "all", "owner": "crm", "meaning": "Everybody."})
    position = api.record(order("u-1", "a"))
    nobodys = position + 10**9
    for method, path, body in ABOUT_MANY:
        said, shown = ask(method, path, body, position, 20)
        assert said == "reached" and shown >= position, path
        said, shown = ask(method, path, body, nobodys, 0)
        assert said == "behind" and shown < nobodys, path


@pytest.mark.usefixtures("worker")
def test_read_models_are_rebuilt_paused_and_resumed(api: Api) -> None:
    api.activate()
    position = api.record(order("u-1", "a"))
    api.client.get("/v1/users/u-1", params={"at_least": position, "wait": 20})
    listed = api.client.get("/v1/projections").json()
    names = {one["name"] for one in listed["projections"]}
    assert names == {"user_card", "user_search", "transitions"}
    assert {"version", "status", "lag_events", "lag_seconds", "parked"} <= listed["projections"][0].keys()
    rebuilt = api.client.post("/v1/projections/user_card/rebuild")
    assert (rebuilt.status_code, rebuilt.json()["building"]) == (202, USER_CARD.version + 1)
    assert api.client.post("/v1/projections/user_search/pause").json()["status"] == "paused"
    assert api.client.post("/v1/projections/user_search/resume").json()["status"] == "serving"


def test_operation_needs_no_key(api: Api) -> None:
    del api.client.headers["authorization"]
    assert api.client.get("/healthz").json() == {"status": "alive"}
    ready = api.client.get("/readyz")
    parts = {part["name"]: part for part in ready.json()["parts"]}
    assert parts.keys() == {"postgres", "redis", "broker", "opensearch", "worker", "strategies"}
    assert (ready.status_code, parts["worker"]["status"]) == (503, "off"), "no worker in this test"
    assert parts["worker"]["remedy"] and parts["postgres"]["status"] == "on"
    metrics = api.client.get("/metrics").text
    assert 'route="/healthz"' in metrics and "tierline_due_users" in metrics


def test_the_openapi_document(api: Api) -> None:
    document = api.client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) >= 25
    for path, method, operation in operations:
        assert operation.get("summary") and operation.get("description"), (path, method)
        if path.startswith("/v1"):
            good = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
            assert all(content["example"] for content in good["content"].values()), (path, method)
            assert "application/problem+json" in operation["responses"]["4XX"]["content"]


class TestManualClock:
    """Time that stands still until it is told to go on."""

    @pytest.fixture
    def system(self, system: System) -> System:
        system.clock.make_manual()
        return system

    def test_it_goes_forward_only_and_every_answer_says_so(self, api: Api) -> None:
        assert api.client.get("/v1/clock").json() == {"now": "1970-01-01T00:00:00Z", "mode": "manual"}
        answer = api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
        assert answer.json() == {"now": "2026-01-10T00:00:00Z", "mode": "manual", "position": 0}
        assert answer.headers["tierline-clock"] == "manual; now=2026-01-10T00:00:00Z"
        assert api.client.get("/healthz").headers["tierline-clock"].startswith("manual; now=2026-01-10")
        problem(api.client.put("/v1/clock", json={"now": "2026-01-09T00:00:00Z"}), 409)
        problem(api.as_role("operator").put("/v1/clock", json={"now": "2027-01-09T00:00:00Z"}), 403)
        too_far = problem(api.client.put("/v1/clock", json={"now": "9999-01-01T00:00:00Z"}), 422)
        assert "2150" in too_far["errors"][0]["remedy"]

    @pytest.mark.usefixtures("worker")
    def test_time_alone_lowers_a_tier(self, api: Api) -> None:
        api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
        api.activate()
        position = api.record(order("u-1", "a", 5_000, "2026-01-10T00:00:00Z"))
        card = api.client.get("/v1/users/u-1", params={"at_least": position, "wait": 20}).json()
        assert card["standings"]["value"]["tier"] == "mid"
        assert card["standings"]["value"]["may_drop_on"] == "2026-02-09T00:00:00Z"
        api.client.put("/v1/clock", json={"now": "2026-02-09T00:00:00Z"})
        later = api.client.get("/v1/users/u-1", params={"at_least": position, "wait": 20})
        assert later.headers["tierline-at-least"] == "reached"
        search = api.client.post(
            "/v1/segments/search", json={"where": "recency >= 30"}, params={"at_least": position, "wait": 20}
        )
        assert (search.headers["tierline-at-least"], search.json()["total"]) == ("reached", 1)
        assert api.client.get("/v1/users/u-1").json()["standings"]["value"]["tier"] == "low"


def test_a_manual_clock_is_remembered_by_its_database(system: System) -> None:
    assert not system.clock.manual
    system.clock.make_manual()
    again = build(system.settings, pool_size=2)
    try:
        assert again.clock.manual and isinstance(again.settings, Settings)
    finally:
        again.close()
