"""Instants at the edge: RFC 3339 text outside, microseconds inside."""

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from domain.facts.instants import parse_instant


def _parsed(text: Any) -> int | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ValueError("give an RFC 3339 instant such as 2026-03-01T08:00:00Z")
    try:
        # A plus sign that was not escaped in a query arrives as a space.
        return parse_instant(text.replace(" ", "+") if "T" in text else text)
    except ValueError as error:
        raise ValueError(f"{error}; give one such as 2026-03-01T08:00:00Z") from None


_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-01T08:00:00Z"]})

Instant = Annotated[int | None, BeforeValidator(_parsed), _SCHEMA]
RequiredInstant = Annotated[int, BeforeValidator(_parsed), _SCHEMA]
