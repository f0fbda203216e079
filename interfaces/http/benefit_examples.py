"""What the OpenAPI document shows of benefits, budgets and stops."""

from interfaces.http.examples import Responses, answers
from interfaces.http.model_examples import REVIEW, schema_example

_BENEFIT = {
    "benefit": "gold-coupon",
    "version": 2,
    "status": "active",
    "content_hash": "9f2c…",
    "created_at": "2026-03-01T08:00:00Z",
    "created_by": "key:4f1d2c",
    "activated_at": "2026-03-01T08:05:00Z",
    "review": REVIEW,
}
_TEXT = """benefit: gold-coupon
kind: coupon
labels: {zh-CN: 金卡满百减二十, en: Gold coupon of 20}
currency: CNY
time_zone: Asia/Shanghai
unit_cost: 2000
details: {amount_off: 2000, least_order: 10000}
validity: {from_grant: 30 days}
caps: {per_period: {units: 2, period: month}}
entitlement: {value: [gold]}
budget: membership
"""
BENEFITS = answers({"benefits": [_BENEFIT], "next_cursor": None})
BENEFIT = answers(
    _BENEFIT | {"spec": {"benefit": "gold-coupon", "kind": "coupon", "unit_cost": 2_000, "budget": "membership"}}
)
BENEFIT_SCHEMA: Responses = schema_example("BenefitSpec")
BENEFIT_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}, "example": _TEXT},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
BENEFIT_LINT = answers(
    {
        "valid": False,
        "faults": [
            {
                "path": "details.amount_of",
                "line": 7,
                "column": 11,
                "value": 2_000,
                "message": "is no key that is known here",
                "remedy": "Did you mean amount_off? Known here: amount_off, least_order, percent_off",
                "severity": "error",
            }
        ],
    }
)
_BUDGET = {
    "budget": "spring",
    "status": "open",
    "amount": 5_000_000,
    "currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "parent": "membership",
    "period": "month",
    "starts_at": "2026-02-28T16:00:00Z",
    "ends_at": "2026-05-31T16:00:00Z",
    "labels": {"zh-CN": "春季", "en": "Spring"},
    "changed_at": "2026-03-01T08:00:00Z",
    "accounts": [
        {
            "starts_at": "2026-02-28T16:00:00Z",
            "allowed": 5_000_000,
            "reserved": 120_000,
            "spent": 80_000,
            "left": 4_800_000,
        }
    ],
    "children": [],
    "waiting": None,
}
_WAITING = {"amount": 9_000_000, "ends_at": None, "proposed_by": "key:4f1d2c", "proposed_at": "2026-03-02T08:00:00Z"}
_WAITS: Responses = {
    202: {
        "description": "So much money needs a second person: what waits for one",
        "content": {"application/json": {"example": _BUDGET | {"waiting": _WAITING}}},
    }
}
BUDGET = answers(_BUDGET)
BUDGET_CHANGED: Responses = BUDGET | _WAITS
BUDGETS = answers({"budgets": [_BUDGET], "next_cursor": None})
_STOP = {
    "scope": "benefit:gold-coupon",
    "stopped_by": "key:4f1d2c",
    "stopped_at": "2026-03-01T08:00:00Z",
    "reason": "the coupon takes off ten times as much as it should",
}
STOP = answers(_STOP)
STOPS = answers({"grant_stops": [_STOP], "next_cursor": None})
LIFTED = answers({"scope": "benefit:gold-coupon", "position": 18_250})
