"""Messages of strategies: whether they went out, and if not, why."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from application.access import Permission
from application.strategies.message_ports import MessagePage, MessageState
from application.strategies.show_strategy import shown_message
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.strategy_examples import MESSAGES
from interfaces.http.system import SystemDep
from interfaces.http.users import UserId

router = APIRouter(prefix="/v1", tags=["strategies"])

State = Annotated[MessageState | None, Query(description="Only these.")]
Size = Annotated[int, Query(ge=1, le=1_000)]
Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before.")]


@router.get(
    "/strategies/{strategy}/messages",
    responses=MESSAGES,
    summary="A strategy's messages",
    dependencies=[allow(Permission.READ_STRATEGIES)],
)
def list_messages(
    system: SystemDep, strategy: str, state: State = None, size: Size = 100, cursor: Cursor = None
) -> Response:
    """The latest first. `receiver` says whether there is somebody to take them over."""
    return _page(system, system.strategies.messages.of_strategy(strategy, state, size, cursor))


@router.get(
    "/users/{user_id:path}/messages",
    responses=MESSAGES,
    summary="A user's messages",
    dependencies=[allow(Permission.READ_USERS)],
)
def list_messages_of_user(
    system: SystemDep, user_id: UserId, state: State = None, size: Size = 100, cursor: Cursor = None
) -> Response:
    """Of all strategies, the latest first."""
    return _page(system, system.strategies.messages.of_user(user_id, state, size, cursor))


def _page(system: Any, page: MessagePage) -> Response:
    shown = [shown_message(message) for message in page.messages]
    content = {
        "messages": shown,
        "receiver": system.strategies.messages.receiver,
        "next_cursor": page.next_cursor,
        "position": system.tail.head(),
    }
    return answer(content)
