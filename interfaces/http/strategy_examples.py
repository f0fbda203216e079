"""What the OpenAPI document shows of strategies."""

from typing import Any

from interfaces.http.examples import Responses, answers
from interfaces.http.model_examples import schema_example

_STRATEGY: dict[str, Any] = {
    "strategy": "win-back",
    "version": 2,
    "status": "running",
    "content_hash": "9f2c…",
    "needs_approval": True,
    "makers": ["key:4f1d2c"],
    "approved_by": "key:77ab01",
    "running_version": 2,
    "global_holdout": 5.0,
    "campaign": None,
    "started_at": "2026-03-01T08:05:00Z",
    "changed_at": "2026-03-01T08:05:00Z",
    "changed_by": "key:4f1d2c",
}
_TEXT = """strategy: win-back
time_zone: Asia/Shanghai
currency: CNY
trigger: {at_risk: value.high}
arms:
  coupon: {weight: 50, do: [{grant: coupon-10}, {notify: sms, template: come-back}]}
  message: {weight: 50, do: [{notify: sms, template: come-back}]}
holdout: 10
when: {quiet: {from: "21:00", to: "09:00"}, at_most: {times: 1, within: 90 days}}
goal: {sum: order.amount, within: 30 days}
"""
STRATEGIES = answers({"strategies": [_STRATEGY], "next_cursor": None})
STRATEGY = answers(_STRATEGY | {"spec": {"strategy": "win-back", "trigger": {"at_risk": "value.high"}}})
STRATEGY_SCHEMA: Responses = schema_example("StrategySpec")
STRATEGY_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}, "example": _TEXT},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
PROGRESS = answers(
    {
        "strategy": "win-back",
        "status": "running",
        "arms": [
            {"arm": "coupon", "holdout": None, "assigned": 812, "live": 640, "exposed": 801},
            {"arm": "message", "holdout": None, "assigned": 790, "live": 655, "exposed": 790},
            {"arm": None, "holdout": "strategy", "assigned": 180, "live": 151, "exposed": 0},
        ],
        "skipped": {"opted-out": 31, "too-often": 4},
        "waiting": 12,
        "sample_ratio_p": {"arms": 0.58, "holdout": 0.87},
        "position": 18240,
    }
)
ASSIGNED = answers(
    {
        "user_id": "u-1",
        "strategy": "win-back",
        "assignment_id": "0d1f3c5e7a905b1a8c2d4e6f8091a2b3",
        "arm": "coupon",
        "holdout": None,
        "due_at": "2026-03-01T08:00:00Z",
        "position": 18240,
    }
)
ENDED = answers(
    {
        "user_id": "u-1",
        "strategy": "win-back",
        "assignment_id": "0d1f3c5e7a905b1a8c2d4e6f8091a2b3",
        "position": 18241,
    }
)
