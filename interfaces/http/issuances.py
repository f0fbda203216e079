"""Recurring issues of benefits: every month, on birthdays, after an upgrade."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission
from domain.benefits.granting import LONGEST_TEXT
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.grant_examples import ISSUANCE, ISSUANCE_BODY, ISSUANCES
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/issuances", tags=["grants"])

Name = Annotated[str, Path(description="Letters, digits, _ and -.", examples=["birthday"])]
Issuer = Annotated[Write, write(Permission.ISSUE_BENEFITS)]


class RetireRequest(BaseModel):
    """Why nothing is issued any more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the programme has ended"}]})

    reason: str = Field("", max_length=LONGEST_TEXT, description="Kept with the event.")


@router.put("/{name}", responses=ISSUANCE, summary="Issue a benefit again and again")
def define_issuance(
    system: SystemDep, name: Name, call: Issuer, wanted: Annotated[dict[str, Any], Body(examples=[ISSUANCE_BODY])]
) -> Response:
    """From now on, as `monthly`, `birthday` or `upgrade` says; a name that is there is revised. Who is entitled is the
    benefit's to say; each period is granted once."""

    def act() -> dict[str, Any]:
        view, position = system.grants.issuances.define(name, wanted, call.actor, call.command_id)
        return system.grants.issuances.shown(view) | {"position": position}

    return call.answer(act)


@router.get("", responses=ISSUANCES, summary="All recurring issues", dependencies=[allow(Permission.READ_USERS)])
def list_issuances(system: SystemDep) -> Response:
    """Retired ones too, by name, with what was issued and refused."""
    desk = system.grants.issuances
    return answer({"issuances": [desk.shown(view) for view in desk.definitions.list()], "next_cursor": None})


@router.get("/{name}", responses=ISSUANCE, summary="One recurring issue", dependencies=[allow(Permission.READ_USERS)])
def show_issuance(system: SystemDep, name: Name) -> Response:
    """With what was issued and refused so far, and why."""
    desk = system.grants.issuances
    return answer(desk.shown(desk.find(name)) | {"position": system.tail.head()})


@router.post("/{name}/retire", responses=ISSUANCE, summary="End a recurring issue")
def retire_issuance(system: SystemDep, name: Name, call: Issuer, wanted: RetireRequest | None = None) -> Response:
    """What was granted stays."""

    def act() -> dict[str, Any]:
        reason = wanted.reason if wanted else ""
        view, position = system.grants.issuances.retire(name, call.actor, reason, call.command_id)
        return system.grants.issuances.shown(view) | {"position": position}

    return call.answer(act)
