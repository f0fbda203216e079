"""Facts as services send them."""

import json
from typing import Any


def fact_object(fact_id: str = "f1", user_id: str = "u1", **fields: Any) -> dict[str, Any]:
    """An order of 1.00 CNY, with other fields over it; None takes a field out."""
    sent: dict[str, Any] = {
        "fact_id": fact_id,
        "user_id": user_id,
        "kind": "order",
        "occurred_at": "2026-03-01T08:00:00Z",
        "amount": 100,
        "currency": "CNY",
        **fields,
    }
    return {name: value for name, value in sent.items() if value is not None}


def fact_text(fact_id: str = "f1", user_id: str = "u1", **fields: Any) -> bytes:
    """The same as one JSON text."""
    return json.dumps(fact_object(fact_id, user_id, **fields)).encode()
