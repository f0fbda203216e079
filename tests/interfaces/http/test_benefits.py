"""Benefits, budgets and stops over HTTP: who may, what is answered, and every refusal with its reason."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from infrastructure.settings import Settings
from tests.interfaces.http.conftest import Api, order
from tests.interfaces.http.test_bad_input import problem

ROOT = Path(__file__).parents[3]
YAML = {"content-type": "application/yaml"}
COUPON = """
benefit: ten-off
kind: coupon
labels: {zh-CN: 十元券, en: Ten off}
currency: USD
time_zone: UTC
unit_cost: 1000
details: {amount_off: 1000}
stock: 5
budget: year
"""
URL = "/v1/benefits/ten-off/versions/1"
YEAR: dict[str, Any] = {"budget": "year", "amount": 100_000, "currency": "USD", "time_zone": "UTC"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"budget_approval_from": 500_000})


@pytest.fixture
def operator(api: Api) -> httpx.Client:
    """Who has defined the budget of the year."""
    operator = api.as_role("operator")
    answer = operator.post("/v1/budgets", json=YEAR)
    assert answer.status_code == 201, answer.text
    return operator


def draft(client: httpx.Client, text: str = COUPON) -> dict[str, Any]:
    answer = client.post("/v1/benefits", content=text, headers=YAML)
    assert answer.status_code == 201, answer.text
    return answer.json()


def refused(answer: httpx.Response, status: int, kind: str, field: str) -> dict[str, Any]:
    found = problem(answer, status)
    assert (found["type"], found["errors"][0]["field"]) == (f"urn:tierline:problem:{kind}", field)
    assert found["errors"][0]["remedy"]
    return found["errors"][0]


def test_a_benefit_from_draft_to_retirement(api: Api, operator: httpx.Client) -> None:
    approver = api.as_role("approver")
    drafted = draft(operator)
    assert (drafted["version"], drafted["status"], drafted["warnings"]) == (1, "draft", [])
    refused(operator.post(f"{URL}/activate"), 409, "not-approved", "status")
    assert operator.post(f"{URL}/submit", json={"note": "spring"}).json()["status"] == "submitted"
    body = {"content_hash": drafted["content_hash"], "note": "ok"}
    assert approver.post(f"{URL}/approve", json=body).json()["review"]["approval"] == "ok"
    done = operator.post(f"{URL}/activate", headers={"idempotency-key": "go"})
    again = operator.post(f"{URL}/activate", headers={"idempotency-key": "go"})
    assert done.json()["status"] == "active" and done.json()["position"] > 0
    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    shown = operator.get("/v1/benefits/ten-off").json()
    assert (shown["version"], shown["spec"]["stock"], len(shown["versions"])) == (1, 5, 1)
    assert operator.get("/v1/benefits").json()["benefits"] == shown["versions"]
    assert operator.post(f"{URL}/retire").json()["status"] == "retired"


def test_a_version_is_revised_and_sent_back(api: Api, operator: httpx.Client) -> None:
    approver, old = api.as_role("approver"), draft(operator)["content_hash"]
    operator.post(f"{URL}/submit")
    assert approver.post(f"{URL}/reject", json={"reason": "too dear"}).json()["review"]["reason"] == "too dear"
    revised = operator.put(URL, content=COUPON.replace("unit_cost: 1000", "unit_cost: 900"), headers=YAML).json()
    assert (revised["status"], revised["review"], revised["spec"]["unit_cost"]) == ("draft", None, 900)
    operator.post(f"{URL}/submit")
    refused(approver.post(f"{URL}/approve", json={"content_hash": old}), 409, "stale-draft", "content_hash")
    other = operator.put(URL, content=COUPON.replace("ten-off", "other"), headers=YAML)
    refused(other, 422, "benefit-invalid", "benefit")
    refused(operator.get("/v1/benefits/ten-of"), 404, "unknown-benefit", "benefit")
    refused(operator.get("/v1/benefits/ten-off/versions/7"), 404, "version-unknown", "version")


def test_faults_have_their_places(operator: httpx.Client) -> None:
    text = COUPON.replace("amount_off", "amount_of").replace("budget: year", "budget: yaer")
    found = operator.post("/v1/benefits/lint", content=text, headers=YAML).json()
    assert (found["valid"], [(f["path"], f["line"]) for f in found["faults"]]) == (False, [("details.amount_of", 8)])
    blamed = refused(
        operator.post("/v1/benefits", content=text, headers=YAML), 422, "benefit-invalid", "details.amount_of"
    )
    assert (blamed["line"], blamed["column"]) == (8, 11)
    found = operator.post("/v1/benefits/lint", content=text.replace("amount_of:", "amount_off:")).json()
    assert found["faults"][0]["remedy"].startswith("Did you mean year?")
    assert operator.post("/v1/benefits/lint", content=COUPON).json() == {"valid": True, "faults": []}


def test_the_schema_is_answered_with_its_tag(operator: httpx.Client) -> None:
    answer = operator.get("/v1/benefits/schema")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/schema+json")
    assert answer.json() == json.loads((ROOT / "docs" / "benefit.schema.json").read_text())
    assert operator.get("/v1/benefits/schema", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    assert answer.headers["etag"] != operator.get("/v1/tier-models/schema").headers["etag"]


def test_budgets_are_defined_changed_closed(operator: httpx.Client) -> None:
    spring = YEAR | {"budget": "spring", "amount": 40_000, "parent": "year", "labels": {"zh-CN": "春", "en": "Spring"}}
    made = operator.post("/v1/budgets", json=spring | {"ends_at": "2027-01-01T00:00:00Z"}).json()
    assert (made["parent"], made["period"], made["ends_at"]) == ("year", None, "2027-01-01T00:00:00Z")
    assert made["accounts"] == [{"starts_at": None, "allowed": 40_000, "reserved": 0, "spent": 0, "left": 40_000}]
    assert operator.get("/v1/budgets/year").json()["children"] == ["spring"]
    changed = operator.patch("/v1/budgets/spring", json={"ends_at": None}).json()
    assert (changed["amount"], changed["ends_at"]) == (40_000, None)
    assert operator.patch("/v1/budgets/spring", json={"amount": 30_000}).json()["accounts"][0]["left"] == 30_000
    assert operator.post("/v1/budgets/spring/close", json={"reason": "over"}).json()["status"] == "closed"
    assert operator.post("/v1/budgets/spring/reopen").json()["status"] == "open"
    assert [one["budget"] for one in operator.get("/v1/budgets").json()["budgets"]] == ["spring", "year"]


def test_much_money_needs_a_second_person(api: Api, operator: httpx.Client) -> None:
    approver = api.as_role("approver")
    asked = operator.post("/v1/budgets", json=YEAR | {"budget": "big", "amount": 500_000})
    assert (asked.status_code, asked.json()["status"], asked.json()["accounts"]) == (202, "proposed", [])
    waiting = asked.json()["waiting"]
    refused(
        approver.post("/v1/budgets/big/approve", json={"proposed_at": "2020-01-01T00:00:00Z"}),
        409,
        "stale-budget-change",
        "proposed_at",
    )
    agreed = approver.post("/v1/budgets/big/approve", json={"proposed_at": waiting["proposed_at"]})
    assert (agreed.status_code, agreed.json()["status"], agreed.json()["waiting"]) == (200, "open", None)
    raised = operator.patch("/v1/budgets/big", json={"amount": 700_000})
    assert (raised.status_code, raised.json()["amount"], raised.json()["waiting"]["amount"]) == (202, 500_000, 700_000)
    seen = {"proposed_at": raised.json()["waiting"]["proposed_at"]}
    assert operator.post("/v1/budgets/big/approve", json=seen).status_code == 403
    assert approver.post("/v1/budgets/big/approve", json=seen).json()["accounts"][0]["allowed"] == 700_000
    refused(approver.post("/v1/budgets/big/approve", json=seen), 409, "nothing-waits", "budget")
    assert api.client.patch("/v1/budgets/big", json={"amount": 900_000}).status_code == 200, "an admin may skip it"


@pytest.mark.parametrize(
    ("body", "status", "kind", "field"),
    [
        ({}, 422, "request-invalid", "budget"),
        (YEAR | {"amount": 1.5}, 422, "request-invalid", "amount"),
        (YEAR | {"amount": "5"}, 422, "request-invalid", "amount"),
        (YEAR | {"extra": 1}, 422, "request-invalid", "extra"),
        (YEAR | {"budget": "Q1 2026"}, 422, "budget-invalid", "budget"),
        (YEAR | {"budget": "b", "amount": -1}, 422, "budget-invalid", "amount"),
        (YEAR | {"budget": "b", "parent": "a\0b"}, 422, "budget-invalid", "parent"),
        (YEAR | {"budget": "b", "parent": "b"}, 422, "budget-invalid", "parent"),
        (YEAR | {"budget": "b", "time_zone": "a\0b"}, 422, "budget-invalid", "time_zone"),
        (YEAR | {"budget": "b", "parent": "nope"}, 404, "unknown-budget", "budget"),
        (YEAR | {"budget": "b", "parent": "year", "currency": "EUR"}, 422, "budget-invalid", "currency"),
        (YEAR | {"amount": 5}, 409, "budget-defined", "budget"),
    ],
)
def test_budgets_that_are_refused(operator: httpx.Client, body: Any, status: int, kind: str, field: str) -> None:
    refused(operator.post("/v1/budgets", json=body), status, kind, field)
    assert [one["amount"] for one in operator.get("/v1/budgets").json()["budgets"]] == [100_000]


def test_changes_that_are_refused(api: Api, operator: httpx.Client) -> None:
    with api.system.pool.connection() as connection:
        connection.execute("update accounts set reserved = 60, spent = 40")
    blamed = refused(operator.patch("/v1/budgets/year", json={"amount": 99}), 409, "budget-below-promised", "amount")
    assert "at least 100" in blamed["remedy"]
    refused(operator.patch("/v1/budgets/nope", json={"amount": 99}), 404, "unknown-budget", "budget")
    refused(operator.patch("/v1/budgets/year", json={"amount": None}), 422, "request-invalid", "amount")
    refused(operator.patch("/v1/budgets/year", json={"currency": "EUR"}), 422, "request-invalid", "currency")


def test_granting_is_stopped_and_lifted(api: Api, operator: httpx.Client) -> None:
    draft(operator)
    body = {"scope": "benefit:ten-off", "reason": "it takes off too much"}
    stopped = operator.post("/v1/grant-stops", json=body)
    assert (stopped.status_code, stopped.json()["reason"]) == (201, body["reason"])
    assert operator.post("/v1/grant-stops", json=body | {"reason": "me too"}).json() == stopped.json()
    operator.post("/v1/grant-stops", json={"scope": "campaign:11/11", "reason": "x"})
    assert len(operator.get("/v1/grant-stops").json()["grant_stops"]) == 2
    assert operator.delete("/v1/grant-stops/benefit:ten-off").status_code == 403
    approver = api.as_role("approver")
    for scope in ("benefit:ten-off", "campaign:11/11"):
        assert approver.delete(f"/v1/grant-stops/{scope}", params={"reason": "mended"}).json()["scope"] == scope
    assert operator.get("/v1/grant-stops").json() == {"grant_stops": [], "next_cursor": None}
    refused(approver.delete("/v1/grant-stops/*"), 404, "not-stopped", "scope")
    refused(operator.post("/v1/grant-stops", json={"scope": "all", "reason": "x"}), 422, "stop-invalid", "scope")
    refused(operator.post("/v1/grant-stops", json={"scope": "*", "reason": " "}), 422, "words-invalid", "reason")
    refused(
        operator.post("/v1/grant-stops", json={"scope": "benefit:no", "reason": "x"}), 404, "unknown-benefit", "benefit"
    )


def test_who_may(api: Api, operator: httpx.Client) -> None:
    seen = {"content_hash": draft(operator)["content_hash"]}
    assert operator.post(f"{URL}/approve", json=seen).status_code == 403
    for role in ("service", "analyst", "compliance"):
        client = api.as_role(role)
        for path in ("/v1/benefits", URL, "/v1/budgets", "/v1/grant-stops"):
            assert client.get(path).status_code == 200, (role, path)
        assert client.post("/v1/benefits", content=COUPON).status_code == 403
        assert client.post(f"{URL}/submit").status_code == 403
        assert client.post(f"{URL}/activate").status_code == 403
        assert client.post("/v1/budgets", json=YEAR).status_code == 403
        assert client.post("/v1/grant-stops", json={"scope": "*", "reason": "x"}).status_code == 403
    assert api.as_role("approver").post("/v1/benefits", content=COUPON).status_code == 403


def test_a_worker_goes_on_past_what_the_catalogue_records(api: Api, operator: httpx.Client, worker: None) -> None:
    api.activate()
    draft(operator, COUPON.replace("unit_cost: 1000", "unit_cost: 0").replace("budget: year\n", ""))
    position = operator.post(f"{URL}/activate").json()["position"]
    operator.post("/v1/grant-stops", json={"scope": "*", "reason": "x"})
    later = api.record(order("u-1", "o-1"))
    card = api.client.get("/v1/users/u-1", params={"at_least": later, "wait": 30})
    assert later > position and card.headers["tierline-at-least"] == "reached", card.text
