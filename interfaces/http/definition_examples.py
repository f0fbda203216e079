"""What the OpenAPI document shows of tags, segments and user ids."""

from interfaces.http.examples import Responses, answers

_TAG = {
    "name": "vip",
    "status": "active",
    "revision": 1,
    "owner": "crm",
    "category": "loyalty",
    "meaning": "Invited to previews.",
    "type": "choice",
    "options": ["gold", "black"],
    "labels": {"zh-CN": "贵宾", "en": "VIP"},
    "lineage": {"source": "manual", "origin": "", "condition": "", "currency": "", "reads": {}},
    "defined_at": "2026-03-01T08:00:00Z",
    "defined_by": "key:4f1d2c",
    "changed_at": "2026-03-01T08:00:00Z",
    "changed_by": "key:4f1d2c",
    "users": 1_204,
    "rule": {
        "state": "done",
        "asked_at": "2026-03-01T08:00:01Z",
        "users_done": 12_040,
        "users": 12_040,
        "changed": 1_204,
        "errors": [],
        "followed": 18_238,
        "behind": 2,
    },
}
_BULK = {
    "id": "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a",
    "state": "running",
    "tag": "vip",
    "action": "add",
    "value": "gold",
    "until": "2026-06-01T00:00:00Z",
    "reason": "spring campaign",
    "where": "tier.value = 'high'",
    "users": 12_040,
    "by_outcome": {"changed": 8_000, "unchanged": 40, "waiting": 4_000},
    "sample": ["u-1", "u-7"],
    "unknown": 0,
    "unknown_first": [],
    "requested_by": "key:4f1d2c",
    "requested_at": "2026-03-01T08:00:00Z",
    "run_id": "0b0e…",
    "errors": [],
}
BULK_TAG = answers(_BULK, description="As far as it is")
BULK_TAGS = answers({"bulk_tags": [_BULK], "next_cursor": None})
_SEGMENT = {
    "name": "sleeping-vips",
    "status": "active",
    "revision": 1,
    "owner": "crm",
    "meaning": "High once, away for a month.",
    "where": "tier.value = 'high' and recency > 30",
    "scoped": [],
    "labels": {"zh-CN": "沉睡高价值"},
    "defined_at": "2026-03-01T08:00:00Z",
    "defined_by": "key:4f1d2c",
    "changed_at": "2026-03-01T08:00:00Z",
    "changed_by": "key:4f1d2c",
    "users": 358,
}
SAVED_SEGMENT = answers({**_SEGMENT, "position": 18_240}, description="As it stands; `users` when asked for")
SAVED_SEGMENTS = answers({"segments": [_SEGMENT], "next_cursor": None, "position": 18_240})
MEMBERS: Responses = {
    **SAVED_SEGMENT,
    200: {
        "description": "A line, or a row, a user",
        "headers": {
            "Tierline-Position": {
                "description": "How much of the log it shows, at least.",
                "schema": {"type": "integer"},
            }
        },
        "content": {
            "application/x-ndjson": {
                "schema": {"type": "string"},
                "example": '{"user_id": "u-1", "tiers": {"value": "high"}, "tags": ["vip"]}\n',
            },
            "text/csv": {"schema": {"type": "string"}, "example": "user_id,tier.value,tags\r\nu-1,high,vip\r\n"},
        },
    },
}
USER_IDS = answers({"user_id": "u-1", "user_ids": ["app-77", "u-1"]})
LINKED = answers(
    {"user_id": "u-1", "alias": "app-77", "user_ids": ["app-77", "u-1"], "changed": True, "position": 18_244},
    description="`changed` is false when it named the user already",
)
MERGED = answers(
    {
        "user_id": "u-1",
        "other_user_id": "u-2",
        "user_ids": ["u-1", "u-2"],
        "facts_copied": 12,
        "facts_known_already": 1,
        "position": 18_250,
    },
    description="Both ids name the one user from now on",
)
SPLIT = answers(
    {
        "user_id": "u-1",
        "user_ids": ["u-1"],
        "new_user_ids": ["app-77"],
        "facts_copied": 12,
        "facts_voided": 11,
        "position": 18_262,
    },
    description="The ids that left name a user of their own from now on",
)
TAG_DEFINITION = answers({**_TAG, "position": 18_240}, description="As it stands; `users` is null when not asked for")
TAG_DEFINITIONS = answers({"tags": [_TAG], "next_cursor": None, "position": 18_240})
