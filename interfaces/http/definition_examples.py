"""What the OpenAPI document shows of tags and segments."""

from interfaces.http.examples import answers

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
}
TAG_DEFINITION = answers({**_TAG, "position": 18_240}, description="As it stands; `users` is null when not asked for")
TAG_DEFINITIONS = answers({"tags": [_TAG], "next_cursor": None, "position": 18_240})
