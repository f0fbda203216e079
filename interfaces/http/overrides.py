"""Pins and freezes of one user, and the pins that wait for a second person."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission, Role
from application.overrides.place import Held
from application.overrides.ports import OverrideRequest, RequestStatus, Wanted
from domain.tier_model.reviewing import LONGEST
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.examples import HOLD, OVERRIDE_REQUEST, OVERRIDE_REQUESTS, PIN
from interfaces.http.instants import Instant
from interfaces.http.system import SystemDep
from interfaces.http.users import UserId
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1", tags=["users"])

Scheme = Annotated[str, Path(description="Of a scheme in force.", examples=["value"])]
Scope = Annotated[str, Query(description="Of a scheme that is kept per merchant: which one.")]
Holder = Annotated[Write, write(Permission.HOLD_TIERS)]
Words = Annotated[str, Field(max_length=LONGEST, description="Kept with the event.")]
WordsAsked = Annotated[str, Query(max_length=LONGEST, description="Kept with the event.")]
RequestId = Annotated[str, Path(description="As the request was answered.")]


class PinRequest(BaseModel):
    """Where somebody is to be held, for how long, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"tier": "high", "mode": "floor", "until": "2026-06-01T00:00:00Z", "reason": "a complaint of ours"}
            ]
        },
    )

    tier: str
    mode: Literal["exact", "floor", "ceiling"] = Field("exact", description="On it, not below it, not above it.")
    until: Instant = Field(None, description="When it ends by itself; never when left out.")
    reason: Words


class FreezeRequest(BaseModel):
    """For how long nothing is to move, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "under investigation"}]})

    until: Instant = Field(None, description="When it ends by itself; never when left out.")
    reason: Words


class NoteRequest(BaseModel):
    """What there is to say of a yes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "checked with the desk"}]})

    note: Words = ""


class ReasonRequest(BaseModel):
    """Why not."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "no order was late"}]})

    reason: Words


@router.put("/users/{user_id:path}/overrides/{scheme}", responses=PIN, summary="Pin a user's tier")
def pin_tier(
    system: SystemDep, user_id: UserId, scheme: Scheme, call: Holder, wanted: PinRequest, scope: Scope = ""
) -> Response:
    """Decided at this instant; another pin takes the place of one that is there. From the tier on that
    TIERLINE_OVERRIDE_APPROVAL_FROM names it waits for a second person."""
    pin = Wanted(user_id, scheme, wanted.tier, wanted.mode, wanted.reason, wanted.until, scope)

    def act() -> tuple[int, dict[str, Any]]:
        as_admin = call.caller.role is Role.ADMIN
        held = system.pin_tier(pin, call.actor, as_admin=as_admin, command_id=call.command_id)
        shown = _shown(system, user_id, scheme, scope, held) | {"tier": pin.tier, "mode": pin.mode}
        if held.request_id is None:
            return 200, shown
        return 202, shown | {"request_id": held.request_id, "status": "waiting"}

    return call.answer_as(act)


@router.delete("/users/{user_id:path}/overrides/{scheme}", responses=HOLD, summary="Lift a pin")
def unpin_tier(
    system: SystemDep, user_id: UserId, scheme: Scheme, call: Holder, scope: Scope = "", reason: WordsAsked = ""
) -> Response:
    """The standing that it covered returns. A pin that is not there is not lifted."""

    def act() -> dict[str, Any]:
        named = {"scope": scope, "reason": reason, "command_id": call.command_id}
        return _shown(system, user_id, scheme, scope, system.unpin_tier(user_id, scheme, call.actor, **named))

    return call.answer(act)


@router.put("/users/{user_id:path}/freezes/{scheme}", responses=HOLD, summary="Freeze a user's tier")
def freeze_standing(
    system: SystemDep, user_id: UserId, scheme: Scheme, call: Holder, wanted: FreezeRequest, scope: Scope = ""
) -> Response:
    """Nothing moves; what falls due meanwhile falls due at the end."""

    def act() -> dict[str, Any]:
        named = {"scope": scope, "reason": wanted.reason, "until": wanted.until, "command_id": call.command_id}
        return _shown(system, user_id, scheme, scope, system.freeze_standing(user_id, scheme, call.actor, **named))

    return call.answer(act)


@router.delete("/users/{user_id:path}/freezes/{scheme}", responses=HOLD, summary="End a freeze")
def unfreeze_standing(
    system: SystemDep, user_id: UserId, scheme: Scheme, call: Holder, scope: Scope = "", reason: WordsAsked = ""
) -> Response:
    """What fell due meanwhile falls due now. A freeze that is not there is not ended."""

    def act() -> dict[str, Any]:
        named = {"scope": scope, "reason": reason, "command_id": call.command_id}
        return _shown(system, user_id, scheme, scope, system.unfreeze_standing(user_id, scheme, call.actor, **named))

    return call.answer(act)


@router.get(
    "/override-requests",
    responses=OVERRIDE_REQUESTS,
    summary="Pins that wait, or waited, for approval",
    dependencies=[allow(Permission.READ_HISTORY)],
)
def list_requests(
    system: SystemDep,
    status: Annotated[RequestStatus | None, Query(description="Only these.")] = None,
    size: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """The latest first."""
    found = system.override_requests.list(status, size)
    return answer({"override_requests": [request_json(request) for request in found], "next_cursor": None})


@router.post("/override-requests/{request_id}/approve", responses=OVERRIDE_REQUEST, summary="Agree to a pin")
def approve_request(
    system: SystemDep,
    request_id: RequestId,
    call: Annotated[Write, write(Permission.APPROVE_OVERRIDES)],
    wanted: NoteRequest | None = None,
) -> Response:
    """The pin is put at this instant. Who asked for it cannot."""

    def act() -> dict[str, Any]:
        request, held = system.approve_override(request_id, call.actor, note=wanted.note if wanted else "")
        shown = _shown(system, request.wanted.user_id, request.wanted.scheme, request.wanted.scope, held)
        return request_json(request) | {"changed": shown["changed"], "position": shown["position"]}

    return call.answer(act)


@router.post("/override-requests/{request_id}/reject", responses=OVERRIDE_REQUEST, summary="Refuse a pin")
def reject_request(
    system: SystemDep,
    request_id: RequestId,
    call: Annotated[Write, write(Permission.APPROVE_OVERRIDES)],
    wanted: ReasonRequest,
) -> Response:
    """Nothing changes for the user."""
    return call.answer(lambda: request_json(system.reject_override(request_id, call.actor, reason=wanted.reason)))


def request_json(request: OverrideRequest) -> dict[str, Any]:
    """As it is shown."""
    wanted = request.wanted
    return {
        "request_id": request.request_id,
        "user_id": wanted.user_id,
        "scheme": wanted.scheme,
        "scope": wanted.scope,
        "mode": wanted.mode,
        "tier": wanted.tier,
        "until": instant_text(wanted.until),
        "reason": wanted.reason,
        "requested_by": request.requested_by,
        "requested_at": instant_text(request.requested_at),
        "status": request.status,
        "decided_by": request.decided_by,
        "decided_at": instant_text(request.decided_at),
        "note": request.note,
    }


def _shown(system: Any, user_id: str, scheme: str, scope: str, held: Held) -> dict[str, Any]:
    if held.changed:
        system.nudges.projectors()
    return {
        "user_id": user_id,
        "scheme": scheme,
        "scope": scope,
        "until": instant_text(held.until),
        "changed": held.changed,
        "position": held.position,
    }
