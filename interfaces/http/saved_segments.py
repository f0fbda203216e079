"""Segments under a name: defined, revised, retired, read, and all their members as a stream."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from application.access import Permission
from application.definitions.ports import DefinitionView
from domain.segments.definition import ScopedStanding, SegmentSpec
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.definition_examples import MEMBERS, SAVED_SEGMENT, SAVED_SEGMENTS
from interfaces.http.examples import with_status
from interfaces.http.freshness import (
    DEFAULT_WAIT_SECONDS,
    AtLeast,
    Wait,
    answered_position,
    at_least_header,
    everybodys,
    indexed,
)
from interfaces.http.segments import Scoped
from interfaces.http.system import SystemDep
from interfaces.http.tag_definitions import Coverage, Definer, RetireBody, how_fresh
from interfaces.members import csv_texts, ndjson_texts

router = APIRouter(prefix="/v1/segments", tags=["segments"])

Name = Annotated[str, Path(description="Of a saved segment.", examples=["sleeping-vips"])]
_MAY_READ = [allow(Permission.READ_TAGS)]
_MAY_SEARCH = [allow(Permission.SEARCH)]
_CSV, _NDJSON = "text/csv", "application/x-ndjson"


class SegmentBody(BaseModel):
    """What is said of a segment."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "owner": "crm",
                    "meaning": "High once, away for a month.",
                    "where": "tier.value = 'high' and recency > 30",
                    "labels": {"zh-CN": "沉睡高价值"},
                }
            ]
        },
    )

    owner: str
    meaning: str
    where: str = Field("", max_length=10_000, description="A condition; everybody when left out.")
    scoped: list[Scoped] = Field(default=[], max_length=20, description="Standings with merchants, as in a search.")
    labels: dict[str, str] = Field(default={}, description="What people read, in `zh-CN` and `en`.")

    def spec(self) -> SegmentSpec:
        """As a value of the domain."""
        scoped = tuple(ScopedStanding(one.scheme, one.scope, one.tier) for one in self.scoped)
        return SegmentSpec(self.owner, self.meaning, self.where, scoped, dict(self.labels))


class NewSegmentBody(SegmentBody):
    """The same, with the segment's name."""

    name: str = Field(description="1 to 64 letters, digits, _ and -.")


@router.post("", status_code=201, responses=with_status(201, SAVED_SEGMENT), summary="Save a segment")
def define_segment(system: SystemDep, call: Definer, wanted: NewSegmentBody) -> Response:
    """Its condition is held against what may be named now; a fault is told with line and column."""
    define = system.segments.define
    return call.answer(
        lambda: _shown(system, *define(wanted.name, wanted.spec(), call.actor, command_id=call.command_id)), 201
    )


@router.get("", responses=SAVED_SEGMENTS, summary="All saved segments", dependencies=_MAY_READ)
def list_segments(system: SystemDep, coverage: Coverage = False) -> Response:
    """Retired ones, too."""
    fresh = how_fresh(system, coverage)
    views = system.segments.list()
    shown = [system.segments.shown(view, coverage=coverage and not view.retired) for view in views]
    return answer({"segments": shown, "next_cursor": None, **fresh})


@router.get("/{name}", responses=SAVED_SEGMENT, summary="A saved segment", dependencies=_MAY_READ)
def read_segment(system: SystemDep, name: Name, coverage: Coverage = True) -> Response:
    """As it stands, and how many users are in it now."""
    fresh = how_fresh(system, coverage)
    view = system.segments.find(name)
    return answer(system.segments.shown(view, coverage=coverage and not view.retired) | fresh)


@router.put("/{name}", responses=SAVED_SEGMENT, summary="Revise a saved segment")
def revise_segment(system: SystemDep, name: Name, call: Definer, wanted: SegmentBody) -> Response:
    """Says the whole of it anew; the same again changes nothing."""
    revise = system.segments.define.revise
    return call.answer(lambda: _shown(system, *revise(name, wanted.spec(), call.actor, command_id=call.command_id)))


@router.post("/{name}/retire", responses=SAVED_SEGMENT, summary="Retire a saved segment")
def retire_segment(system: SystemDep, name: Name, call: Definer, wanted: RetireBody | None = None) -> Response:
    """Its members are asked for no more."""
    reason, retire = "" if wanted is None else wanted.reason, system.segments.retire
    return call.answer(lambda: _shown(system, *retire(name, call.actor, reason=reason, command_id=call.command_id)))


@router.get(
    "/{name}/members",
    response_class=StreamingResponse,
    responses=MEMBERS,
    summary="Everybody in a saved segment",
    dependencies=_MAY_SEARCH,
)
async def read_members(
    system: SystemDep,
    request: Request,
    name: Name,
    format: Annotated[
        Literal["ndjson", "csv"] | None, Query(description="As `Accept` says when left out, or NDJSON.")
    ] = None,
    at_least: AtLeast = None,
    wait: Wait = DEFAULT_WAIT_SECONDS,
) -> Response:
    """As of one point in time, of any size. One that breaks off in the middle ends without its last chunk."""
    reached = await everybodys(system, indexed(system), at_least, wait)
    position = await run_in_threadpool(system.ledger.shown_position, "user_search")
    as_csv = format == "csv" or (format is None and _CSV in request.headers.get("accept", ""))
    return StreamingResponse(
        await run_in_threadpool(_members, system, name, as_csv),
        media_type=_CSV if as_csv else _NDJSON,
        headers={
            "Tierline-Position": str(answered_position(position, at_least, reached)),
            **(at_least_header(at_least, reached) or {}),
        },
    )


def _members(system: Any, name: str, as_csv: bool) -> Iterator[bytes]:
    members = system.segments.members(name)
    return _begun(csv_texts(members, system.search_segment.columns()) if as_csv else ndjson_texts(members))


def _begun(texts: Iterable[bytes]) -> Iterator[bytes]:
    """The first text is asked for at once: what goes wrong with it is still answered with its status."""
    waiting = iter(texts)
    return chain(list(islice(waiting, 1)), waiting)


def _shown(system: Any, view: DefinitionView, position: int) -> dict[str, Any]:
    if position:
        system.nudges.projectors()
    shown: dict[str, Any] = system.segments.shown(view)
    return shown | {"position": position}
