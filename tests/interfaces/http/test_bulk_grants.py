"""Bulk grants over HTTP: planned to a condition or a list, agreed to, granted by a worker, and what is refused."""

import time
from typing import Any

import httpx
import pytest

from interfaces.http.main import create_app
from tests.interfaces.http.conftest import Api, order
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force

BODY = {"benefit": "coupon-10", "units": 2, "reason": "spring", "campaign": "s26"}


@pytest.fixture
def ready(api: Api, database: str) -> Api:
    """Three users on mid, one on low, decided; a coupon on a budget."""
    open_budget(database, "spring", 100_000)
    put_in_force(database, {**COUPON, "budget": "spring", "entitlement": {"value": ["mid", "high"]}})
    api.activate()
    facts = [order(f"u-{number}", "o", occurred_at=_now()) for number in range(3)]
    api.record(*facts, order("low", "o", amount=10, occurred_at=_now()))
    while api.system.evaluate_due():
        pass
    return api


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))


def reached(client: httpx.Client, run_id: str, *states: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while True:
        view: dict[str, Any] = client.get(f"/v1/bulk-grants/{run_id}").json()
        if view["state"] in states:
            return view
        assert time.monotonic() < until, view


def test_to_a_list_from_plan_to_revert(ready: Api, worker: None, database: str) -> None:
    operator, approver = ready.as_role("operator"), ready.as_role("approver")
    lines = "user_id,name\nu-0,Ann\nu-1,Bob\nnobody,X\n\nlow,Low\n"
    query = BODY | {"budget": []}
    sent = operator.post(
        "/v1/bulk-grants/lists", params=query, content=lines, headers={"content-type": "text/csv; charset=utf-8"}
    )
    assert sent.status_code == 202, sent.text
    planned = sent.json()
    assert (planned["people"], planned["unknown"], planned["source"]) == (3, 1, {"listed": "csv"})
    assert planned["faults"] == [{"line": 4, "user_id": "nobody", "problem": "is not known"}]
    run_id = planned["id"]
    preview = reached(operator, run_id, "previewed")["preview"]
    assert (preview["gets"], preview["skipped"], preview["cost"]) == (2, {"not-entitled": 1}, 4_000)
    assert operator.post(f"/v1/bulk-grants/{run_id}/approve").status_code == 403
    assert approver.post(f"/v1/bulk-grants/{run_id}/start").status_code == 403
    assert approver.post(f"/v1/bulk-grants/{run_id}/approve", json={"note": "fine"}).json()["approved_by"]
    assert operator.post(f"/v1/bulk-grants/{run_id}/start").json()["state"] == "running"
    done = reached(operator, run_id, "finished")
    assert (done["progress"]["granted"], done["progress"]["skipped"]) == (2, {"not-entitled": 1})
    assert accounts(database)["budget:spring"] == (100_000, 4_000, 0)
    grants = operator.get("/v1/users/u-0/grants").json()["grants"]
    assert [(grant["cause"], grant["run_id"], grant["units"]) for grant in grants] == [("bulk", run_id, 2)]
    assert operator.post(f"/v1/bulk-grants/{run_id}/revert", json={"reason": ""}).status_code == 422
    operator.post(f"/v1/bulk-grants/{run_id}/revert", json={"reason": "the wrong coupon"})
    assert reached(operator, run_id, "reverted")["progress"]["reverting"] == {"looked_at": 3, "revoked": 2, "units": 4}
    assert accounts(database)["budget:spring"] == (100_000, 0, 0)
    listed = operator.get("/v1/bulk-grants").json()
    assert [(one["id"], one["state"]) for one in listed["bulk_grants"]] == [(run_id, "reverted")]


def test_to_a_segment(ready: Api, worker: None) -> None:
    until = time.monotonic() + 60
    where = "tier.value = 'mid'"
    while ready.client.post("/v1/segments/search", json={"where": where}).json().get("total") != 3:
        assert time.monotonic() < until
    key = {"idempotency-key": "spring-26"}
    planned = ready.client.post("/v1/bulk-grants", json=BODY | {"where": where}, headers=key)
    assert planned.status_code == 202, planned.text
    again = ready.client.post("/v1/bulk-grants", json=BODY | {"where": where}, headers=key)
    assert again.json()["id"] == planned.json()["id"]
    view = reached(ready.client, planned.json()["id"], "previewed")
    assert (view["people"], view["preview"]["gets"], view["preview"]["counted"]) == (3, 3, "exact")
    ready.client.post(f"/v1/bulk-grants/{view['id']}/start")
    assert reached(ready.client, view["id"], "finished")["progress"]["granted"] == 3
    nobody = ready.client.post("/v1/bulk-grants", json=BODY | {"where": "tier.value = 'high'"})
    assert (nobody.status_code, nobody.json()["type"].rsplit(":", 1)[-1]) == (422, "nobody-to-grant")


def test_what_is_wrong_is_told(ready: Api) -> None:
    def refused(answer: httpx.Response) -> tuple[int, str]:
        return answer.status_code, answer.json()["type"].rsplit(":", 1)[-1]

    post = ready.client.post
    assert refused(post("/v1/bulk-grants", json=BODY)) == (422, "members-unclear")
    both = {"where": "", "user_ids": ["u-0"]}
    assert refused(post("/v1/bulk-grants", json=BODY | both)) == (422, "members-unclear")
    assert refused(post("/v1/bulk-grants", json=BODY | {"benefit": "x", "user_ids": ["u-0"]})) == (
        404,
        "unknown-benefit",
    )
    assert refused(post("/v1/bulk-grants", json=BODY | {"units": 0, "user_ids": ["u-0"]}))[0] == 422
    assert refused(post("/v1/bulk-grants", json=BODY | {"user_ids": ["x"]})) == (422, "nobody-to-grant")
    empty = {"content": b"", "headers": {"content-type": "text/csv"}}
    for nobody in (
        post("/v1/bulk-grants", json=BODY | {"user_ids": []}),
        post("/v1/bulk-grants/lists", params={"benefit": "coupon-10"}, **empty),
    ):
        assert [error["field"] for error in nobody.json()["errors"]] == ["user_ids"], nobody.text
    assert post("/v1/bulk-grants/lists", params={"benefit": "coupon-10"}, json=["u-0"]).status_code == 415
    planned = post("/v1/bulk-grants", json=BODY | {"user_ids": ["u-0", "u-1"]}).json()
    assert (planned["state"], planned["preview"]) == ("previewing", None)
    for act in ("start", "pause", "resume", "approve"):
        assert refused(post(f"/v1/bulk-grants/{planned['id']}/{act}")) == (409, "bulk-grant-out-of-turn"), act
    assert post(f"/v1/bulk-grants/{planned['id']}/cancel").json()["state"] == "cancelled"
    for path in ("no-id", "3f0c3b9e-93d4-4a8b-8a34-6f0f6a4d9e21"):
        assert refused(post(f"/v1/bulk-grants/{path}/pause")) == (404, "unknown-bulk-grant")
    assert ready.as_role("service").post("/v1/bulk-grants", json=BODY).status_code == 403


def test_the_document_shows_them(api: Api) -> None:
    paths = create_app(api.system).openapi()["paths"]
    assert {path for path in paths if "bulk-grants" in path} >= {"/v1/bulk-grants", "/v1/bulk-grants/{id}/revert"}
