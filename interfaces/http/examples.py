"""What the OpenAPI document shows of answers and of bodies that are not a single JSON type."""

from typing import Any

Responses = dict[int | str, dict[str, Any]]

_PROBLEM = {
    "type": "urn:tierline:problem:unknown-user",
    "title": "Unknown user",
    "status": 404,
    "detail": "No fact and no event ever named user 'u-9'.",
    "errors": [{"field": "user_id", "value": "u-9", "remedy": "check the spelling, or send a first fact of this user"}],
}
_FRESH = {"position": 18240, "lag_events": 0, "lag_seconds": 0.0}


def answers(example: Any, description: str = "As asked") -> Responses:
    """A good answer, and problem documents for all others."""
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": _PROBLEM}
    return {
        200: {"description": description, "content": {"application/json": {"example": example}}},
        "4XX": {"description": "Refused", "content": {"application/problem+json": problem}},
        "5XX": {"description": "A part is unavailable", "content": {"application/problem+json": problem}},
    }


def with_status(status: int, answers: Responses) -> Responses:
    """The same, where the good answer has another status than 200."""
    return {status if known == 200 else known: answer for known, answer in answers.items()}


_FACT = {
    "fact_id": "order-1001",
    "user_id": "u-1",
    "kind": "order",
    "occurred_at": "2026-03-01T08:00:00Z",
    "amount": 25_900,
    "currency": "CNY",
    "attributes": {"channel": "app"},
    "lines": [{"sku": "tea-250", "category": "tea", "quantity": 1, "amount": 25_900}],
}
_LINE = '{"fact_id": "visit-7", "user_id": "u-1", "kind": "visit", "occurred_at": "2026-03-01T08:00:00Z"}\n'
_REJECTED = {
    "index": 1,
    "fact_id": "order-1002",
    "error": {
        "field": "amount",
        "value": 12.5,
        "remedy": "send whole minor units, 1250 for 12.50",
        "detail": "amount is not a whole number",
    },
}
FACTS = answers(
    {"accepted": 1, "duplicates": 0, "rejected": [_REJECTED], "rejected_count": 1, "doubtful": [], "position": 18231},
    description="What became of each fact",
)
FACTS_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["facts"],
                    "properties": {
                        "facts": {
                            "type": "array",
                            "maxItems": 1000,
                            "items": {"$ref": "#/components/schemas/Fact"},
                        }
                    },
                },
                "example": {"facts": [_FACT]},
            },
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "One fact a line."},
                "example": _LINE,
            },
        },
    }
}
COMPONENT_SCHEMAS: dict[str, Any] = {
    "Fact": {
        "type": "object",
        "required": ["fact_id", "user_id", "kind", "occurred_at"],
        "properties": {
            "fact_id": {"type": "string", "description": "Names the fact among its user's and source's."},
            "source": {"type": "string", "default": ""},
            "user_id": {"type": "string"},
            "kind": {"type": "string", "description": "order, refund, visit, interaction, profile, touch, void, …"},
            "occurred_at": {"type": "string", "format": "date-time"},
            "amount": {"type": "integer", "minimum": 0, "description": "Minor units."},
            "currency": {"type": "string", "description": "ISO 4217."},
            "attributes": {"type": "object", "description": "Flat scalars."},
            "lines": {"type": "array", "items": {"type": "object"}},
        },
    },
    "Problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail", "errors"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"field": {"type": "string"}, "value": {}, "remedy": {"type": "string"}},
                },
            },
        },
    },
}

_SESSION = {
    "id": "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a",
    "history_id": "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a",
    "status": "open",
    "opened_at": "2026-03-01T08:00:00Z",
    "opened_by": "key:4f1d2c",
    "sealed_at": None,
    "sealed_by": None,
    "position": None,
}
HISTORY = answers(_SESSION)

