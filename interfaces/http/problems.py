"""Problem documents (RFC 9457): the one shape of every answer that is not the one asked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_SHOWN = 200  # characters of an offending value


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    errors: Sequence[Mapping[str, Any]] = (),
    *,
    retry_after_seconds: int | None = None,
) -> Response:
    """A problem document. errors: {field, value, remedy} each; kind: the last part of its type URI."""
    document = {
        "type": f"urn:tierline:problem:{kind}",
        "title": title,
        "status": status,
        "detail": _writable(detail),
        "errors": [
            dict(
                error,
                field=_writable(error["field"]),
                value=_shown(error.get("value")),
                remedy=_writable(error["remedy"]),
            )
            for error in errors
        ],
    }
    headers = {"Retry-After": str(retry_after_seconds)} if retry_after_seconds is not None else None
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)


def _as_sent(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):  # nothing that JSON has
        return repr(value)


def _shown(value: Any) -> Any:
    """The value, cut when long: a problem document never carries a body back."""
    if value is None or isinstance(value, bool | int | float):
        return value
    try:
        text = _writable(value if isinstance(value, str) else _as_sent(value))
    except RecursionError:
        return "(nested too deeply to be shown)"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _writable(text: str) -> str:
    """Without halves of characters: JSON may name them, UTF-8 cannot hold them."""
    return text.encode("utf-8", "replace").decode()
