"""What the OpenAPI document shows of bulk grants."""

from typing import Any

from interfaces.http.examples import answers

_ID = "0c2f6f5e-3f5e-4b0e-9a55-5a4a1d0d7d7e"
_VIEW: dict[str, Any] = {
    "id": _ID,
    "state": "running",
    "because": "",
    "benefit": "coupon-10",
    "benefit_version": 1,
    "units": 1,
    "unit_cost": 1000,
    "currency": "CNY",
    "reason": "spring",
    "budgets": [],
    "campaign": "",
    "source": {"where": "tier.value = 'high' and tag('vip')"},
    "people": 12000,
    "unknown": 0,
    "faults": [],
    "planned_by": "key:3f1c",
    "planned_at": "2026-03-01T08:00:00Z",
    "preview": {
        "people": 12000,
        "counted": "exact",
        "looked_at": 12000,
        "gets": 11800,
        "undecided": 0,
        "skipped": {"cap-reached": 200},
        "cost": 11800000,
        "most_cost": 12000000,
        "currency": "CNY",
        "accounts": [{"account": "budget:spring", "left": 20000000, "needed": 11800000, "suffices": True}],
        "suffices": True,
        "sample": [{"user_id": "u-1", "gets": False, "reason": "cap-reached", "about": "1", "tiers": {}}],
        "as_of": "2026-03-01T08:00:01Z",
    },
    "approvals_needed": 1,
    "approved_by": ["key:9a40"],
    "approvals_skipped": False,
    "progress": {
        "granted": 8000,
        "skipped": {"cap-reached": 120},
        "left": 3880,
        "cost": 8000000,
        "a_second": 9500.0,
        "reverting": {"looked_at": 0, "revoked": 0, "units": 0},
    },
    "story": [{"what": "planned", "by": "key:3f1c", "at": "2026-03-01T08:00:00Z"}],
}
BULK_GRANT = answers(_VIEW)
BULK_GRANTS = answers({"bulk_grants": [_VIEW | {"preview": None}], "next_cursor": None})
LIST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": {"type": "string", "description": "A column user_id, or one column without a heading."},
                "example": "user_id\nu-1\nu-2\n",
            },
            "application/x-ndjson": {
                "schema": {"type": "string", "description": "A user id, or an object with user_id, a line."},
                "example": '"u-1"\n{"user_id": "u-2"}\n',
            },
        },
    }
}
