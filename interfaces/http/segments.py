"""Segments: who is in one, how many, and how they spread."""

import re
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from application.access import Permission
from application.queries import Direction, Holding, ScopedTier, in_strategy
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.examples import SEGMENT
from interfaces.http.freshness import (
    DEFAULT_WAIT_SECONDS,
    AtLeast,
    Wait,
    answered_position,
    at_least_header,
    everybodys,
    indexed,
)
from interfaces.http.system import SystemDep

router = APIRouter(prefix="/v1/segments", tags=["segments"])

_SORT = re.compile(r"(-?)([A-Za-z_][\w.\-]*)(?:[ :](asc|desc))?")


class SortField(BaseModel):
    """A field and its order."""

    model_config = ConfigDict(extra="forbid")

    field: str
    order: Direction = "asc"


def _fields(sort: Any) -> Any:
    """What may be written shorter, a single field or texts, as a list of SortFields."""
    return [_sorted_by(field) for field in sort] if isinstance(sort, list) else [_sorted_by(sort)]


def _sorted_by(field: Any) -> Any:
    if isinstance(field, dict | SortField):
        return field
    match = _SORT.fullmatch(field.strip()) if isinstance(field, str) else None
    if match is None or (match[1] and match[3]):
        raise ValueError('give a field, with a minus for the highest first, such as "-spend"')
    return SortField(field=match[2], order="desc" if match[1] or match[3] == "desc" else "asc")


SortFields = Annotated[list[SortField], BeforeValidator(_fields, json_schema_input_type=str | list[str | SortField])]


class Scoped(BaseModel):
    """A standing on a scheme that is kept per merchant."""

    model_config = ConfigDict(extra="forbid")

    scheme: str
    scope: str = Field(min_length=1, description="The merchant, or whatever the model's `per` names.")
    tier: str | None = Field(None, min_length=1, description="Any tier when left out.")


class SegmentQuery(BaseModel):
    """Whom to find."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "where": "tier.value = 'high' and spend >= money(1000.00) and tag('vip')",
                    "sort": ["-spend"],
                    "size": 50,
                    "facets": ["tier.activity", "tags", "attributes.age_band"],
                }
            ]
        },
    )

    where: str | None = Field(
        None,
        max_length=10_000,
        description="A condition over `tier.SCHEME`, `SCHEME.FEATURE` (or `FEATURE` where only one scheme has it) and "
        "`tag('x')`; everybody when left out.",
    )
    scoped: list[Scoped] = Field(
        default=[],
        max_length=20,
        description="Standings with merchants that they must have as well; `where` does not name such schemes.",
    )
    benefits: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        default=[], max_length=20, description="Benefits of which they must have something left, each of them."
    )
    strategies: list[Annotated[str, Field(min_length=1, max_length=96)]] = Field(
        default=[],
        max_length=20,
        description="Strategies that they must be in, each of them: `STRATEGY`, in an arm `STRATEGY/ARM`, held out "
        "`STRATEGY/`.",
    )
    sort: SortFields = Field(
        default=[], description='Fields; a minus, or `{"field", "order"}`, turns one round. Users without it come last.'
    )
    size: StrictInt = Field(50, ge=0, le=1_000)
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")
    facets: list[str] = Field(
        default=[], max_length=20, description="`tier.SCHEME`, `tags`, `attributes.NAME` or a feature that is a label."
    )


@router.post("/search", responses=SEGMENT, summary="Search a segment", dependencies=[allow(Permission.SEARCH)])
async def search(
    request: Request,
    system: SystemDep,
    wanted: SegmentQuery,
    at_least: AtLeast = None,
    wait: Wait = DEFAULT_WAIT_SECONDS,
) -> Response:
    """Users and counts, out of OpenSearch. `at_least` waits for everybody's decisions."""
    lags = request.app.state.lags
    reached = await everybodys(system, indexed(system), at_least, wait)
    lag = await lags.of("user_search")
    page = await run_in_threadpool(
        system.search_segment,
        wanted.where,
        [(one.field, one.order) for one in wanted.sort],
        wanted.size,
        wanted.cursor,
        wanted.facets,
        [
            *(ScopedTier(one.scheme, one.scope, one.tier) for one in wanted.scoped),
            *(Holding("benefits", name) for name in wanted.benefits),
            *(in_strategy(text) for text in wanted.strategies),
        ],
    )
    content = {
        "total": page.total,
        "users": page.users,
        "facets": page.facets,
        "next_cursor": page.next_cursor,
        "position": answered_position(lag.position if lag else 0, at_least, reached),
        "lag_events": lag.lag_events if lag else None,
        "lag_seconds": lag.lag_seconds if lag else None,
    }
    return answer(content, headers=at_least_header(at_least, reached))
