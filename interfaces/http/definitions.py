"""What versioned definitions, tier models and benefits, share over HTTP: their texts, faults, reviews and schemas."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from domain.tier_model.reviewing import LONGEST
from domain.tier_model.spec.faults import Fault
from interfaces.http.answers import answer, json_bytes

Version = Annotated[int, Path(ge=1, le=1_000_000)]
Words = Annotated[str, Field(max_length=LONGEST, description="Kept with the event.")]


class SubmitRequest(BaseModel):
    """What the approver should know."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "for the spring campaign"}]})

    note: Words = ""


class ApproveRequest(BaseModel):
    """What was looked at, and agreed to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"content_hash": "9f0c…", "note": "ok"}]})

    content_hash: str = Field(description="Of the version that was looked at: a change since is refused.")
    note: Words = ""


class RejectRequest(BaseModel):
    """Why not."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "gold is too far away"}]})

    reason: Words


class SchemaResponse(Response):
    """A JSON Schema."""

    media_type = "application/schema+json"


async def body_text(request: Request) -> bytes:
    """A definition, as sent."""
    return await request.body()


def schema_answer(schema: Callable[[], dict[str, Any]], if_none_match: str | None) -> Response:
    """The schema, or 304 to whoever has it."""
    text, tag = _schema(schema)
    headers = {"ETag": tag, "Cache-Control": "private, max-age=3600"}
    known = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return SchemaResponse(text, 200, headers)


@cache
def _schema(schema: Callable[[], dict[str, Any]]) -> tuple[bytes, str]:
    """The document and its ETag."""
    text = json_bytes(schema())
    return text, f'"{hashlib.sha256(text).hexdigest()[:32]}"'


def faults_answer(faults: list[Fault]) -> Response:
    """What a lint has found."""
    valid = not any(fault.severity == "error" for fault in faults)
    return answer({"valid": valid, "faults": [shown_fault(fault) for fault in faults]})


def shown_fault(fault: Fault) -> dict[str, Any]:
    """A fault with its place."""
    return {
        "path": fault.path,
        "line": fault.line,
        "column": fault.column,
        "value": fault.value,
        "message": fault.message,
        "remedy": fault.remedy,
        "severity": fault.severity,
    }
