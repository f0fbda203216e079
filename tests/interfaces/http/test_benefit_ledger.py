"""The ledger of benefits over HTTP: figures that follow grants, who may read them, what cannot be asked."""

import httpx
import psycopg
import pytest

from tests.interfaces.http.conftest import Api, order
from tests.interfaces.http.test_bad_input import problem
from tests.support.benefits import COUPON, open_budget, put_in_force

OWED = {"currency": "USD", "grants": 1, "units": 2, "cost": 2_000}


@pytest.fixture
def granted(api: Api, database: str) -> Api:
    """Three units, one of them redeemed."""
    api.activate()
    api.record(order("u-1", "o-1"))
    open_budget(database, "spring", 10_000)
    put_in_force(database, {**COUPON, "stock": 5, "budget": "spring"})
    grant = api.client.post("/v1/users/u-1/grants", json={"benefit": "coupon-10", "units": 3, "campaign": "c-1"})
    assert grant.status_code == 201, grant.text
    redeemed = api.client.post(f"/v1/grants/{grant.json()['grant_id']}/redemptions", json={"units": 1})
    assert redeemed.status_code == 201, redeemed.text
    return api


def test_figures(granted: Api) -> None:
    read = granted.as_role("analyst").get
    liability = read("/v1/ledger/liability").json()
    assert liability["rows"] == [{"key": "coupon-10", **OWED}] and liability["totals"] == [OWED]
    assert (liability["by"], liability["ended"]) == ("benefit", []) and liability["position"] > 0
    (budget,), (stock,) = liability["budgets"], liability["stocks"]
    assert (budget["reserved"], budget["spent"], budget["left"]) == (2_000, 1_000, 7_000)
    assert (stock["reserved"], stock["spent"], stock["left"]) == (2, 1, 2)
    by_tier = read("/v1/ledger/liability", params={"by": "tier", "scheme": "value"}).json()
    assert by_tier["scheme"] == "value" and by_tier["rows"][0]["units"] == 2
    assert read("/v1/ledger/forecast").json()["rows"] == [{"key": "never", **OWED}]
    costs = read("/v1/ledger/costs", params={"by": "campaign", "from": "2026-01-01T00:00:00Z"}).json()
    (row,) = costs["rows"]
    assert (row["key"], row["granted"], row["redeemed"]) == (
        "c-1",
        {"units": 3, "cost": 3_000},
        {"units": 1, "cost": 1_000},
    )
    assert row["open"] == {"units": 2, "cost": 2_000} and costs["from"] == "2026-01-01T00:00:00Z"
    assert len(read("/v1/ledger/costs", params={"by": "month", "time_zone": "Asia/Shanghai"}).json()["rows"]) == 1


def test_who_may_and_what_is_refused(api: Api) -> None:
    problem(api.as_role("service").get("/v1/ledger/liability"), 403)
    for role in ("operator", "analyst", "compliance", "approver"):
        assert api.as_role(role).get("/v1/ledger/forecast").status_code == 200
    for path, field in {
        "liability?by=colour": "by",
        "liability?by=tier": "scheme",
        "forecast?time_zone=Mars": "time_zone",
        "forecast?time_zone=%00": "time_zone",
        "costs?from=yesterday": "from",
        "costs?from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z": "to",
    }.items():
        assert field in problem(api.client.get(f"/v1/ledger/{path}"), 422)["errors"][0]["field"], path
    backwards = problem(api.client.get("/v1/ledger/costs?from=2026-03-01T00:00:00Z&to=2026-02-01T00:00:00Z"), 422)
    assert backwards["errors"][0]["value"] == "2026-02-01T00:00:00Z"
    for scheme in ("nowhere", "%00"):
        problem(api.client.get(f"/v1/ledger/costs?by=tier&scheme={scheme}"), 404)


def test_the_proof(granted: Api, database: str) -> None:
    compliance = granted.as_role("compliance")
    assert (found := _verified(granted, compliance))["clean"] and found["grants"] == 1, found
    with psycopg.connect(database) as connection:
        connection.execute("update grants set campaign = 'c-2'")
        connection.execute("update accounts set spent = spent + 1 where account = 'budget:spring'")
    found = _verified(granted, compliance)
    assert (found["clean"], found["state"]) == (False, "done")
    assert {name for name, count in found["problems"].items() if count} == {"grant-terms-differ", "account-differs"}
    about = {one["problem"]: one for one in found["first"]}
    assert about["grant-terms-differ"]["user_id"] == "u-1"
    assert about["grant-terms-differ"]["expected"] == {"campaign": "c-1"}
    assert about["account-differs"]["recorded"]["account"] == "budget:spring"
    problem(granted.as_role("analyst").post("/v1/ledger/verifications"), 403)
    problem(compliance.post("/v1/ledger/verifications", json={"user_id": "nobody"}), 404)
    problem(compliance.get("/v1/ledger/verifications/nope"), 404)


def _verified(api: Api, compliance: httpx.Client) -> dict:
    asked = compliance.post("/v1/ledger/verifications")
    assert asked.status_code == 202, asked.text
    while api.system.perform_runs():
        pass
    return compliance.get(f"/v1/ledger/verifications/{asked.json()['id']}").json()
