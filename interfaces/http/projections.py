"""Read models: how far each is, and what can be done with one."""

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.responses import Response

from application.access import Permission
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.examples import PROJECTION, PROJECTIONS, with_status
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/projections", tags=["projections"])


@router.get("", responses=PROJECTIONS, summary="Every read model", dependencies=[allow(Permission.WATCH)])
def list_projections(system: SystemDep) -> Response:
    """Lag in events and seconds, status, and the users that are parked with the reason."""
    statuses = system.read_models.status()
    return answer({"projections": statuses, "position": max((one.head for one in statuses), default=0)})


@router.post(
    "/{name}/rebuild", status_code=202, responses=with_status(202, PROJECTION), summary="Build a read model anew"
)
def rebuild(system: SystemDep, name: str, call: Annotated[Write, write(Permission.RUN_PROJECTIONS)]) -> Response:
    """Beside the one in use, by the workers; readers switch when it has caught up."""

    def act() -> dict[str, Any]:
        return {"name": name, "building": system.read_models.start_rebuild(name), "position": _head(system)}

    return call.answer(act, 202)


@router.post("/{name}/pause", responses=PROJECTION, summary="Let a read model stand still")
def pause(system: SystemDep, name: str, call: Annotated[Write, write(Permission.RUN_PROJECTIONS)]) -> Response:
    """It goes on answering, and its lag grows."""

    def act() -> dict[str, Any]:
        system.read_models.pause(name)
        return {"name": name, "status": "paused", "position": _head(system)}

    return call.answer(act)


@router.post("/{name}/resume", responses=PROJECTION, summary="Let a read model go on")
def resume(system: SystemDep, name: str, call: Annotated[Write, write(Permission.RUN_PROJECTIONS)]) -> Response:
    """And try its parked users again."""

    def act() -> dict[str, Any]:
        freed = system.read_models.resume(name)
        return {"name": name, "status": "serving", "freed": freed, "position": _head(system)}

    return call.answer(act)


def _head(system: Any) -> int:
    return int(system.tail.head())
