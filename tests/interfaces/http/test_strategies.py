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
GOAL = "{sum: order.amount, within: 30 days}\n"
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

    def progress() -> dict[str, Any]:
        return valued.client.get("/v1/strategies/welcome/progress").json()

    wait_for(
        lambda: sum(arm["exposed"] for arm in progress()["arms"]) == 8
    )  # what is done comes after who is told of it
    assert sum(arm["assigned"] for arm in progress()["arms"]) == 8
    assert progress()["sample_ratio_p"]["arms"] > 0.001

    def facets() -> dict[str, Any]:
        asked = {"facets": ["strategies", "arms"]}  # the index may be on its way still
        return valued.client.post("/v1/segments/search", json=asked).json().get("facets", {})

    wait_for(lambda: facets().get("strategies") == {"welcome": 8}, 60)
    assert facets()["arms"].keys() == {"welcome/coupon", "welcome/message"}

    def found(*strategies: str) -> set[str]:
        answer = valued.client.post("/v1/segments/search", json={"strategies": strategies})
        return {user["user_id"] for user in answer.json()["users"]}

    treated = {card["user_id"]: card["strategies"][0]["arm"] for card in cards()}
    assert found("welcome") == treated.keys()
    assert found("welcome/coupon") == {user for user, arm in treated.items() if arm == "coupon"}
    assert found("welcome", "welcome/message") == {user for user, arm in treated.items() if arm == "message"}
    assert found("welcome/") == found("another") == found("welcome/coupon", "welcome/message") == set()


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
    goal = PLAIN + 'goal: {count: order, within: 7 days, where: "channel = "}\n'
    (fault,) = valued.client.post("/v1/strategies/lint", content=goal, headers=YAML).json()["faults"]
    assert (fault["path"], fault["line"]) == ("goal.where", 7)
    condition = PLAIN + 'where: "spent > 1"\n'
    (fault,) = valued.client.post("/v1/strategies/lint", content=condition, headers=YAML).json()["faults"]
    assert (fault["path"], fault["line"], fault["column"]) == ("where", 7, 9)
    assert "Did you mean spend?" in fault["remedy"]
    weights = TEXT.replace("50", "60")
    assert "add up to 120" in define(valued, weights, 422)["detail"]


@pytest.mark.usefixtures("worker")
def test_in_bulk_and_dry(valued: Api) -> None:
    define(valued, PLAIN)
    valued.record(*(order(f"u-{number}", f"o-{number}", 20_000, now()) for number in range(3)))

    def settled(one: str, state: str) -> dict[str, Any]:
        url = f"/v1/bulk-assignments/{one}"
        wait_for(lambda: valued.client.get(url).json()["state"] == state, 60)
        return valued.client.get(url).json()

    wait_for(lambda: "value" in valued.client.get("/v1/users/u-2").json()["standings"], 30)
    dry = valued.client.post("/v1/strategies/welcome/dry-run")
    assert dry.status_code == 202, dry.text
    assert settled(dry.json()["id"], "previewed")["would"]["assigned"] == {"treated": 3}
    valued.client.post("/v1/strategies/welcome/start")
    body = {"strategy": "welcome", "user_ids": ["u-0", "u-1", "nobody"]}
    made = valued.client.post("/v1/bulk-assignments", json=body)
    assert (made.status_code, made.json()["unknown"]) == (201, 1)
    one = made.json()["id"]
    settled(one, "previewed")
    assert valued.client.post(f"/v1/bulk-assignments/{one}/run").status_code == 202
    assert settled(one, "done")["so_far"]["assigned"] == {"treated": 2}
    assert valued.client.post(f"/v1/bulk-assignments/{one}/revert").status_code == 202
    settled(one, "reverted")
    again = valued.client.post(f"/v1/bulk-assignments/{one}/run")
    assert (again.status_code, again.json()["type"]) == (409, "urn:tierline:problem:bulk-assignment-cannot")
    assert len(valued.client.get("/v1/bulk-assignments").json()["bulk_assignments"]) == 2
    saved = {"name": "high", "owner": "crm", "meaning": "high", "where": "tier.value = 'high'"}
    assert valued.client.post("/v1/segments", json=saved).status_code == 201
    asked = {"strategy": "welcome", "segment": "high"}
    by_name = valued.client.post("/v1/bulk-assignments", json=asked).json()
    assert (by_name["segment"], by_name["where"]) == ("high", "tier.value = 'high'")
    assert settled(by_name["id"], "previewed")["would"]["assigned"] == {"treated": 3}
    missing = valued.client.post("/v1/bulk-assignments", json=asked | {"segment": "low"})
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:tierline:problem:unknown-definition")
    nobody = valued.client.post("/v1/bulk-assignments", json={"strategy": "welcome"})
    assert (nobody.status_code, nobody.json()["type"]) == (422, "urn:tierline:problem:bulk-assignment-invalid")


