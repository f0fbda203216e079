"""Shadow runs over HTTP."""

import pytest

from infrastructure.bootstrap import System
from tests.interfaces.http.conftest import MODEL, Api, order
from tests.interfaces.http.test_bad_input import problem

URL = "/v1/tier-models/value/versions/2/shadow"


@pytest.fixture
def system(system: System) -> System:
    system.clock.make_manual()
    return system


def test_a_candidate_beside_the_version_in_force(api: Api, worker: None) -> None:
    api.client.put("/v1/clock", json={"now": "2026-01-10T00:00:00Z"})
    api.activate()
    stricter = MODEL.replace("money(10.00)", "money(60.00)")
    api.client.post("/v1/tier-models", content=stricter, headers={"content-type": "application/yaml"})
    assert problem(api.client.get(URL), 404)["type"].endswith("no-shadow")
    analyst = api.as_role("analyst")
    started = analyst.post(URL, json={"migration": {"mode": "reassess"}})
    assert started.status_code == 200 and started.json()["running"] is True, started.text
    position = api.record(order("u-1", "o-1", 5_000, "2026-01-10T00:00:00Z"))
    card = api.client.get("/v1/users/u-1", params={"at_least": position, "wait": 20}).json()
    assert card["standings"]["value"]["tier"] == "mid", "without effect"
    status = analyst.get(URL).json()
    assert (status["standings"], status["apart"]) == (1, 1)
    assert status["tiers"] == [{"live": "mid", "shadow": "low", "count": 1}]
    (one,) = analyst.get(f"{URL}/differences", params={"live_tier": "mid"}).json()["differences"]
    assert (one["user_id"], one["live"]["version"], one["shadow"]["version"]) == ("u-1", 1, 2)
    for field in ("live_tier", "shadow_tier"):
        (error,) = problem(analyst.get(f"{URL}/differences", params={field: "nope"}), 422)["errors"]
        assert (error["field"], error["value"]) == (field, "nope") and "low, mid, high" in error["remedy"]
    stopped = analyst.delete(URL).json()
    assert (stopped["running"], stopped["standings"]) == (False, 1)


def test_what_is_refused(api: Api) -> None:
    api.activate()
    one = "/v1/tier-models/value/versions/1/shadow"
    assert problem(api.client.post(one), 409)["type"].endswith("shadow-needs-live")
    assert problem(api.client.get(f"{one}/differences"), 404)["type"].endswith("no-shadow")
    assert problem(api.client.post(URL), 404)["type"].endswith("version-unknown")
    for role in ("service", "operator", "compliance"):
        assert api.as_role(role).post(one).status_code == 403
    assert api.as_role("service").get(f"{one}/differences").status_code == 403
