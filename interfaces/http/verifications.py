"""Proof of everything that was decided, asked for and read."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission
from application.compliance.verifications import shown
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.examples import VERIFICATIONS, with_status
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/verifications", tags=["users"])


class VerificationRequest(BaseModel):
    """What to verify; everything when left out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"scheme": "value"}]})

    user_id: str | None = Field(None, description="Only this user.")
    scheme: str | None = Field(None, description="Only decisions on this scheme.")


@router.post("", status_code=202, responses=with_status(202, VERIFICATIONS), summary="Verify receipts")
def ask_verification(
    system: SystemDep,
    call: Annotated[Write, write(Permission.VERIFY)],
    wanted: VerificationRequest | None = None,
) -> Response:
    """A worker decides the whole past again from the fact log, and compares every receipt. Read it with GET."""
    wanted = wanted or VerificationRequest()

    def act() -> dict[str, Any]:
        return shown(system.verifications.ask(call.actor, user_id=wanted.user_id, scheme=wanted.scheme))

    return call.answer(act, 202)


@router.get(
    "/{id}",
    responses=VERIFICATIONS,
    summary="How far a verification is, and what it found",
    dependencies=[allow(Permission.VERIFY)],
)
def read_verification(system: SystemDep, id: str) -> Response:
    """`state` says whether it is done; `clean` whether all is as the facts say; `first` the first findings in full."""
    return answer(shown(system.verifications.get(id)))