def test_campaigns(valued: Api) -> None:
    define(valued, PLAIN)
    today = dt.datetime.now(dt.UTC)
    days = [(today + dt.timedelta(days=days)).strftime("%Y-%m-%dT00:00:00Z") for days in (0, 9, 20, 30)]
    text = f"campaign: spring\ntime_zone: UTC\nstarts_at: '{days[0]}'\nends_at: '{days[1]}'\nstrategies: [welcome]\n"
    defined = valued.client.post("/v1/campaigns", content=text, headers=YAML)
    assert (defined.status_code, defined.json()["status"]) == (201, "draft"), defined.text
    wrong = valued.client.post("/v1/campaigns/lint", content=text.replace("welcome", "nothing"), headers=YAML).json()
    assert [fault["path"] for fault in wrong["faults"]] == ["strategies.0"]
    copy = {"campaign": "autumn", "starts_at": days[2], "ends_at": days[3]}
    cloned = valued.client.post("/v1/campaigns/spring/clone", json=copy)
    assert (cloned.status_code, cloned.json()["strategies"]) == (201, ["autumn-welcome"]), cloned.text
    assert valued.client.post("/v1/campaigns/spring/start").json()["status"] == "running"
    assert valued.client.get("/v1/strategies/welcome").json()["campaign"] == "spring"
    assert valued.client.get("/v1/campaigns/spring/conflicts").json()["conflicts"] == []
    assert valued.client.get("/v1/campaigns/spring/progress").json()["strategies"][0]["status"] == "running"
    listed = valued.client.get("/v1/campaigns", params={"from": days[2]}).json()["campaigns"]
    assert [one["campaign"] for one in listed] == ["autumn"]
    assert valued.client.post("/v1/campaigns/spring/pause").json()["status"] == "paused"
    assert valued.client.post("/v1/campaigns/spring/end").json()["status"] == "ended"
    resumed = valued.client.post("/v1/campaigns/spring/start")
    assert (resumed.status_code, resumed.json()["type"]) == (409, "urn:tierline:problem:strategy-over")
    gone = valued.client.get("/v1/campaigns/nothing")
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:tierline:problem:unknown-campaign")


@pytest.mark.usefixtures("worker")
def test_messages_without_a_receiver_wait_and_say_so(valued: Api) -> None:
    define(valued, PLAIN.replace("{tag: greeted}", "{notify: sms, template: hello}"))
    valued.client.post("/v1/strategies/welcome/start")
    valued.record(order("u-1", "o-1", 20_000, now()))

    def listed(path: str) -> dict[str, Any]:
        return valued.client.get(f"/v1/{path}/messages", params={"state": "waiting", "size": 1}).json()

    wait_for(lambda: listed("strategies/welcome")["messages"] != [], 30)
    (message,) = listed("strategies/welcome")["messages"]
    assert (message["user_id"], message["state"], message["reason"]) == ("u-1", "waiting", "no-receiver")
    assert listed("users/u-1")["messages"] == [message]
    assert (listed("users/u-1")["receiver"], listed("users/u-1")["next_cursor"]) == (False, None)
    progress = valued.client.get("/v1/strategies/welcome/progress").json()
    assert progress["messages"]["why"] == {"waiting": {"no-receiver": 1}}
    ready = valued.client.get("/readyz")
    part = {one["name"]: one for one in ready.json()["parts"]}["strategies"]
    assert (part["status"], part["detail"]) == ("faulty", "messages wait, and nobody is named to take them over")
    assert "TIERLINE_MESSAGES_URL" in part["remedy"]
    assert ready.json()["ready"] == all(one["status"] != "off" for one in ready.json()["parts"])
    assert valued.client.get("/v1/strategies/nothing/messages").status_code == 404
    assert valued.client.get("/v1/users/nobody/messages").status_code == 404
    assert valued.client.get("/v1/users/u-1/messages", params={"cursor": "9" * 30 + "-x"}).status_code == 422


@pytest.mark.usefixtures("worker")
def test_what_comes_back_is_shown(valued: Api) -> None:
    define(valued, PLAIN.replace("{entered: value.high}", "{by: hand}"))
    valued.client.post("/v1/strategies/welcome/start")
    valued.record(order("u-1", "o-1", 20_000, now()))
    taken = valued.client.post("/v1/users/u-1/strategies", json={"strategy": "welcome"}).json()
    told = {"fact_id": "c-1", "user_id": "u-1", "kind": "touch", "occurred_at": now()}
    mine = {**told, "attributes": {"assignment_id": taken["assignment_id"], "outcome": "clicked"}}
    nobodys = {**mine, "fact_id": "c-2", "attributes": {"assignment_id": "x", "outcome": "clicked"}}
    answer = valued.client.post("/v1/facts", json={"facts": [mine, nobodys]}).json()
    (doubt,) = answer["doubtful"]
    assert (answer["accepted"], doubt["index"], doubt["error"]["field"]) == (2, 1, "attributes.assignment_id")

    def shown() -> dict[str, Any]:
        return valued.client.get("/v1/users/u-1/strategies").json()["strategies"][0]

    wait_for(lambda: shown()["outcomes"]["clicked_at"] is not None, 30)
    assert (shown()["assignment_id"], shown()["strategy"]) == (taken["assignment_id"], "welcome")
    (arm,) = valued.client.get("/v1/strategies/welcome/progress").json()["arms"]
    assert arm["reported"] == {"delivered": 0, "exposed": 0, "clicked": 1, "ordered": 0}

    def told_of() -> list[str]:
        return [event["topic"] for event in valued.client.get("/v1/users/u-1/history").json()["events"]]

    wait_for(lambda: "user-tier.outcome-recorded.v1" in told_of(), 30)
    assert valued.client.get("/v1/users/nobody/strategies").status_code == 404


@pytest.mark.usefixtures("worker")
def test_who_is_held_out_is_found(valued: Api) -> None:
    define(valued, PLAIN.replace("{entered: value.high}", "{by: hand}") + "holdout: 99.99\ngoal: " + GOAL)
    valued.client.post("/v1/strategies/welcome/start")
    valued.record(order("u-1", "o-1", 20_000, now()))
    assert valued.client.post("/v1/users/u-1/strategies", json={"strategy": "welcome"}).json()["holdout"] == "strategy"

    def found(strategy: str) -> int | None:
        return valued.client.post("/v1/segments/search", json={"strategies": [strategy]}).json().get("total")

    wait_for(lambda: found("welcome/") == 1, 60)
    assert (found("welcome"), found("welcome/treated")) == (1, 0)
