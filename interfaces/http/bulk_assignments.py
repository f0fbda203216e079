"""A strategy for many at once, and what it would do: looked at, run, rested, broken off, taken back."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission, Role
from application.strategies.bulk_ports import BulkAssignment, BulkWanted
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.definitions import Words
from interfaces.http.examples import with_status
from interfaces.http.strategy_examples import BULK, BULKS
from interfaces.http.system import SystemDep
from interfaces.http.users import GivenUserId
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1", tags=["strategies"])

Doer = Annotated[Write, write(Permission.RUN_STRATEGIES)]
BulkId = Annotated[str, Path(description="As the preview was answered.")]
_MAY_READ = [allow(Permission.READ_HISTORY)]


class BulkAssignmentRequest(BaseModel):
    """Which strategy, and for whom."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"strategy": "win-back", "where": "tier.value = 'high' and recency > 30"}]},
    )

    strategy: str = Field(max_length=63)
    where: str = Field("", max_length=10_000, description="A segment's condition: whoever matches when it is run.")
    segment: str = Field("", max_length=64, description="Or a saved segment, whose condition is taken as it is now.")
    user_ids: list[GivenUserId] | None = Field(None, max_length=1_000_000, description="Or a list.")
    arm: str | None = Field(None, max_length=32, description="Drawn when left out.")
    reason: Words = ""


@router.post(
    "/strategies/{strategy}/dry-run",
    status_code=202,
    responses=with_status(202, BULK),
    summary="Whom a strategy would reach",
)
def dry_run(system: SystemDep, strategy: str, call: Annotated[Write, write(Permission.DEFINE_STRATEGIES)]) -> Response:
    """Its audience as it is now: how many with which arm, whom not and why, at what cost. Made by the workers; nothing
    is done to anybody."""
    return call.answer(lambda: _shown(system, system.strategies.bulk.dry_run(strategy, call.actor)), 202)


@router.post(
    "/bulk-assignments", status_code=201, responses=with_status(201, BULK), summary="Look at a bulk assignment"
)
def preview_bulk_assignment(system: SystemDep, call: Doer, wanted: BulkAssignmentRequest) -> Response:
    """Whom it would take in, how and at what cost, and whom not and why: made by the workers. Nothing is done yet."""

    def act() -> dict[str, Any]:
        by_list = wanted.user_ids is not None
        asked = BulkWanted(wanted.strategy, wanted.where, by_list, wanted.arm, wanted.reason, segment=wanted.segment)
        return _shown(system, system.strategies.bulk.preview(asked, call.actor, wanted.user_ids))

    return call.answer(act, 201)


@router.get("/bulk-assignments", responses=BULKS, summary="The latest bulk assignments", dependencies=_MAY_READ)
def list_bulk_assignments(system: SystemDep) -> Response:
    """A hundred, the latest first; rounds of schedules among them."""
    shown = [_shown(system, bulk) for bulk in system.strategies.bulk.latest()]
    return answer({"bulk_assignments": shown, "next_cursor": None})


@router.get("/bulk-assignments/{bulk_id}", responses=BULK, summary="How far one is", dependencies=_MAY_READ)
def read_bulk_assignment(system: SystemDep, bulk_id: BulkId) -> Response:
    """Its state, what it would do, and what it has done so far."""
    return answer(_shown(system, system.strategies.bulk.get(bulk_id)))


@router.post(
    "/bulk-assignments/{bulk_id}/run", status_code=202, responses=with_status(202, BULK), summary="Run, or go on"
)
def run_bulk_assignment(system: SystemDep, bulk_id: BulkId, call: Doer) -> Response:
    """The workers do it. From a set number of users on another person than who asked for it lets it run."""
    as_admin = call.caller.role is Role.ADMIN
    return call.answer(lambda: _shown(system, system.strategies.bulk.run(bulk_id, call.actor, as_admin=as_admin)), 202)


@router.post("/bulk-assignments/{bulk_id}/pause", responses=BULK, summary="Let it rest")
def pause_bulk_assignment(system: SystemDep, bulk_id: BulkId, call: Doer) -> Response:
    """What is done stays done; run lets it go on."""
    return call.answer(lambda: _shown(system, system.strategies.bulk.pause(bulk_id)))


@router.post("/bulk-assignments/{bulk_id}/cancel", responses=BULK, summary="Break it off")
def cancel_bulk_assignment(system: SystemDep, bulk_id: BulkId, call: Doer) -> Response:
    """What is done stays done; it can be run on, or reverted."""
    return call.answer(lambda: _shown(system, system.strategies.bulk.cancel(bulk_id)))


@router.post(
    "/bulk-assignments/{bulk_id}/revert", status_code=202, responses=with_status(202, BULK), summary="Take it back"
)
def revert_bulk_assignment(system: SystemDep, bulk_id: BulkId, call: Doer) -> Response:
    """Ends the assignments that it made and that go on; what was still to be done for users is not done."""
    return call.answer(lambda: _shown(system, system.strategies.bulk.revert(bulk_id, call.actor)), 202)


def _shown(system: Any, bulk: BulkAssignment) -> dict[str, Any]:
    shown: dict[str, Any] = system.strategies.bulk.shown(bulk)
    return shown
