"""A user's past, out of the log: standings at an instant, and everything that was ever recorded."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from application.access import Permission
from application.event_answers import event_json
from application.queries import CursorInvalid, PastStanding
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.examples import TIERS, USER_HISTORY
from interfaces.http.freshness import DEFAULT_WAIT_SECONDS, AtLeast, Wait, answered_position, at_least_header, until
from interfaces.http.instants import Instant
from interfaces.http.system import SystemDep

router = APIRouter(prefix="/v1/users", tags=["users"])

UserId = Annotated[str, Path(description="Your own id of the user.", examples=["u-1"])]
# In a body. A bound of any kind has the reader refuse half a character, which no text in the database holds.
GivenUserId = Annotated[str, Field(min_length=0)]


@router.get(
    "/{user_id:path}/tiers",
    responses=TIERS,
    summary="Standings as of an instant",
    dependencies=[allow(Permission.READ_USERS)],
)
async def read_tiers(
    system: SystemDep,
    user_id: UserId,
    as_of: Annotated[Instant, Query(description="When it was true; now when left out.")] = None,
    known_at: Annotated[Instant, Query(description="By what was recorded then; now when left out.")] = None,
    at_least: AtLeast = None,
    wait: Wait = DEFAULT_WAIT_SECONDS,
) -> Response:
    """From the log: per scheme the last transition effective by `as_of` among those recorded by `known_at`.

    Schemes that are kept per merchant stand in `scopes`, by scheme and merchant, when there are any.
    """
    reached = await _decided(system, user_id, at_least, wait)
    found = await run_in_threadpool(system.ledger.user_tiers, user_id, as_of, known_at)
    content = {
        "user_id": user_id,
        "as_of": instant_text(found.as_of),
        "known_at": instant_text(found.known_at),
        "standings": _standings(found.standings),
        **({"scopes": {scheme: _standings(scopes) for scheme, scopes in found.scopes.items()}} if found.scopes else {}),
        "position": answered_position(found.position, at_least, reached),
    }
    return answer(content, headers=at_least_header(at_least, reached))


@router.get(
    "/{user_id:path}/history",
    responses=USER_HISTORY,
    summary="Everything recorded for a user",
    dependencies=[allow(Permission.READ_HISTORY)],
)
async def read_history(
    system: SystemDep,
    user_id: UserId,
    size: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    absorbed: Annotated[
        str | None, Query(description="Of a stream that was merged into the user's: the `subject` of that event.")
    ] = None,
    at_least: AtLeast = None,
    wait: Wait = DEFAULT_WAIT_SECONDS,
) -> Response:
    """Every event, oldest first, with its receipt: why, from which facts, by which model version."""
    after = _open(cursor)
    reached = await _decided(system, user_id, at_least, wait)
    page = await run_in_threadpool(system.ledger.user_history, user_id, after, size, absorbed)
    content = {
        "user_id": user_id,
        "events": [event_json(event) for event in page.events],
        "next_cursor": None if page.next_after is None else _cursor(page.next_after),
        "position": answered_position(page.position, at_least, reached),
    }
    return answer(content, headers=at_least_header(at_least, reached))


def _standings(found: Mapping[str, PastStanding]) -> dict[str, Any]:
    return {
        name: {"tier": past.tier, "since": instant_text(past.since), "event_id": past.event_id}
        for name, past in found.items()
    }


async def _decided(system: Any, user_id: str, at_least: int | None, wait: float) -> bool:
    """Wait until the log holds all of the user's decisions up to the position."""
    if at_least is None:
        return True

    async def reached() -> bool:
        progress = await run_in_threadpool(system.ledger.user_progress, user_id, at_least)
        return bool(progress.decided)

    return await until(reached, wait)


_MARK_BYTES = 11  # of the greatest version that a stream may have


def _cursor(version: int) -> str:
    return base64.urlsafe_b64encode(b"v%d" % version).decode().rstrip("=")


def _open(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        mark = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise CursorInvalid(cursor) from None
    version = int(mark[1:]) if mark[1:].isdigit() and len(mark) <= _MARK_BYTES else 0
    if cursor != _cursor(version):  # written otherwise than ours, or no cursor at all
        raise CursorInvalid(cursor)
    return version
