"""Schemes as a whole: how many users stand on each tier."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from application.access import Permission
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.examples import DISTRIBUTION
from interfaces.http.instants import Instant
from interfaces.http.system import SystemDep

router = APIRouter(prefix="/v1/schemes", tags=["schemes"])


@router.get(
    "/{scheme}/distribution",
    responses=DISTRIBUTION,
    summary="Users per tier",
    dependencies=[allow(Permission.SEARCH)],
)
async def read_distribution(
    request: Request,
    system: SystemDep,
    scheme: str,
    as_of: Annotated[
        Instant, Query(description="Out of the log, slower; the present out of Redis when left out.")
    ] = None,
) -> Response:
    """Every tier of the scheme, with 0 for an empty one."""
    if as_of is not None:
        found = await run_in_threadpool(system.ledger.distribution, scheme, as_of)
        past = {"scheme": scheme, "as_of": instant_text(found.as_of), "tiers": found.tiers, "position": found.position}
        return answer(past | {"lag_events": 0, "lag_seconds": 0.0})
    tiers = await run_in_threadpool(system.ledger.tiers_of, scheme)
    lag = await request.app.state.lags.of("user_card")
    counts = (await run_in_threadpool(system.cards.counts)).get(scheme, {})
    present = {
        "scheme": scheme,
        "as_of": instant_text(await run_in_threadpool(system.clock.now)),
        "tiers": dict.fromkeys(tiers, 0) | counts,
        "position": lag.position if lag else 0,
        "lag_events": lag.lag_events if lag else None,
        "lag_seconds": lag.lag_seconds if lag else None,
    }
    return answer(present)
