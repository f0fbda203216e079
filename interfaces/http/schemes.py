"""Schemes as a whole: how many users stand on each tier, who went where, and how good the rules are."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from application.access import Permission
from application.scheme_answers import asked_of, distribution_json, flows_json
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.examples import DISTRIBUTION, FLOWS
from interfaces.http.freshness import (
    DEFAULT_WAIT_SECONDS,
    AtLeast,
    Wait,
    answered_position,
    at_least_header,
    everybodys,
)
from interfaces.http.instants import Instant, RequiredInstant
from interfaces.http.system import SystemDep

router = APIRouter(prefix="/v1/schemes", tags=["schemes"])

Scope = Annotated[
    str | None,
    Query(min_length=1, description="Of a scheme with `per`: this merchant alone. Without it all scopes together."),
]
KnownAt = Annotated[
    Instant, Query(description="By what was recorded until then; by all that is, when left out. Out of the log.")
]


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
    known_at: KnownAt = None,
    scope: Scope = None,
    at_least: AtLeast = None,
    wait: Wait = DEFAULT_WAIT_SECONDS,
) -> Response:
    """Every tier of the scheme, with 0 for an empty one. Of a scheme with `per`, a user counts once in every scope."""
    if as_of is not None or known_at is not None:
        reached = await everybodys(system, None, at_least, wait)
        found = await run_in_threadpool(system.ledger.distribution, scheme, as_of, scope, known_at)
        return _out_of_the_log(distribution_json(found), at_least, reached)
    shape = await run_in_threadpool(system.ledger.shape_of, scheme, scope)
    reached = await everybodys(system, request.app.state.lags.cards, at_least, wait)
    lag = await request.app.state.lags.of("user_card")
    present = {
        **asked_of(scheme, scope),
        "as_of": instant_text(await run_in_threadpool(system.clock.now)),
        "tiers": await run_in_threadpool(_counts, system, scheme, scope, shape.tiers),
        "position": answered_position(lag.position if lag else 0, at_least, reached),
        "lag_events": lag.lag_events if lag else None,
        "lag_seconds": lag.lag_seconds if lag else None,
    }
    return answer(present, headers=at_least_header(at_least, reached))


@router.get(
    "/{scheme}/flows",
    responses=FLOWS,
    summary="Who went from which tier to which",
    dependencies=[allow(Permission.SEARCH)],
)
async def read_flows(
    system: SystemDep,
    scheme: str,
    since: Annotated[RequiredInstant, Query(alias="from", description="Where they stood then, …")],
    until: Annotated[Instant, Query(alias="to", description="… and where they stand then; now when left out.")] = None,
    known_at: KnownAt = None,
    scope: Scope = None,
    at_least: AtLeast = None,
    wait: Wait = DEFAULT_WAIT_SECONDS,
) -> Response:
    """`flows`: users by where they stood at `from` and stand at `to`, those who stayed among them; `from` is null for
    who had no tier yet. `moves`: every change of tier on the way."""
    reached = await everybodys(system, None, at_least, wait)
    found = await run_in_threadpool(system.ledger.flows, scheme, since, until, scope, known_at)
    return _out_of_the_log(flows_json(found), at_least, reached)


def _out_of_the_log(shown: dict[str, Any], at_least: int | None, reached: bool) -> Response:
    covered = {"position": answered_position(shown["position"], at_least, reached)}
    return answer(shown | covered | {"lag_events": 0, "lag_seconds": 0.0}, headers=at_least_header(at_least, reached))


def _counts(system: Any, scheme: str, scope: str | None, tiers: Sequence[str]) -> dict[str, int]:
    if scope is not None:
        counts: dict[str, int] = system.cards.scope_counts(scheme, scope, tiers)
        return counts
    return dict.fromkeys(tiers, 0) | system.cards.counts().get(scheme, {})
