"""Whether this process lives, and whether all of its parts answer. Neither needs a key."""

from fastapi import APIRouter
from starlette.responses import Response

from interfaces.http.answers import answer
from interfaces.http.examples import READY
from interfaces.http.system import SystemDep

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="Whether the process lives", openapi_extra={"security": []})
async def read_liveness() -> Response:
    """Asks nothing of any part."""
    return answer({"status": "alive"})


@router.get("/readyz", responses=READY, summary="Whether every part answers", openapi_extra={"security": []})
def read_readiness(system: SystemDep) -> Response:
    """200 when all do, else 503; either way every part with what it says, and the remedy for one that is off, or that
    answers and has found a fault."""
    parts = system.health.parts()
    ready = all(part.status != "off" for part in parts)
    content = {"ready": ready, "parts": parts}
    return answer(content, 200 if ready else 503, None if ready else {"Retry-After": "2"})