_STANDING = {
    "tier": "mid",
    "since": "2026-02-11T16:00:00Z",
    "model_version": 3,
    "pinned": False,
    "grace_until": None,
    "next_tier": "high",
    "missing": [{"of": "spend", "is": 82_000, "needs": 100_000, "missing": 18_000}],
    "may_drop_on": "2026-05-12T16:00:00Z",
}
_CARD = {
    "user_id": "u-1",
    "standings": {"value": _STANDING},
    "tags": ["vip"],
    "strategies": [],
    "grants": [],
    **_FRESH,
}
CARD = answers(_CARD)
CARD_PARAMETERS = {
    "parameters": [
        {"name": "user_id", "in": "path", "required": True, "schema": {"type": "string"}, "example": "u-1"},
        {
            "name": "at_least",
            "in": "query",
            "schema": {"type": "integer", "minimum": 0},
            "description": "A `position` that some answer gave. Waits, up to `wait` seconds, until this answer covers "
            "it; one that does not has a smaller `position`, and the header `Tierline-At-Least: behind`.",
        },
        {"name": "wait", "in": "query", "schema": {"type": "number", "minimum": 0, "maximum": 30, "default": 5}},
    ]
}
CARDS = answers({"users": [_CARD], "unknown": ["u-9"]})
TIERS = answers(
    {
        "user_id": "u-1",
        "as_of": "2026-02-20T00:00:00Z",
        "known_at": "2026-03-01T08:00:00Z",
        "standings": {"value": {"tier": "mid", "since": "2026-02-11T16:00:00Z", "event_id": "0c9d…-4"}},
        "position": 18240,
    }
)
RECEIPT = {"scheme": "value", "version": 3, "qualified": "mid", "features": {"spend": 82_000}, "rule": "mid.enter"}
VERIFICATION = answers(
    {"event_id": "0c9d…-4", "result": "same", "recorded": RECEIPT, "expected": RECEIPT, "facts_intact": True}
)
VERIFICATIONS = answers(
    {
        "id": "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a",
        "user_id": None,
        "scheme": None,
        "state": "done",
        "clean": False,
        "subjects_done": 2469,
        "subjects_all": 2469,
        "requested_by": "key:k-1",
        "requested_at": "2026-03-01T08:00:00Z",
        "checked": 120300,
        "different": 1,
        "missing": 0,
        "extra": 0,
        "broken_chains": 0,
        "broken_models": 0,
        "subjects": 2469,
        "erased": 0,
        "first": [
            {
                "problem": "different",
                "user_id": "u-1",
                "subject": "0c9d…",
                "event_id": "0c9d…-4",
                "recorded": {"from": "low", "to": "high", "receipt": RECEIPT},
                "expected": {"from": "low", "to": "mid", "receipt": RECEIPT},
            }
        ],
        "errors": [],
    },
    description="As far as it is",
)
USER_HISTORY = answers(
    {
        "user_id": "u-1",
        "events": [
            {
                "event_id": "0c9d…-4",
                "position": 18102,
                "version": 4,
                "topic": "user-tier.tier-changed.v1",
                "effective_at": "2026-02-11T16:00:00Z",
                "recorded_at": "2026-02-11T16:00:00.2Z",
                "actor": "evaluator",
                "command_id": "",
                "causation": "",
                "data": {"scheme": "value", "scope": "", "from": "low", "to": "mid", "cause": "evaluation"},
                "receipt": RECEIPT,
                "receipt_id": "6b1f0c…",
            }
        ],
        "next_cursor": None,
        "position": 18240,
    }
)
EVALUATION = answers(
    {
        "user_id": "u-1",
        "as_of": "2026-03-01T08:00:00Z",
        "dry_run": True,
        "evaluations": {
            "value": {
                "features": {"spend": 102_000},
                "scores": {"m": 4},
                "qualified": "high",
                "decision": {"topic": "user-tier.tier-changed.v1", "from": "mid", "to": "high", "receipt": RECEIPT},
            }
        },
        "position": 0,
    }
)
EXPLANATION = answers(
    {
        "user_id": "u-1",
        "as_of": "2026-03-01T08:00:00Z",
        "lang": "en",
        "explanations": {
            "value": {
                "tier": "mid",
                "tier_name": "Mid",
                "since": "2026-02-11T16:00:00Z",
                "model_version": 3,
                "qualified": "mid",
                "next_tier": "high",
                "missing": [{"of": "spend", "is": 82_000, "needs": ">= 100000", "missing": 18_000}],
                "may_drop_on": "2026-05-11T16:00:00Z",
                "why": ["The tier is Mid, since 12 February 2026."],
                "next": ["For High it takes that Spend is at least CNY 1,000.00 (now CNY 820.00, CNY 180.00 short)."],
                "drop": ["If nothing more happens, it falls to Low on 12 May 2026."],
                "text": "The tier is Mid, since 12 February 2026. …",
            }
        },
    }
)
TAG = answers(
    {"user_id": "u-1", "tag": "vip", "until": "2026-06-01T00:00:00Z", "changed": True, "position": 18244},
    description="`changed` is false when it was so already, and nothing was recorded",
)
HOLD = answers(
    {
        "user_id": "u-1",
        "scheme": "value",
        "scope": "",
        "until": "2026-06-01T00:00:00Z",
        "changed": True,
        "position": 18244,
    },
    description="`changed` is false when it was so already, and nothing was recorded",
)
_REQUEST = {
    "request_id": "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a",
    "user_id": "u-1",
    "scheme": "value",
    "scope": "",
    "mode": "floor",
    "tier": "high",
    "until": "2026-06-01T00:00:00Z",
    "reason": "a complaint that was ours to mend",
    "requested_by": "key:4f1d2c",
    "requested_at": "2026-03-01T08:00:00Z",
    "status": "waiting",
    "decided_by": None,
    "decided_at": None,
    "note": "",
}
PIN: Responses = HOLD | {
    202: {
        "description": "From this tier on a second person agrees: the request that waits for one",
        "content": {"application/json": {"example": _REQUEST | {"changed": False, "position": 18244}}},
    }
}
OVERRIDE_REQUEST = answers(_REQUEST | {"changed": True, "position": 18250})
OVERRIDE_REQUESTS = answers({"override_requests": [_REQUEST], "next_cursor": None})
SEGMENT = answers(
    {
        "total": 1,
        "users": [{"user_id": "u-1", "tiers": {"value": "high"}, "tags": ["vip"], "features": {"value": {"spend": 1}}}],
        "facets": {"tier.activity": {"active": 1}},
        "next_cursor": None,
        **_FRESH,
    }
)
DISTRIBUTION = answers(
    {"scheme": "value", "as_of": "2026-03-01T08:00:00Z", "tiers": {"low": 120, "mid": 40, "high": 9}, **_FRESH}
)
FLOWS = answers(
    {
        "scheme": "value",
        "from": "2026-02-01T00:00:00Z",
        "to": "2026-03-01T00:00:00Z",
        "known_at": "2026-03-01T08:00:00Z",
        "flows": [
            {"from": None, "to": "low", "users": 20},
            {"from": "low", "to": "low", "users": 100},
            {"from": "low", "to": "mid", "users": 12},
        ],
        "moves": [{"from": None, "to": "low", "count": 20}, {"from": "low", "to": "mid", "count": 14}],
        **_FRESH,
    }
)
_PROJECTION = {
    "name": "user_card",
    "version": 1,
    "status": "serving",
    "store": "redis",
    "position": 18240,
    "head": 18240,
    "lag_events": 0,
    "lag_seconds": 0.0,
    "lanes": {"0": 18240},
    "parked": [],
    "building": None,
}
PROJECTIONS = answers({"projections": [_PROJECTION], "position": 18240})
PROJECTION = answers({"name": "user_card", "status": "serving", "position": 18240})

_KIND = {"kind": "external_score", "requires": ["attributes.value"], "texts": [], "built_in": False}
FACT_KINDS = answers({"fact_kinds": [_KIND], "next_cursor": None})
FACT_KIND = answers(_KIND | {"position": 18_240})
CLOCK = answers({"now": "2026-03-01T08:00:00Z", "mode": "manual"})
READY = answers(
    {"ready": True, "parts": [{"name": "postgres", "status": "on", "detail": "PostgreSQL 18.6", "remedy": ""}]}
)
