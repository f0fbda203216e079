"""Explanations over HTTP: both languages, what if, one scheme, and what is refused."""

import pytest

from tests.interfaces.http.conftest import Api, order
from tests.interfaces.http.test_bad_input import problem
from tests.interfaces.http.test_tags import at_work, system

__all__ = ["at_work", "system"]
URL = "/v1/users/u-1/explanation"


def test_every_role_reads_it_in_both_languages(at_work: Api) -> None:
    for role in ("service", "compliance"):
        answer = at_work.as_role(role).get(URL, params={"lang": "zh-CN", "scheme": "value"})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert (told["user_id"], told["lang"]) == ("u-1", "zh-CN")
        assert told["explanations"]["value"]["text"].startswith("自2026年1月10日")
    told = at_work.client.get(URL).json()["explanations"]["value"]
    assert told["tier"] == "mid" and told["text"] == "\n".join(" ".join(told[part]) for part in ("why", "next", "drop"))
    assert told["may_drop_on"] == "2026-02-09T00:00:00Z"
    assert told["drop"][-2] == "If nothing more happens, it falls to low on 9 February 2026."


def test_what_if(at_work: Api) -> None:
    more = {"hypothetical_facts": [{"kind": "order", "amount": 6_000, "currency": "USD"}]}
    told = at_work.as_role("analyst").post(URL, json=more).json()["explanations"]["value"]
    assert (told["tier"], told["next"]) == ("mid", ["For high it takes that the tag “vip” is there (now no)."])
    assert "total amount of orders in the last 30 days: USD 110.00." in told["why"]
    assert (
        "total amount of orders in the last 30 days: USD 50.00."
        in at_work.client.get(URL).json()["explanations"]["value"]["why"]
    )


@pytest.mark.parametrize(
    ("path", "params", "status", "field"),
    [
        ("/v1/users/nobody/explanation", {}, 404, "user_id"),
        (URL, {"scheme": "nowhere"}, 404, "scheme"),
        (URL, {"scheme": "value", "scope": "m-1"}, 409, "scope"),
        (URL, {"lang": "fr"}, 422, "lang"),
    ],
)
def test_what_is_refused(at_work: Api, path: str, params: dict, status: int, field: str) -> None:
    refused = problem(at_work.client.get(path, params=params), status)
    assert field in refused["errors"][0]["field"]


def test_a_supposed_fact_that_could_not_be_one(at_work: Api) -> None:
    body = {"hypothetical_facts": [order("u-2", "x", 1, "2026-01-10T00:00:00Z")]}
    assert problem(at_work.client.post(URL, json=body), 422)["errors"][0]["field"] == "hypothetical_facts.0.user_id"


@pytest.mark.parametrize(
    ("supposed", "field", "value", "remedy"),
    [
        ([{"currency": "CNY"}], "0.currency", "CNY", "USD"),
        ([{}, {"occurred_at": "2030-01-01T00:00:00Z"}], "1.occurred_at", "2030-01-01T00:00:00Z", "up to now"),
        ([{"fact_id": "x"}, {"fact_id": "x", "amount": 2}], "1.fact_id", "x", "fact_id of its own"),
        ([{"fact_id": "o-1"}], "0.fact_id", "o-1", "fact_id of its own"),
    ],
)
def test_what_recording_refuses_cannot_be_supposed(
    at_work: Api, supposed: list[dict], field: str, value: str, remedy: str
) -> None:
    facts = [{"kind": "order", "amount": 1, "currency": "USD", **fact} for fact in supposed]
    for path, body in (("evaluations", {"dry_run": True}), ("explanation", {})):
        refused = at_work.client.post(f"/v1/users/u-1/{path}", json={**body, "hypothetical_facts": facts})
        (error,) = problem(refused, 422)["errors"]
        assert (error["field"], error["value"]) == (f"hypothetical_facts.{field}", value)
        assert remedy in error["remedy"]


def test_what_is_there_already_is_supposed_once(at_work: Api) -> None:
    recorded = order("u-1", "o-1")
    new = {"fact_id": "x", "kind": "order", "amount": 1, "currency": "USD"}
    asked = {"dry_run": True, "hypothetical_facts": [recorded, new, new]}
    found = at_work.client.post("/v1/users/u-1/evaluations", json=asked).json()
    assert found["evaluations"]["value"]["features"]["orders"] == 2
    assert at_work.client.post("/v1/facts", json={"facts": [order("u-1", "x")]}).json()["accepted"] == 1
    problem(at_work.client.post("/v1/users/nobody/evaluations", json=asked | {"hypothetical_facts": [new]}), 404)
