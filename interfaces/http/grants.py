"""Grants: benefits given to users, redeemed, revoked."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.responses import Response

from application.access import Permission
from application.benefits.grant_benefit import grant_id_of
from application.benefits.ports import Recorded
from application.benefits.shown import grant_json
from domain.benefits.grant import GrantStatus
from domain.benefits.granting import LONGEST_TEXT, GrantWanted
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.examples import with_status
from interfaces.http.grant_examples import GRANT, GRANTS, REDEMPTION, REVOKED
from interfaces.http.system import SystemDep
from interfaces.http.users import UserId
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1", tags=["grants"])

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
GrantId = Annotated[str, Path(description="As the grant was answered, or as the card shows it.")]


class GrantRequest(BaseModel):
    """What to give, how much of it, and what it is charged to and hangs on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"benefit": "coupon-10", "units": 2, "reason": "a late delivery"}]},
    )

    benefit: Text
    units: StrictInt = Field(1, description="Coupons, points, orders, pieces: what the benefit's kind counts.")
    reason: Text = Field("", description="Kept with the event.")
    order_id: Text = Field("", description="The order that it is granted for: its refund may take it back.")
    budgets: list[Text] = Field([], max_length=10, description="Charged besides the benefit's own.")
    campaign: Text = ""
    strategy: Text = ""
    assignment_id: Text = ""


class RedemptionRequest(BaseModel):
    """How much of the grant is used, and on which order."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"units": 1, "order_id": "order-1002"}]})

    units: StrictInt | None = Field(None, description="All that is left when left out.")
    order_id: Text = ""


@router.post(
    "/users/{user_id:path}/grants", status_code=201, responses=with_status(201, GRANT), summary="Grant a benefit"
)
def grant_benefit(
    system: SystemDep,
    user_id: UserId,
    call: Annotated[Write, write(Permission.GRANT_BENEFITS)],
    wanted: GrantRequest,
) -> Response:
    """By the version in force. Its cost and its units are set aside in the same transaction, or nothing is granted."""

    def act() -> dict[str, Any]:
        asked = GrantWanted(
            grant_id=grant_id_of(call.command_id),
            user_id=user_id,
            actor=call.actor,
            command_id=call.command_id,
            **wanted.model_dump() | {"budgets": tuple(wanted.budgets)},
        )
        return _recorded(system, system.grants.grant(asked))

    return call.answer(act, 201)


@router.get(
    "/users/{user_id:path}/grants",
    responses=GRANTS,
    summary="A user's grants",
    dependencies=[allow(Permission.READ_USERS)],
)
def list_grants(
    system: SystemDep,
    user_id: UserId,
    status: Annotated[GrantStatus | None, Query(description="Only these.")] = None,
    size: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Response:
    """From the ledger, the latest first."""
    found, after = system.grants.queries.grants_of(user_id, status, cursor, size)
    shown = [grant_json(grant) for grant in found]
    return answer({"user_id": user_id, "grants": shown, "next_cursor": after, "position": system.tail.head()})


@router.get("/grants/{grant_id}", responses=GRANT, summary="One grant", dependencies=[allow(Permission.READ_USERS)])
def show_grant(system: SystemDep, grant_id: GrantId) -> Response:
    """As it stands in the ledger."""
    user_id, grant = system.grants.queries.grant(grant_id)
    return answer({"user_id": user_id, **grant_json(grant), "position": system.tail.head()})


@router.post(
    "/grants/{grant_id}/redemptions",
    status_code=201,
    responses=with_status(201, REDEMPTION),
    summary="Redeem a grant",
)
def redeem_grant(
    system: SystemDep,
    grant_id: GrantId,
    call: Annotated[Write, write(Permission.REDEEM_GRANTS)],
    wanted: RedemptionRequest | None = None,
) -> Response:
    """Whole or in part, as the version that it was given under allows. Send an Idempotency-Key: the same key redeems
    once."""
    asked = wanted or RedemptionRequest()

    def act() -> dict[str, Any]:
        named = {"units": asked.units, "order_id": asked.order_id, "command_id": call.command_id}
        found = system.grants.redeem(grant_id, call.actor, **named)
        return _recorded(system, found) | {"redeemed_now": found.moved}

    return call.answer(act, 201)


@router.delete("/grants/{grant_id}", responses=REVOKED, summary="Revoke a grant")
def revoke_grant(
    system: SystemDep,
    grant_id: GrantId,
    call: Annotated[Write, write(Permission.REVOKE_GRANTS)],
    reason: Annotated[str, Query(max_length=LONGEST_TEXT, description="Kept with the event.")] = "",
) -> Response:
    """What is left of it is released; what was redeemed stays."""

    def act() -> dict[str, Any]:
        found = system.grants.revoke(grant_id, call.actor, reason=reason, command_id=call.command_id)
        return _recorded(system, found) | {"released_now": found.moved}

    return call.answer(act)


def _recorded(system: Any, found: Recorded) -> dict[str, Any]:
    if not found.replayed:
        system.nudges.projectors()
    return {"user_id": found.user_id, **grant_json(found.grant), "position": found.position}
