"""Schemes as a whole: how many users stand on each tier."""

from collections.abc import Sequence
from typing import Annotated, Any

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
    scope: Annotated[
        str | None,
        Query(min_length=1, description="Of a scheme with `per`: this merchant alone. Without it all scopes together."),
    ] = None,
) -> Response:
    """Every tier of the scheme, with 0 for an empty one. Of a scheme with `per`, a user counts once in every scope."""
    asked = {"scheme": scheme} | ({} if scope is None else {"scope": scope})
    if as_of is not None:
        found = await run_in_threadpool(system.ledger.distribution, scheme, as_of, scope)
        past = {"as_of": instant_text(found.as_of), "tiers": found.tiers, "position": found.position}
        return answer(asked | past | {"lag_events": 0, "lag_seconds": 0.0})
    shape = await run_in_threadpool(system.ledger.shape_of, scheme, scope)
    lag = await request.app.state.lags.of("user_card")
    present = asked | {
        "as_of": instant_text(await run_in_threadpool(system.clock.now)),
        "tiers": await run_in_threadpool(_counts, system, scheme, scope, shape.tiers),
        "position": lag.position if lag else 0,
        "lag_events": lag.lag_events if lag else None,
        "lag_seconds": lag.lag_seconds if lag else None,
    }
    return answer(present)


def _counts(system: Any, scheme: str, scope: str | None, tiers: Sequence[str]) -> dict[str, int]:
    if scope is not None:
        counts: dict[str, int] = system.cards.scope_counts(scheme, scope, tiers)
        return counts
    return dict.fromkeys(tiers, 0) | system.cards.counts().get(scheme, {})
