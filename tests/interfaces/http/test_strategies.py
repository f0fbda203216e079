"""Strategies over HTTP: defined, approved, started; users taken in, shown, and let go."""

import datetime as dt
from typing import Any

import pytest

from tests.interfaces.http.conftest import Api, order
from tests.support.benefits import COUPON, put_in_force
from tests.support.waiting import wait_for

TEXT = """
strategy: welcome
time_zone: UTC
currency: USD
trigger: {entered: value.high}
arms:
  coupon: {weight: 50, do: [{grant: coupon-10}, {notify: sms, template: hello}]}
  message: {weight: 50, do: [{notify: sms, template: hello}]}
goal: {sum: order.amount, within: 30 days}
"""
PLAIN = TEXT.split("arms:")[0] + "do: [{tag: greeted}]\n"
YAML = {"content-type": "application/yaml"}


def now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def define(api: Api, text: str = TEXT, status: int = 201) -> dict[str, Any]:
    answer = api.client.post("/v1/strategies", content=text, headers=YAML)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture
def valued(api: Api, database: str) -> Api:
    """With a model in force and a coupon."""
    put_in_force(database, COUPON)
    api.activate()
    return api


@pytest.mark.usefixtures("worker")
def test_from_fact_to_grant_on_the_card(valued: Api) -> None:
    defined = define(valued)
    assert (defined["status"], defined["version"], defined["needs_approval"]) == ("draft", 1, True)
    assert valued.client.post("/v1/strategies/welcome/start").json()["status"] == "running"
    for number in range(8):
        valued.record(order(f"u-{number}", f"o-{number}", 20_000, now()))

    def cards() -> list[dict[str, Any]]:
        asked = {"user_ids": [f"u-{number}" for number in range(8)]}
        return valued.client.post("/v1/users/batch-get", json=asked).json()["users"]

    def done() -> bool:
        found = cards()
        return len(found) == 8 and all(
            card["strategies"] and (bool(card["grants"]) == (card["strategies"][0]["arm"] == "coupon"))
            for card in found
        )

    wait_for(done, 30)
    arms = {card["strategies"][0]["arm"] for card in cards()}
    assert arms == {"coupon", "message"}
    card = next(card for card in cards() if card["grants"])
    (strategy,) = card["strategies"]
    assert (strategy["strategy"], strategy["holdout"], strategy["campaign"]) == ("welcome", None, None)
    grant = valued.client.get(f"/v1/grants/{card['grants'][0]['grant_id']}").json()
    assert (grant["cause"], grant["strategy"], grant["assignment_id"]) == (
        "strategy",
        "welcome",
        strategy["assignment_id"],
    )
    progress = valued.client.get("/v1/strategies/welcome/progress").json()
    assert sum(arm["assigned"] for arm in progress["arms"]) == sum(arm["exposed"] for arm in progress["arms"]) == 8
    assert progress["sample_ratio_p"]["arms"] > 0.001
    found = valued.client.post("/v1/segments/search", json={"facets": ["strategies", "arms"]}).json()
    wait_for(
        lambda: (
            valued.client.post("/v1/segments/search", json={"facets": ["strategies"]}).json()["facets"]
            == {"strategies": {"welcome": 8}}
        ),
        30,
    )
    assert set(found["facets"]["arms"]) <= {"welcome/coupon", "welcome/message"}


def test_with_two_keys(valued: Api) -> None:
    operator, approver = valued.as_role("operator"), valued.as_role("approver")
    defined = operator.post("/v1/strategies", content=TEXT, headers=YAML).json()
    refused = operator.post("/v1/strategies/welcome/start")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:tierline:problem:strategy-not-approved")
    assert operator.post("/v1/strategies/welcome/submit", json={"note": "spring"}).json()["status"] == "submitted"
    seen = {"content_hash": defined["content_hash"]}
    assert operator.post("/v1/strategies/welcome/approve", json=seen).status_code == 403
    stale = approver.post("/v1/strategies/welcome/approve", json={"content_hash": "another"})
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:tierline:problem:stale-strategy")
    assert approver.post("/v1/strategies/welcome/approve", json=seen).json()["status"] == "approved"
    assert operator.post("/v1/strategies/welcome/start").json()["status"] == "running"
    assert operator.post("/v1/strategies/welcome/pause", json={"reason": "stock"}).json()["status"] == "paused"
    changed = operator.post("/v1/strategies", content=TEXT.replace("50", "60", 1).replace("50", "40", 1), headers=YAML)
    assert (changed.status_code, changed.json()["type"]) == (409, "urn:tierline:problem:design-fixed")
    assert operator.post("/v1/strategies/welcome/end").json()["status"] == "ended"
    resumed = operator.post("/v1/strategies/welcome/start")
    assert (resumed.status_code, resumed.json()["type"]) == (409, "urn:tierline:problem:strategy-over")
    late = operator.post("/v1/users/u-1/strategies", json={"strategy": "welcome"})
    assert (late.status_code, late.json()["type"]) == (409, "urn:tierline:problem:strategy-over")


