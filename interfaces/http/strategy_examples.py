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
    "fault": None,
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
_REPORTED = {"delivered": 790, "exposed": 610, "clicked": 122, "ordered": 88}
PROGRESS = answers(
    {
        "strategy": "win-back",
        "status": "running",
        "fault": {
            "path": "where",
            "error": "line 1, column 1: unknown name recency.",
            "since": "2026-03-02T00:00:00Z",
        },
        "arms": [
            {"arm": "coupon", "holdout": None, "assigned": 812, "live": 640, "exposed": 801}
            | {"reported": _REPORTED, "redeemed": 96, "converted": 204},
            {"arm": None, "holdout": "strategy", "assigned": 180, "live": 151, "exposed": 0}
            | {"reported": {**dict.fromkeys(_REPORTED, 0), "exposed": 1}, "redeemed": 0, "converted": 31},
        ],
        "findings": [
            {"finding": "held-out-but-reached", "holdout": "strategy", "reported": "exposed", "assignments": 1}
        ],
        "skipped": {"opted-out": 31, "too-often": 4},
        "waiting": 12,
        "messages": {
            "waiting": 3,
            "sending": 0,
            "sent": 1_570,
            "suppressed": 9,
            "failed": 1,
            "why": {
                "waiting": {"quiet-hours": 3},
                "suppressed": {"unsubscribed": 9},
                "failed": {"answered 500": 1},
            },
        },
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
ASSIGNMENTS = answers(
    {
        "user_id": "u-1",
        "strategies": [
            {
                "assignment_id": "0d1f3c5e7a905b1a8c2d4e6f8091a2b3",
                "strategy": "win-back",
                "strategy_version": 2,
                "arm": "coupon",
                "holdout": None,
                "campaign": None,
                "assigned_at": "2026-03-01T08:00:00Z",
                "ends_at": "2026-03-31T08:00:00Z",
                "done_at": "2026-03-01T08:00:00Z",
                "ended_at": None,
                "end_reason": None,
                "outcomes": {
                    "delivered_at": "2026-03-01T08:00:09Z",
                    "exposed_at": "2026-03-01T12:10:00Z",
                    "clicked_at": "2026-03-01T12:10:05Z",
                    "ordered_at": None,
                    "redeemed_at": None,
                    "converted_at": None,
                },
            }
        ],
        "next_cursor": None,
        "position": 18240,
    }
)
_MESSAGE: dict[str, Any] = {
    "message_id": "8d50453b92ae5ad28e9146a405a74a9b",
    "user_id": "u-1",
    "strategy": "win-back",
    "assignment_id": "0d1f3c5e7a905b1a8c2d4e6f8091a2b3",
    "arm": "coupon",
    "channel": "sms",
    "template": "come-back",
    "state": "waiting",
    "reason": "answered 503",
    "attempts": 2,
    "created_at": "2026-03-01T08:00:00Z",
    "next_at": "2026-03-01T08:01:10Z",
    "settled_at": None,
}
MESSAGES = answers({"messages": [_MESSAGE], "receiver": True, "next_cursor": None, "position": 18240})
_BULK: dict[str, Any] = {
    "id": "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a",
    "state": "done",
    "strategy": "win-back",
    "where": "tier.value = 'high' and recency > 30",
    "segment": "high-and-gone",
    "by_list": False,
    "arm": None,
    "reason": "",
    "round": None,
    "unknown": 0,
    "unknown_first": [],
    "would": {
        "assigned": {"coupon": 160, "message": 151},
        "held": {"strategy": 33},
        "skipped": {"opted-out": 14},
        "not_addressed": 2_111,
        "undecided": 0,
        "ended": 0,
        "cost": {"CNY": 160_000},
    },
    "so_far": {"assigned": {"coupon": 160, "message": 151}, "held": {"strategy": 33}, "skipped": {"opted-out": 14}},
    "users_done": 2_469,
    "users": 2_469,
    "sample": [{"user_id": "u-1", "outcome": "assigned", "arm": "coupon", "holdout": None}],
    "requested_by": "key:4f1d2c",
    "requested_at": "2026-03-01T08:00:00Z",
    "errors": [],
}
BULK = answers(_BULK)
BULKS = answers({"bulk_assignments": [_BULK], "next_cursor": None})
_CAMPAIGN: dict[str, Any] = {
    "campaign": "spring",
    "status": "running",
    "content_hash": "9f2c…",
    "starts_at": "2026-03-02T00:00:00Z",
    "ends_at": "2026-04-01T00:00:00Z",
    "strategies": ["win-back"],
    "budget": "spring-money",
    "makers": ["key:4f1d2c"],
    "approved_by": "key:77ab01",
    "started_at": "2026-03-02T00:00:00Z",
    "changed_at": "2026-03-02T00:00:00Z",
    "changed_by": "timer",
}
_CAMPAIGN_TEXT = """campaign: spring
time_zone: Asia/Shanghai
starts_at: "2026-03-02T00:00:00+08:00"
ends_at: "2026-04-01T00:00:00+08:00"
rests: [{from: "2026-03-10T00:00:00+08:00", to: "2026-03-11T00:00:00+08:00"}]
strategies: [win-back]
budget: spring-money
"""
CAMPAIGNS = answers({"campaigns": [_CAMPAIGN], "next_cursor": None})
CAMPAIGN = answers(_CAMPAIGN | {"spec": {"campaign": "spring", "strategies": ["win-back"]}})
CAMPAIGN_SCHEMA: Responses = schema_example("CampaignSpec")
CAMPAIGN_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}, "example": _CAMPAIGN_TEXT},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
CONFLICTS = answers(
    {
        "campaign": "spring",
        "conflicts": [
            {
                "campaign": "summer",
                "about": "people",
                "what": "win-back and welcome",
                "from": "2026-03-20T00:00:00Z",
                "to": "2026-04-01T00:00:00Z",
                "people": 312,
            }
        ],
    }
)
CAMPAIGN_PROGRESS = answers(
    {
        "campaign": "spring",
        "status": "running",
        "strategies": [{"strategy": "win-back", "status": "running", "waiting": 12}],
        "budget": [{"account": "budget:spring-money", "allowed": 500_000, "reserved": 81_000, "spent": 12_000}],
    }
)
