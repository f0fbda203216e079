"""A tag for many at once: looked at, run, broken off, taken back."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr
from starlette.responses import Response

from application.access import Permission
from application.tags.bulk_ports import Bulk, BulkWanted
from domain.user_tier.tagging import LONGEST_REASON
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.definition_examples import BULK_TAG, BULK_TAGS
from interfaces.http.examples import with_status
from interfaces.http.instants import Instant
from interfaces.http.system import SystemDep
from interfaces.http.users import GivenUserId
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/bulk-tags", tags=["tags"])

Doer = Annotated[Write, write(Permission.TAG_IN_BULK)]
BulkId = Annotated[str, Path(description="As the preview was answered.")]
_MAY_READ = [allow(Permission.READ_HISTORY)]


class BulkRequest(BaseModel):
    """What is to be done, and to whom."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"tag": "vip", "where": "tier.value = 'high'", "reason": "spring campaign"}]},
    )

    tag: str
    action: Literal["add", "remove"] = "add"
    where: str = Field("", max_length=10_000, description="A segment's condition: its members now.")
    user_ids: list[GivenUserId] | None = Field(None, description="Or a list.")
    value: StrictBool | StrictInt | StrictFloat | StrictStr | None = Field(
        None, description="Of a tag that is defined with values."
    )
    until: Instant = Field(None, description="When the tag ends by itself; never when left out.")
    reason: str = Field("", max_length=LONGEST_REASON, description="Kept with every event.")

    def wanted(self) -> BulkWanted:
        """As the use case takes it."""
        return BulkWanted(self.tag, self.action, self.value, self.until, self.reason, self.where)


@router.post("", status_code=201, responses=with_status(201, BULK_TAG), summary="Look at a bulk of tags")
def preview_bulk(system: SystemDep, call: Doer, wanted: BulkRequest) -> Response:
    """Fixes whom it is about and answers how many, and some of them. Nothing is done to anybody yet."""
    return call.answer(
        lambda: _shown(system, system.tags.bulk.preview(wanted.wanted(), call.actor, wanted.user_ids)), 201
    )


@router.get("", responses=BULK_TAGS, summary="The latest bulks of tags", dependencies=_MAY_READ)
def list_bulks(system: SystemDep) -> Response:
    """A hundred, the latest first."""
    return answer({"bulk_tags": [_shown(system, bulk) for bulk in system.tags.bulk.latest()], "next_cursor": None})


@router.get("/{bulk_id}", responses=BULK_TAG, summary="How far a bulk is", dependencies=_MAY_READ)
def read_bulk(system: SystemDep, bulk_id: BulkId) -> Response:
    """Its state, and how many users came to what."""
    return answer(_shown(system, system.tags.bulk.get(bulk_id)))


@router.post("/{bulk_id}/run", status_code=202, responses=with_status(202, BULK_TAG), summary="Run a bulk")
def run_bulk(system: SystemDep, bulk_id: BulkId, call: Doer) -> Response:
    """The workers do it; one that was cancelled goes on with those who are left."""
    return call.answer(lambda: _shown(system, system.tags.bulk.run(bulk_id, call.actor)), 202)


@router.post("/{bulk_id}/cancel", responses=BULK_TAG, summary="Break a bulk off")
def cancel_bulk(system: SystemDep, bulk_id: BulkId, call: Doer) -> Response:
    """What is done stays done; it can be run on, or reverted."""
    return call.answer(lambda: _shown(system, system.tags.bulk.cancel(bulk_id)))


@router.post("/{bulk_id}/revert", status_code=202, responses=with_status(202, BULK_TAG), summary="Take a bulk back")
def revert_bulk(system: SystemDep, bulk_id: BulkId, call: Doer) -> Response:
    """Takes back what it did, and nothing else: where somebody has touched the tag since, it stays as it is."""
    return call.answer(lambda: _shown(system, system.tags.bulk.revert(bulk_id, call.actor)), 202)


def _shown(system: Any, bulk: Bulk) -> dict[str, Any]:
    shown: dict[str, Any] = system.tags.bulk.shown(bulk)
    return shown
