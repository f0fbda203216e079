"""The kill switch: what is not granted any more."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission
from application.grant_stops.ports import StopView
from domain.tier_model.reviewing import LONGEST
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.benefit_examples import LIFTED, STOP, STOPS
from interfaces.http.definitions import Words
from interfaces.http.examples import with_status
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/grant-stops", tags=["benefits"])


class StopRequest(BaseModel):
    """What is to stop, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"scope": "benefit:gold-coupon", "reason": "it takes off too much"}]},
    )

    scope: str = Field(description="`*`, `benefit:NAME`, `budget:NAME`, `campaign:NAME` or `bulk:ID`.")
    reason: Words


@router.get("", responses=STOPS, summary="What is stopped", dependencies=[allow(Permission.READ_BENEFITS)])
def list_stops(system: SystemDep) -> Response:
    """The latest first."""
    return answer({"grant_stops": [_shown(view) for view in system.benefits.stops.all()], "next_cursor": None})


@router.post("", status_code=201, responses=with_status(201, STOP), summary="Stop granting")
def stop_grants(
    system: SystemDep, call: Annotated[Write, write(Permission.STOP_GRANTS)], wanted: StopRequest
) -> Response:
    """Needs no approval. Once it has answered, nothing of the scope is granted; what was granted can be redeemed."""
    named = {"reason": wanted.reason, "command_id": call.command_id}
    return call.answer(lambda: _shown(system.benefits.stop_grants(wanted.scope, call.actor, **named)), 201)


# A campaign's name may hold a slash.
@router.delete("/{scope:path}", responses=LIFTED, summary="Lift a stop")
def lift_stop(
    system: SystemDep,
    scope: str,
    call: Annotated[Write, write(Permission.LIFT_STOPS)],
    reason: Annotated[str, Query(max_length=LONGEST, description="Kept with the event.")] = "",
) -> Response:
    """Other stops that hold the same still do."""
    named = {"reason": reason, "command_id": call.command_id}
    return call.answer(lambda: {"scope": scope, "position": system.benefits.lift_stop(scope, call.actor, **named)})


def _shown(view: StopView) -> dict[str, Any]:
    return {
        "scope": view.scope,
        "stopped_by": view.stopped_by,
        "stopped_at": instant_text(view.stopped_at),
        "reason": view.reason,
    }
