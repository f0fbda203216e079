"""Examples of what effects answer, for the OpenAPI document."""

from interfaces.http.examples import answers

_GOOD, _PLAIN = {"spearman": 0.7155, "gini": 0.721}, {"spearman": 0.8208, "gini": 0.8642}
_TIERS = [
    {"tier": "low", "users": 1960, "spend": 64_791_522, "mean": 33_057, "share": 0.5799, "buyers": 0.9342},
    {"tier": "high", "users": 438, "spend": 46_940_068, "mean": 107_169, "share": 0.4201, "buyers": 1.0},
]
MODEL_EFFECT = answers(
    {
        "id": "0d9f1c1e-6f0e-4a57-9f5c-3a3f0a1f5f5e",
        "scheme": "value",
        "at": "2026-03-01T08:00:00Z",
        "weeks": [
            {
                "from": "2026-02-22T08:00:00Z",
                "to": "2026-03-01T08:00:00Z",
                "version": 3,
                "tiers": {"low": 1960, "high": 438},
                "moved": 41,
                "up": 25,
                "down": 16,
                "share_moved": 0.0171,
                "drift": {"m": 0.0132},
            }
        ],
        "periods": [
            {
                "from": "2025-12-01T08:00:00Z",
                "to": "2026-03-01T08:00:00Z",
                "users": 2398,
                "spend": 111_731_590,
                "plain_spend": _PLAIN,
                "standing": _GOOD,
                "tiers": _TIERS,
                "versions": {"3": {"qualified": _GOOD, "scores": {"m": _PLAIN}, "tiers": _TIERS}},
            }
        ],
        "horizon_days": 90,
        "version": None,
        "value": {"sum": "order.amount", "minus": "refund.amount"},
        "state": "done",
        "subjects_done": 2469,
        "subjects": 2469,
        "requested_by": "key:4f2c",
        "position": 18231,
        "data": {
            "users": 2469,
            "facts": 165_340,
            "first_fact": "2025-03-01T16:53:26Z",
            "last_fact": "2026-03-01T07:58:00Z",
            "currency": "USD",
            "value": {"sum": "order.amount", "minus": "refund.amount"},
        },
        "tiers": ["low", "high"],
        "versions": [
            {
                "version": 3,
                "content_hash": "9d1f…",
                "in_force_since": ["2025-06-01T00:00:00Z"],
                "weeks": 13,
                "share_moved": 0.0184,
                "tiers": {"low": 1960, "high": 438},
                "drift": {"m": 0.0132},
            }
        ],
        "versions_left_out": [],
        "errors": [],
    }
)
