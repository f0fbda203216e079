"""What the OpenAPI document shows of tier models."""

from interfaces.http.examples import RECEIPT, Responses, answers


def schema_example(title: str) -> Responses:
    """An answer with a JSON Schema."""
    return {
        **answers(None),
        200: {
            "description": "The schema, in the 2020-12 draft",
            "content": {
                "application/schema+json": {
                    "schema": {"type": "object"},
                    "example": {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title},
                }
            },
        },
        304: {"description": "As you have it: the ETag in `If-None-Match` is this one"},
    }


REVIEW = {
    "submitted_by": "key:4f1d2c",
    "submitted_at": "2026-03-01T08:01:00Z",
    "note": "for the spring campaign",
    "approved_by": "key:77ab01",
    "approved_at": "2026-03-01T08:04:00Z",
    "approval": "",
    "rejected_by": None,
    "rejected_at": None,
    "reason": "",
}
_MODEL = {
    "scheme": "value",
    "version": 3,
    "status": "active",
    "content_hash": "9f2c…",
    "unfitted": [],
    "created_at": "2026-03-01T08:00:00Z",
    "created_by": "key:4f1d2c",
    "activated_at": "2026-03-01T08:05:00Z",
    "scheduled_at": None,
    "migration": {"mode": "soft-landing", "grace_days": 30},
    "review": REVIEW,
}
MODELS = answers({"tier_models": [_MODEL], "next_cursor": None})
MODEL = answers(_MODEL | {"spec": {"scheme": "value", "tiers": ["low", "mid", "high"]}})
_PREVIEW = {
    "id": "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a",
    "scheme": "value",
    "version": 3,
    "content_hash": "9f2c…",
    "migration": {"mode": "soft-landing", "grace_days": 30},
    "state": "done",
    "subjects_done": 169,
    "subjects": 169,
    "requested_by": "key:4f1d2c",
    "at": "2026-03-01T08:01:00Z",
    "position": 18240,
    "schemes": {
        "value": {
            "moved": 12,
            "entered": 0,
            "up": 2,
            "down": 10,
            "renamed": 0,
            "deferred": 0,
            "above": 31,
            "promised": 31,
            "tiers": ["low", "mid", "high"],
            "moves": [{"from": "high", "to": "mid", "count": 10}, {"from": "low", "to": "mid", "count": 2}],
            "before": {"low": 120, "mid": 40, "high": 9},
            "after": {"low": 118, "mid": 52, "high": 9},
            "why": [{"clause": "downgrade", "rule": "mid.enter", "count": 10}],
        }
    },
    "breaks": [
        {
            "kind": "strategy",
            "name": "win-back",
            "path": "where",
            "error": "line 1, column 1: unknown name recency.",
        }
    ],
    "benefit_cost": [
        {
            "issuance": "monthly",
            "benefit": "coupon-10",
            "every": "month",
            "currency": "CNY",
            "users_before": 417,
            "users_after": 433,
            "cost_before": 417_000,
            "cost_after": 433_000,
            "at_most": False,
        }
    ],
    "sample": [
        {
            "user_id": "u-1",
            "scheme": "value",
            "scope": "",
            "from": "high",
            "to": "mid",
            "before": {"version": 2, "tier": "high", "qualified": "high", "features": {"spend": 82_000}},
            "receipt": RECEIPT,
        }
    ],
    "errors": [],
}
PREVIEW = answers(_PREVIEW)
NOTICE = answers(
    {
        "scheme": "value",
        "version": 3,
        "against": 2,
        "lang": "en",
        "from": "2026-04-01T00:00:00Z",
        "heading": "Value: version 3 of the rules",
        "dates": ["In force from 1 April 2026 on."],
        "changes": ["High: Spend is at least CNY 1,200.00. Before: High: Spend is at least CNY 1,000.00."],
        "transition": ["Nobody falls within 30 days of the change; then by one tier at a time, …"],
        "rules": ["High: Spend is at least CNY 1,200.00.", "Low: everybody else."],
        "meanings": ["Spend: total amount of orders in the last 365 days."],
        "policy": ["A higher tier is given as soon as its conditions are met."],
        "growth": [],
        "text": "Value: version 3 of the rules\nIn force from 1 April 2026 on.\n\n…",
    }
)
SHADOW = answers(
    {
        "scheme": "value",
        "version": 3,
        "running": True,
        "fault": "",
        "started_at": "2026-03-01T08:00:00Z",
        "migration": {},
        "standings": 169,
        "apart": 12,
        "tiers": [{"live": "high", "shadow": "high", "count": 9}, {"live": "high", "shadow": "mid", "count": 10}],
        "live_moves": 4,
        "shadow_moves": 15,
    }
)
DIFFERENCES = answers(
    {
        "differences": [
            {
                "user_id": "u-1",
                "scope": "",
                "live_tier": "high",
                "shadow_tier": "mid",
                "apart_since": "2026-03-02T09:00:00Z",
                "features": {"spend": 82_000},
                "live": None,
                "shadow": RECEIPT,
            }
        ],
        "next_cursor": None,
    }
)
MODEL_SCHEMA: Responses = schema_example("TierModelSpec")
PRESETS_LISTED = answers(
    {
        "presets": [
            {"name": "rfm-eleven", "label": {"zh-CN": "RFM 十一分群", "en": "RFM, the map of eleven segments"}}
        ],
        "next_cursor": None,
    }
)
PRESET: Responses = {
    **answers(None),
    200: {
        "description": "The model file",
        "content": {"application/yaml": {"schema": {"type": "string"}, "example": "scheme: rfm\ndimension: value\n"}},
    },
}
_MODEL_TEXT = """scheme: value
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, high]
features:
  spend: {sum: order.amount, within: 365 days}
rules:
  high: {enter: "spend >= money(1000.00)"}
"""
MODEL_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}, "example": _MODEL_TEXT},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}
LINT = answers(
    {
        "valid": False,
        "faults": [
            {
                "path": "rules.high.enter",
                "line": 9,
                "column": 17,
                "value": "spent",
                "message": "there is no spent",
                "remedy": "Did you mean spend?",
                "severity": "error",
            }
        ],
    }
)
