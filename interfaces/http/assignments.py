"""Assignments of users: the strategies that they are or were in, and what has come of it."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from application.access import Permission
from application.strategies.show_strategy import shown_assignment
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.strategy_examples import ASSIGNMENTS
from interfaces.http.system import SystemDep
from interfaces.http.users import UserId

router = APIRouter(prefix="/v1", tags=["strategies"])


@router.get(
    "/users/{user_id:path}/strategies",
    responses=ASSIGNMENTS,
    summary="A user's assignments",
    dependencies=[allow(Permission.READ_USERS)],
)
def list_assignments(
    system: SystemDep,
    user_id: UserId,
    size: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Response:
    """From the ledger, the latest first, those that are over among them."""
    found, after = system.strategies.assignments.of_user(user_id, size, cursor)
    shown = [shown_assignment(view) for view in found]
    return answer({"user_id": user_id, "strategies": shown, "next_cursor": after, "position": system.tail.head()})
