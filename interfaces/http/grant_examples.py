"""What the OpenAPI document shows of grants."""

from typing import Any

from interfaces.http.examples import answers

_ENTRY: dict[str, Any] = {
    "grant_id": "5fb6ee00603c44c0bd3da6e6b4efdfb1",
    "benefit": "coupon-10",
    "benefit_version": 1,
    "kind": "coupon",
    "status": "open",
    "units": 2,
    "redeemed": 0,
    "released": 0,
    "reclaimed": 0,
    "left": 2,
    "unit_cost": 1000,
    "currency": "CNY",
    "granted_at": "2026-03-01T08:00:00Z",
    "expires_at": "2026-03-30T16:00:00Z",
    "ended_at": None,
    "cause": "command",
    "campaign": "",
    "strategy": "",
    "assignment_id": "",
    "run_id": None,
}
_OF_USER = {"user_id": "u-1", **_ENTRY, "position": 18240}
GRANT = answers(_OF_USER)
GRANTS = answers({"user_id": "u-1", "grants": [_ENTRY], "next_cursor": None, "position": 18240})
REDEMPTION = answers(_OF_USER | {"redeemed": 1, "left": 1, "redeemed_now": 1})
REVOKED = answers(
    _OF_USER | {"status": "revoked", "released": 2, "left": 0, "ended_at": "2026-03-02T09:00:00Z", "released_now": 2}
)

ISSUANCE_BODY = {"benefit": "birthday-gift", "time_zone": "Asia/Shanghai", "birthday": "birthday"}
_ISSUANCE = {
    "name": "birthday",
    "status": "active",
    "revision": 1,
    **ISSUANCE_BODY,
    "defined_at": "2026-03-01T08:00:00Z",
    "defined_by": "key:3f2a",
    "changed_at": "2026-03-01T08:00:00Z",
    "changed_by": "key:3f2a",
    "issued": 417,
    "refused": {"NotEntitled": 12},
}
ISSUANCE = answers(_ISSUANCE | {"position": 18240})
ISSUANCES = answers({"issuances": [_ISSUANCE], "next_cursor": None})