def test_by_hand(valued: Api) -> None:
    define(valued, PLAIN)
    valued.client.post("/v1/strategies/welcome/start")
    valued.record(order("u-1", "o-1", 2_000, now()), order("u-2", "o-2", 2_000, now()))
    key = {"idempotency-key": "k-1"}
    url = "/v1/users/u-1/strategies"
    first = valued.client.post(url, json={"strategy": "welcome"}, headers=key)
    again = valued.client.post(url, json={"strategy": "welcome"}, headers=key)
    assert first.status_code == 201, first.text
    assert first.json() == again.json() and first.json()["arm"] == "treated"
    twice = valued.client.post(url, json={"strategy": "welcome"})
    assert (twice.status_code, twice.json()["errors"][0]["remedy"]) == (409, "end the assignment that goes on first")
    assert [one["strategy"] for one in valued.client.get("/v1/users/u-1").json()["strategies"]] == ["welcome"]
    ended = valued.client.delete(f"{url}/welcome", params={"reason": "asked for it"})
    assert ended.json()["assignment_id"] == first.json()["assignment_id"]
    gone = valued.client.delete(f"{url}/welcome")
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:tierline:problem:unknown-assignment")
    events = valued.client.get("/v1/users/u-1/history").json()["events"]
    assert [event["topic"] for event in events][-2:] == [
        "user-tier.strategy-assigned.v1",
        "user-tier.strategy-ended.v1",
    ]


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"strategy": "nothing"}, 404, "unknown-strategy"),
        ({"strategy": "welcome", "arm": "third"}, 422, "unknown-arm"),
        ({"strategy": "welcome"}, 409, "strategy-not-running"),
        ({}, 422, "request-invalid"),
    ],
)
def test_bad_assignments(valued: Api, body: dict[str, Any], status: int, problem: str) -> None:
    define(valued)
    valued.record(order("u-1", "o-1", 2_000, now()))
    answer = valued.client.post("/v1/users/u-1/strategies", json=body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:tierline:problem:{problem}")


def test_bad_strategies(valued: Api) -> None:
    wrong = TEXT.replace("value.high", "value.top").replace("coupon-10", "coupon-11")
    faults = valued.client.post("/v1/strategies/lint", content=wrong, headers=YAML).json()["faults"]
    assert [(fault["path"], fault["line"]) for fault in faults] == [("trigger", 5), ("arms.coupon.do.0.grant", 7)]
    problem = define(valued, wrong, 422)
    assert problem["type"] == "urn:tierline:problem:strategy-invalid" and len(problem["errors"]) == 2
    define(valued, PLAIN)
    circle = PLAIN.replace("welcome", "second").replace("entered: value.high", "tagged: greeted")
    define(valued, circle.replace("{tag: greeted}", "{tag: other}"))
    problem = define(valued, circle, 422)
    assert problem["type"] == "urn:tierline:problem:strategies-in-circle", problem
    condition = PLAIN + 'where: "spent > 1"\n'
    (fault,) = valued.client.post("/v1/strategies/lint", content=condition, headers=YAML).json()["faults"]
    assert (fault["path"], fault["line"], fault["column"]) == ("where", 7, 9)
    assert "Did you mean spend?" in fault["remedy"]
    weights = TEXT.replace("50", "60")
    assert "add up to 120" in define(valued, weights, 422)["detail"]
