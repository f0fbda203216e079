"""What the OpenAPI document shows of the ledger of benefits."""

from typing import Any

from domain.benefits.proof import PROBLEMS
from interfaces.http.examples import answers

_NOW = "2026-03-20T08:00:00Z"
_OWED: dict[str, Any] = {"currency": "CNY", "grants": 120, "units": 180, "cost": 180_000}


def _sum(units: int) -> dict[str, int]:
    return {"units": units, "cost": 1_000 * units}


_COST: dict[str, Any] = {
    "currency": "CNY",
    "open_before": _sum(0),
    "granted": _sum(400),
    "redeemed": _sum(150),
    "released": _sum(70),
    "reclaimed": _sum(5),
    "open": _sum(180),
}
_BUDGET = {
    "budget": "spring",
    "currency": "CNY",
    "period_start": None,
    "allowed": 1_000_000,
    "reserved": 180_000,
    "spent": 150_000,
    "left": 670_000,
}
LIABILITY = answers(
    {
        "by": "benefit",
        "as_of": _NOW,
        "rows": [{"key": "coupon-10", **_OWED}],
        "totals": [_OWED],
        "ended": [],
        "budgets": [_BUDGET],
        "stocks": [{"benefit": "coupon-10", "allowed": 5_000, "reserved": 180, "spent": 150, "left": 4_670}],
        "position": 18240,
    }
)
FORECAST = answers(
    {
        "per": "month",
        "time_zone": "Asia/Shanghai",
        "as_of": _NOW,
        "rows": [{"key": "2026-03-01", **_OWED}],
        "totals": [_OWED],
        "position": 18240,
    }
)
LEDGER_VERIFICATION = answers(
    {
        "id": "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a",
        "user_id": None,
        "state": "done",
        "clean": True,
        "subjects_done": 120,
        "subjects_all": 120,
        "requested_by": "key:5f2c",
        "requested_at": _NOW,
        "subjects": 119,
        "erased": 1,
        "grants": 240,
        "moves": 130,
        "events": 370,
        "accounts": 3,
        "problems": dict.fromkeys(PROBLEMS, 0),
        "first": [],
        "errors": [],
    }
)
COSTS = answers(
    {
        "by": "campaign",
        "from": "2026-03-01T00:00:00Z",
        "to": None,
        "time_zone": "UTC",
        "as_of": _NOW,
        "rows": [{"key": "spring", **_COST}],
        "totals": [_COST],
        "position": 18240,
    }
)
