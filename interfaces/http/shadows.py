"""Candidates decided beside the versions in force."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from application.access import Permission
from application.shadow.shown import difference_json, status_json
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.definitions import Version
from interfaces.http.model_examples import DIFFERENCES, SHADOW
from interfaces.http.previews import PreviewRequest
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/tier-models/{scheme}/versions/{version}/shadow", tags=["tier models"])

Shadower = Annotated[Write, write(Permission.PREVIEW_MODELS)]
Tier = Annotated[str | None, Query(description="Only who stands there.")]


@router.post("", responses=SHADOW, summary="Decide a version beside the one in force")
def start_shadow(
    system: SystemDep, scheme: str, version: Version, call: Shadower, wanted: PreviewRequest | None = None
) -> Response:
    """On every fact from now on, without effect. A scheme has one candidate at a time."""

    def act() -> dict[str, Any]:
        migration = None if wanted is None or wanted.migration is None else wanted.migration.value()
        system.start_shadow(scheme, version, call.actor, migration=migration, command_id=call.command_id)
        return _status(system, scheme, version)

    return call.answer(act)


@router.delete("", responses=SHADOW, summary="End a shadow run")
def stop_shadow(system: SystemDep, scheme: str, version: Version, call: Shadower) -> Response:
    """What was found stays to be read until another begins."""

    def act() -> dict[str, Any]:
        system.stop_shadow(scheme, version, call.actor, command_id=call.command_id)
        return _status(system, scheme, version)

    return call.answer(act)


@router.get("", responses=SHADOW, summary="How a candidate compares", dependencies=[allow(Permission.READ_MODELS)])
def read_shadow(system: SystemDep, scheme: str, version: Version) -> Response:
    """How many of those who came by since its start stand elsewhere by it, and how often each moved them."""
    return answer(_status(system, scheme, version))


@router.get(
    "/differences",
    responses=DIFFERENCES,
    summary="Where the two do not agree",
    dependencies=[allow(Permission.READ_HISTORY)],
)
def read_differences(
    system: SystemDep,
    scheme: str,
    version: Version,
    live_tier: Tier = None,
    shadow_tier: Tier = None,
    size: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Response:
    """User by user, the latest first, with the last receipt of each side."""
    page = system.show_shadow.differences(scheme, version, live_tier, shadow_tier, size, cursor)
    shown = [difference_json(one) for one in page.differences]
    return answer({"differences": shown, "next_cursor": page.next_cursor})


def _status(system: Any, scheme: str, version: int) -> dict[str, Any]:
    return status_json(system.show_shadow.status(scheme, version))
