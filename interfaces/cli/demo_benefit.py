"""The demo's benefit: a budget, a coupon that a second person agrees to, given to valued customers, used by few."""

from pathlib import Path
from typing import Any

from domain.benefits.reading import parse_benefit
from domain.benefits.spec import spec_to_json
from interfaces.cli.demo_page import Api, wait_for_read_models

BENEFIT, BUDGET = "valued-coupon", "membership"
_FILE = Path(__file__).parents[2] / "examples" / "benefits" / f"{BENEFIT}.yaml"
_BUDGET = {"budget": BUDGET, "amount": 50_000, "currency": "USD", "time_zone": "America/New_York"}
_HOLDERS, _UNITS, _REDEEMING = 8, 2, 3
_LOYAL = {"where": "tier.value = 'important_value' and value.recency < 14", "sort": ["-value.spend"], "size": 50}
_NEXT_STEP = {"draft": "submit", "submitted": "approve", "approved": "activate"}


def give_benefit(api: Api, approver: Api) -> dict[str, Any]:
    """Goes on from what is there; who holds it, and how the budget stands. approver: the second person's."""
    if not any(budget["budget"] == BUDGET for budget in api.get("/v1/budgets")["budgets"]):
        api.post("/v1/budgets", _BUDGET)
    _bring_into_force(api, approver)
    _give(api)
    wait_for_read_models(api)
    grants = [(user, grant) for user in _holders(api) for grant in _open_grants(api, user)]
    _redeem(api, [grant for _, grant in grants][:_REDEEMING])
    wait_for_read_models(api)
    held = [{"user_id": user, **api.get(f"/v1/grants/{grant['grant_id']}")} for user, grant in grants]
    return {"benefit": api.get(f"/v1/benefits/{BENEFIT}"), "grants": held, "budget": api.get(f"/v1/budgets/{BUDGET}")}


def _bring_into_force(api: Api, approver: Api) -> None:
    """Drafted, submitted, approved by the second person and activated, from whichever of these it has reached."""
    versions = [one for one in api.get("/v1/benefits")["benefits"] if one["benefit"] == BENEFIT]
    if any(one["status"] == "active" for one in versions):
        return
    version = versions[-1] if versions else api.post("/v1/benefits", spec_to_json(parse_benefit(_FILE.read_bytes())))
    path = f"/v1/benefits/{BENEFIT}/versions/{version['version']}"
    while version["status"] != "active":
        step = _NEXT_STEP.get(version["status"], "activate")
        if step == "approve":
            version = approver.post(f"{path}/approve", {"content_hash": version["content_hash"]})
        else:
            version = api.post(f"{path}/{step}", {})


def _give(api: Api) -> None:
    """To as many loyal customers as are still to have it."""
    holders = _holders(api)
    loyal = [user["user_id"] for user in api.post("/v1/segments/search", _LOYAL)["users"]]
    for user in [user for user in loyal if user not in holders][: _HOLDERS - len(holders)]:
        api.post(f"/v1/users/{user}/grants", {"benefit": BENEFIT, "units": _UNITS, "reason": "the demo"})


def _redeem(api: Api, grants: list[dict[str, Any]]) -> None:
    """One unit of each, so that every grant stays open."""
    for grant in grants:
        if not grant["redeemed"]:
            api.post(f"/v1/grants/{grant['grant_id']}/redemptions", {"units": 1})


def _holders(api: Api) -> list[str]:
    found = api.post("/v1/segments/search", {"benefits": [BENEFIT], "size": 100})
    return sorted(user["user_id"] for user in found["users"])


def _open_grants(api: Api, user: str) -> list[dict[str, Any]]:
    grants = api.get(f"/v1/users/{user}/grants?status=open")["grants"]
    return [grant for grant in grants if grant["benefit"] == BENEFIT]
