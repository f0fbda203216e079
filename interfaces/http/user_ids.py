"""Several user ids of one user: linked, merged, and split off again."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission
from domain.tier_model.reviewing import LONGEST
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.definition_examples import LINKED, MERGED, SPLIT, USER_IDS
from interfaces.http.system import SystemDep
from interfaces.http.users import GivenUserId, UserId
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/users", tags=["users"])

Merger = Annotated[Write, write(Permission.MERGE_USERS)]


class LinkRequest(BaseModel):
    """Another user id."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"alias": "app-77"}]})

    alias: GivenUserId = Field(description="An id that names nobody yet.")


class MergeRequest(BaseModel):
    """Who it is besides, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"other_user_id": "u-2", "reason": "the same phone number, confirmed"}]},
    )

    other_user_id: GivenUserId
    reason: str = Field(max_length=LONGEST, description="Kept with the events.")


class SplitRequest(BaseModel):
    """Which ids are somebody else's, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"user_ids": ["app-77"], "reason": "a phone that was sold on"}]},
    )

    user_ids: list[GivenUserId] = Field(
        description="Some of the user's ids, never all: they name a new user from now on."
    )
    reason: str = Field(max_length=LONGEST, description="Kept with the events.")


@router.get(
    "/{user_id:path}/aliases",
    responses=USER_IDS,
    summary="All ids of a user",
    dependencies=[allow(Permission.READ_USERS)],
)
def read_user_ids(system: SystemDep, user_id: UserId) -> Response:
    """Sorted; the one that was asked for is among them."""
    return answer({"user_id": user_id, "user_ids": system.identities.user_ids(user_id)})


@router.post("/{user_id:path}/aliases", responses=LINKED, summary="Give a user another id")
def link_user_id(system: SystemDep, user_id: UserId, call: Merger, wanted: LinkRequest) -> Response:
    """Facts, commands and questions under either id are about the one user from then on."""

    def act() -> dict[str, Any]:
        done = system.identities.link(user_id, wanted.alias, call.actor, command_id=call.command_id)
        if done.changed:
            system.nudges.projectors()
        return {
            "user_id": user_id,
            "alias": wanted.alias,
            "user_ids": done.user_ids,
            "changed": done.changed,
            "position": done.position,
        }

    return call.answer(act)


@router.post("/{user_id:path}/merges", responses=MERGED, summary="Merge another user into this one")
def merge_users(system: SystemDep, user_id: UserId, call: Merger, wanted: MergeRequest) -> Response:
    """The addressed user stays: the other's facts are copied to it, known at this instant, and its ids name it.

    A fact on both sides counts once; with other content on both sides nothing is merged (409).
    """

    def act() -> dict[str, Any]:
        named = {"reason": wanted.reason, "command_id": call.command_id}
        done = system.identities.merge(user_id, wanted.other_user_id, call.actor, **named)
        system.nudges.evaluator()
        return {
            "user_id": user_id,
            "other_user_id": wanted.other_user_id,
            "user_ids": done.user_ids,
            "facts_copied": done.facts,
            "facts_known_already": done.known_already,
            "position": done.position,
        }

    return call.answer(act)


@router.post("/{user_id:path}/splits", responses=SPLIT, summary="Split ids of a user off again, as a new user")
def split_user(system: SystemDep, user_id: UserId, call: Merger, wanted: SplitRequest) -> Response:
    """The addressed user stays. The facts that came by the ids go with them: copied to the new user, known at this
    instant, and counting no more for the one who stays.
    """

    def act() -> dict[str, Any]:
        named = {"reason": wanted.reason, "command_id": call.command_id}
        done = system.identities.split(user_id, wanted.user_ids, call.actor, **named)
        system.nudges.evaluator()
        return {
            "user_id": user_id,
            "user_ids": done.user_ids,
            "new_user_ids": done.new_user_ids,
            "facts_copied": done.facts,
            "facts_voided": done.voided,
            "position": done.position,
        }

    return call.answer(act)
