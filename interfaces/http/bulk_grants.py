"""Bulk grants: one benefit to many."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.exceptions import HTTPException
from starlette.responses import Response

from application.access import Permission, Role
from application.bulk_grants.listing import ListFormat, listed, listed_ids
from application.bulk_grants.ports import BulkGrantView, BulkWanted
from domain.benefits.granting import LONGEST_TEXT
from domain.bulk_grants.refusals import MembersUnclear
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.body import Lines
from interfaces.http.bulk_grant_examples import BULK_GRANT, BULK_GRANTS, LIST_BODY
from interfaces.http.examples import with_status
from interfaces.http.system import SystemDep
from interfaces.http.users import GivenUserId
from interfaces.http.writes import Write, media_type_of, write

router = APIRouter(prefix="/v1/bulk-grants", tags=["bulk grants"])

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
_FORMATS: dict[str, ListFormat] = {
    "text/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
}


class BulkGrantRequest(BaseModel):
    """What to give, and to whom: those of a condition, or those of a list."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"benefit": "coupon-10", "units": 1, "reason": "spring", "where": "tier.value = 'high' and tag('vip')"}
            ]
        },
    )

    benefit: Text
    units: StrictInt = Field(1, description="For each of them.")
    reason: Text = Field("", description="Kept with every grant.")
    budgets: list[Text] = Field([], max_length=10, description="Charged besides the benefit's own.")
    campaign: Text = ""
    where: str | None = Field(None, max_length=10_000, description="A condition, as a segment's; '' is everybody.")
    user_ids: list[GivenUserId] | None = Field(
        None, max_length=100_000, description="More go as a stream, see `/lists`."
    )


class Reason(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "the wrong coupon"}]})

    reason: str = ""


class Note(BaseModel):
    """What goes with it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"note": "as agreed on Monday"}]})

    note: str = ""


def _lines(request: Request) -> tuple[Lines, ListFormat]:
    media_type = media_type_of(request)
    if media_type not in _FORMATS:
        raise HTTPException(415, f"{media_type!r} is not understood here: send text/csv or application/x-ndjson.")
    return Lines(request), _FORMATS[media_type]


@router.post("", status_code=202, responses=with_status(202, BULK_GRANT), summary="Plan a bulk grant")
def plan(
    system: SystemDep, call: Annotated[Write, write(Permission.GRANT_IN_BULK)], wanted: BulkGrantRequest
) -> Response:
    """Its members are fixed now; a worker previews it (`previewing`, then `previewed`). Nothing is granted before it is
    started."""
    if (wanted.where is None) == (wanted.user_ids is None):
        raise MembersUnclear

    def act() -> dict[str, Any]:
        whom = None if wanted.user_ids is None else listed_ids(wanted.user_ids)
        source: dict[str, Any] = {"where": wanted.where} if whom is None else {"listed": len(wanted.user_ids or ())}
        asked = BulkWanted(wanted.benefit, source, wanted.units, wanted.reason, tuple(wanted.budgets), wanted.campaign)
        return bulk_grant_json(system.bulk_grants.plan(asked, whom, call.actor, command_id=call.command_id))

    return call.answer(act, 202)


@router.post(
    "/lists",
    status_code=202,
    responses=with_status(202, BULK_GRANT),
    openapi_extra=LIST_BODY,
    summary="Plan a bulk grant to a list of any length",
)
def plan_list(
    system: SystemDep,
    call: Annotated[Write, write(Permission.GRANT_IN_BULK, whole_body=False)],
    sent: Annotated[tuple[Lines, ListFormat], Depends(_lines)],
    benefit: Annotated[str, Query(max_length=LONGEST_TEXT)],
    units: Annotated[int, Query()] = 1,
    reason: Annotated[str, Query(max_length=LONGEST_TEXT)] = "",
    budget: Annotated[list[str], Query(max_length=10)] = [],  # noqa: B006  (FastAPI copies it)
    campaign: Annotated[str, Query(max_length=LONGEST_TEXT)] = "",
) -> Response:
    """CSV with a column user_id (or one column without a heading), or NDJSON: a user id, or an object with user_id, a
    line. Lines that name nobody are reported with their numbers and cost nothing else."""

    def act() -> dict[str, Any]:
        lines, written = sent
        asked = BulkWanted(benefit, {"listed": written}, units, reason, tuple(budget), campaign)
        found = system.bulk_grants.plan(asked, listed(lines, written), call.actor, command_id=call.command_id)
        return bulk_grant_json(found)

    return call.answer(act, 202)


@router.get("", responses=BULK_GRANTS, summary="Bulk grants", dependencies=[allow(Permission.READ_HISTORY)])
def list_bulk_grants(
    system: SystemDep,
    size: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Response:
    """The latest first, each without its preview, faults and the reasons of what was skipped."""
    found, after = system.bulk_grants.store.latest(cursor, size)
    return answer({"bulk_grants": [bulk_grant_json(view) for view in found], "next_cursor": after})


@router.get("/{id}", responses=BULK_GRANT, summary="One bulk grant", dependencies=[allow(Permission.READ_HISTORY)])
def show(system: SystemDep, id: str) -> Response:
    """With its preview, and how far it is."""
    return answer(bulk_grant_json(system.bulk_grants.store.get(id)))


@router.post("/{id}/approve", responses=BULK_GRANT, summary="Approve a bulk grant")
def approve(
    system: SystemDep,
    id: str,
    call: Annotated[Write, write(Permission.APPROVE_BULK_GRANTS)],
    told: Note | None = None,
) -> Response:
    """As it was previewed. Not one's own."""
    note = (told or Note()).note
    return _changed(call, lambda: system.bulk_grants.approve(id, call.actor, note=note, command_id=call.command_id))


