"""Recurring issues over HTTP: defined, revised, retired; refused with a field and a remedy; who may do it."""

from typing import Any

import pytest

from tests.interfaces.http.conftest import Api, as_url
from tests.interfaces.http.test_bad_input import problem
from tests.support.benefits import COUPON, open_budget, put_in_force

GOOD: dict[str, Any] = {"benefit": "coupon-10", "time_zone": "Asia/Shanghai", "monthly": 10}


@pytest.fixture
def at_work(api: Api, database: str) -> Api:
    """A model with the tiers low, mid and high, a coupon and a budget."""
    api.activate()
    open_budget(as_url(database), "spring", 4_000)
    put_in_force(as_url(database), COUPON)
    return api


def test_an_issuance_is_defined_revised_and_retired(at_work: Api) -> None:
    approver = at_work.as_role("approver")
    made = approver.put("/v1/issuances/monthly", json=GOOD)
    assert made.status_code == 200, made.text
    found = made.json()
    assert found | GOOD == found
    assert (found["name"], found["status"], found["revision"], found["issued"]) == ("monthly", "active", 1, 0)
    assert found["refused"] == {} and found["defined_by"].startswith("key:")
    again = approver.put("/v1/issuances/monthly", json=GOOD).json()
    assert (again["revision"], again["changed_at"]) == (1, found["changed_at"])
    revised = approver.put("/v1/issuances/monthly", json=GOOD | {"units": 2, "budgets": ["spring"]}).json()
    assert (revised["revision"], revised["units"], revised["budgets"]) == (2, 2, ["spring"])
    assert revised["position"] > found["position"]
    upgrade = {"benefit": "coupon-10", "time_zone": "UTC", "upgrade": "value", "into": ["mid", "high"]}
    assert approver.put("/v1/issuances/rise", json=upgrade).json()["into"] == ["mid", "high"]

    analyst = at_work.as_role("analyst")
    listed = analyst.get("/v1/issuances").json()["issuances"]
    assert [one["name"] for one in listed] == ["monthly", "rise"]
    shown = analyst.get("/v1/issuances/monthly").json()
    assert {**shown, "position": 0} == {**revised, "position": 0}

    retired = approver.post("/v1/issuances/monthly/retire", json={"reason": "the programme has ended"})
    assert retired.json()["status"] == "retired"
    gone = problem(approver.put("/v1/issuances/monthly", json=GOOD), 409)
    assert gone["errors"][0]["remedy"] == "use another issuance, or define a new one"


def test_a_key_defines_once(at_work: Api) -> None:
    key = {"Idempotency-Key": "k-1"}
    first, second = (at_work.client.put("/v1/issuances/monthly", json=GOOD, headers=key) for _ in range(2))
    assert first.json() == second.json() and second.headers["idempotent-replayed"] == "true"
    problem(at_work.client.put("/v1/issuances/monthly", json=GOOD | {"units": 2}, headers=key), 409)


@pytest.mark.parametrize(
    ("wrong", "field", "remedy"),
    [
        ({"monthly": 0}, "monthly", "Write at least 1"),
        ({"monthly": 32}, "monthly", "Write at most 31"),
        ({"units": -1}, "units", "Write at least 1"),
        ({"time_zone": "Asia/Shangai"}, "time_zone", ""),
        ({"colour": "red"}, "colour", ""),
        ({"birthday": "born"}, "issuance", "give one of monthly, birthday and upgrade"),
        ({"monthly": None}, "issuance", "give one of monthly, birthday and upgrade"),
        ({"into": ["high"]}, "issuance", "leave out into, or give upgrade"),
        ({"monthly": None, "upgrade": "valu"}, "upgrade", "Did you mean value? There are: value"),
        ({"monthly": None, "upgrade": "value", "into": ["hgh"]}, "into", "Did you mean high?"),
        ({"budgets": ["sprin"]}, "budgets", "Did you mean spring? There are: spring"),
    ],
)
def test_what_cannot_stand_names_the_field_and_the_remedy(
    at_work: Api, wrong: dict[str, Any], field: str, remedy: str
) -> None:
    refused = problem(at_work.client.put("/v1/issuances/monthly", json=GOOD | wrong), 422)
    assert [error["field"] for error in refused["errors"]] == [field]
    assert remedy in refused["errors"][0]["remedy"] and refused["errors"][0]["remedy"]
    problem(at_work.client.get("/v1/issuances/monthly"), 404)


def test_names_that_are_not_there(at_work: Api) -> None:
    unknown = problem(at_work.client.put("/v1/issuances/monthly", json=GOOD | {"benefit": "coupon"}), 404)
    assert unknown["errors"][0]["field"] == "benefit"
    assert problem(at_work.client.put("/v1/issuances/a%20b", json=GOOD), 422)["errors"][0]["field"] == "name"
    problem(at_work.client.put("/v1/issuances/monthly", content=b"[]"), 422)
    problem(at_work.client.put("/v1/issuances/monthly", content=b"{"), 422)
    at_work.client.put("/v1/issuances/monthly", json=GOOD)
    for answer in (at_work.client.get("/v1/issuances/month"), at_work.client.post("/v1/issuances/month/retire")):
        assert problem(answer, 404)["errors"][0]["remedy"] == "use one of monthly"
    problem(at_work.client.post("/v1/issuances/monthly/retire", json={"why": "x"}), 422)


@pytest.mark.parametrize(
    ("role", "status"),
    [("service", 403), ("operator", 403), ("analyst", 403), ("compliance", 403), ("approver", 200), ("admin", 200)],
)
def test_approvers_define_what_nobody_looks_at_each_time(at_work: Api, role: str, status: int) -> None:
    client = at_work.as_role(role)
    assert client.put("/v1/issuances/monthly", json=GOOD).status_code == status
    assert client.post("/v1/issuances/monthly/retire").status_code == status
    assert client.get("/v1/issuances").status_code == 200
