"""Tags of one user: labels that rules and segments read."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr
from starlette.responses import Response

from application.access import Permission
from application.tags.change import TagChange
from domain.user_tier.tagging import LONGEST_REASON
from interfaces.http.answers import instant_text
from interfaces.http.examples import TAG
from interfaces.http.instants import Instant
from interfaces.http.system import SystemDep
from interfaces.http.users import UserId
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/users", tags=["users"])

Tag = Annotated[str, Path(description="1 to 64 characters without quotes.", examples=["vip"])]
Tagger = Annotated[Write, write(Permission.TAG_USERS)]


class TagRequest(BaseModel):
    """For how long, why, and with which value."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"until": "2026-06-01T00:00:00Z", "reason": "spring campaign"}]},
    )

    until: Instant = Field(None, description="When it ends by itself; never when left out.")
    reason: str = Field("", max_length=LONGEST_REASON, description="Kept with the event.")
    value: StrictBool | StrictInt | StrictFloat | StrictStr | None = Field(
        None, description="Of a tag that is defined with values; a flag has none."
    )


@router.post("/{user_id:path}/tags/{tag:path}", responses=TAG, summary="Tag a user")
def add_tag(system: SystemDep, user_id: UserId, tag: Tag, call: Tagger, wanted: TagRequest | None = None) -> Response:
    """Decides at this instant whatever reads the tag. A tag that is there with the same end stays as it is."""
    wanted = wanted or TagRequest()

    def act() -> dict[str, Any]:
        change = system.add_tag(
            user_id,
            tag,
            call.actor,
            until=wanted.until,
            reason=wanted.reason,
            value=wanted.value,
            command_id=call.command_id,
        )
        return _shown(system, user_id, change)

    return call.answer(act)


@router.delete("/{user_id:path}/tags/{tag:path}", responses=TAG, summary="Take a tag off a user")
def remove_tag(
    system: SystemDep,
    user_id: UserId,
    tag: Tag,
    call: Tagger,
    reason: Annotated[str, Query(max_length=LONGEST_REASON, description="Kept with the event.")] = "",
) -> Response:
    """Decides at this instant whatever reads the tag. A tag that is not there is not removed."""

    def act() -> dict[str, Any]:
        named = {"command_id": call.command_id, "reason": reason}
        return _shown(system, user_id, system.remove_tag(user_id, tag, call.actor, **named))

    return call.answer(act)


def _shown(system: Any, user_id: str, change: TagChange) -> dict[str, Any]:
    if change.changed:
        system.nudges.projectors()
    return {
        "user_id": user_id,
        "tag": change.tag,
        "until": instant_text(change.until),
        **({} if change.value is None else {"value": change.value}),
        "changed": change.changed,
        "position": change.position,
    }