@router.post("/{id}/reject", responses=BULK_GRANT, summary="Reject a bulk grant")
def reject(
    system: SystemDep, id: str, call: Annotated[Write, write(Permission.APPROVE_BULK_GRANTS)], told: Reason
) -> Response:
    """For good."""
    return _changed(
        call, lambda: system.bulk_grants.reject(id, call.actor, reason=told.reason, command_id=call.command_id)
    )


@router.post("/{id}/start", responses=BULK_GRANT, summary="Start a bulk grant")
def start(system: SystemDep, id: str, call: Annotated[Write, write(Permission.GRANT_IN_BULK)]) -> Response:
    """Once as many have agreed as its cost asks for. Workers grant it; `progress` says how far they are."""
    as_admin = call.caller.role is Role.ADMIN
    return _changed(
        call, lambda: system.bulk_grants.start(id, call.actor, as_admin=as_admin, command_id=call.command_id)
    )


@router.post("/{id}/pause", responses=BULK_GRANT, summary="Pause a bulk grant")
def pause(
    system: SystemDep,
    id: str,
    call: Annotated[Write, write(Permission.HOLD_BULK_GRANTS)],
    told: Reason | None = None,
) -> Response:
    """When this is answered nothing more is being granted."""
    reason = (told or Reason()).reason
    return _changed(call, lambda: system.bulk_grants.pause(id, call.actor, reason=reason, command_id=call.command_id))


@router.post("/{id}/resume", responses=BULK_GRANT, summary="Resume a bulk grant")
def resume(system: SystemDep, id: str, call: Annotated[Write, write(Permission.GRANT_IN_BULK)]) -> Response:
    """From where it was."""
    return _changed(call, lambda: system.bulk_grants.resume(id, call.actor, command_id=call.command_id))


@router.post("/{id}/cancel", responses=BULK_GRANT, summary="Cancel a bulk grant")
def cancel(
    system: SystemDep,
    id: str,
    call: Annotated[Write, write(Permission.HOLD_BULK_GRANTS)],
    told: Reason | None = None,
) -> Response:
    """Nothing more of it is granted, ever. What was granted stays; `revert` takes it back."""
    reason = (told or Reason()).reason
    return _changed(call, lambda: system.bulk_grants.cancel(id, call.actor, reason=reason, command_id=call.command_id))


@router.post("/{id}/revert", responses=BULK_GRANT, summary="Revert a bulk grant")
def revert(
    system: SystemDep, id: str, call: Annotated[Write, write(Permission.GRANT_IN_BULK)], told: Reason
) -> Response:
    """Revokes what is unredeemed of it. A paused, cancelled or finished one; workers do it."""
    return _changed(
        call, lambda: system.bulk_grants.revert(id, call.actor, reason=told.reason, command_id=call.command_id)
    )


def bulk_grant_json(view: BulkGrantView) -> dict[str, Any]:
    """As it is shown."""
    progress = view.progress
    return {
        "id": view.run_id,
        "state": view.state,
        "because": view.because,
        "benefit": view.benefit,
        "benefit_version": view.benefit_version,
        "units": view.units,
        "unit_cost": view.unit_cost,
        "currency": view.currency,
        "reason": view.reason,
        "budgets": view.budgets,
        "campaign": view.campaign,
        "source": view.source,
        "people": view.people,
        "unknown": view.unknown,
        "faults": view.faults,
        "planned_by": view.planned_by,
        "planned_at": instant_text(view.planned_at),
        "preview": view.preview,
        "approvals_needed": view.approvals_needed,
        "approved_by": view.approved_by,
        "approvals_skipped": view.approvals_skipped,
        "progress": {
            "granted": progress.granted,
            "skipped": progress.skipped,
            "left": progress.left,
            "cost": progress.cost,
            "a_second": progress.a_second,
            "reverting": {
                "looked_at": progress.looked_at,
                "revoked": progress.reverted,
                "units": progress.reverted_units,
            },
        },
        "story": view.story,
    }


def _changed(call: Write, change: Callable[[], BulkGrantView]) -> Response:
    return call.answer(lambda: bulk_grant_json(change()))
