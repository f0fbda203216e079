"""JSON answers."""

from typing import Any

import msgspec
from starlette.responses import Response

from domain.facts.instants import format_instant

_encode = msgspec.json.Encoder().encode


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The value as JSON."""
    return Response(_encode(value), status, headers, "application/json")


def json_bytes(value: Any) -> bytes:
    """The value as JSON, unwrapped."""
    return _encode(value)


def instant_text(instant: int | None) -> str | None:
    """Microseconds to RFC 3339; None stays None."""
    return None if instant is None else format_instant(instant)
