"""Cards: the current standing of one user, or of several, out of Redis as it is stored there."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from application.access import Permission
from interfaces.http.access import admit, allow
from interfaces.http.answers import json_bytes
from interfaces.http.card_reader import position_of, with_freshness
from interfaces.http.examples import CARD, CARD_PARAMETERS, CARDS
from interfaces.http.freshness import (
    DEFAULT_WAIT_SECONDS,
    AtLeast,
    Wait,
    answered_position,
    at_least_header,
    everybodys,
    until,
    wanted_in,
)
from projections.lag import ReadModelLag

router = APIRouter(prefix="/v1/users", tags=["users"])


class CardBatch(BaseModel):
    """Whose cards."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"user_ids": ["u-1", "u-2"]}]})

    user_ids: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1, max_length=500)


# The route that is asked most: it takes its parameters from the request, for the framework takes its time with them.
@router.get("/{user_id:path}", responses=CARD, openapi_extra=CARD_PARAMETERS, summary="A user's card")
async def read_card(request: Request) -> Response:
    """Where the user stands on every scheme, what is missing for the next tier, when it may drop."""
    await admit(request, Permission.READ_USERS)
    state, user_id = request.app.state, request.path_params["user_id"]
    wanted = wanted_in(request)
    at_least = wanted.at_least
    reached = at_least is None or await _shown(state, user_id, at_least, wanted.wait)
    card = await state.cards.read(user_id)
    if card is None:
        card = await run_in_threadpool(state.system.ledger_cards.card, user_id)
    fresh = _fresh(card, await state.lags.of("user_card"), at_least, reached)
    return Response(fresh, 200, at_least_header(at_least, reached), "application/json")


@router.post(
    "/batch-get", responses=CARDS, summary="Cards of up to 500 users", dependencies=[allow(Permission.READ_USERS)]
)
async def read_cards(
    request: Request, batch: CardBatch, at_least: AtLeast = None, wait: Wait = DEFAULT_WAIT_SECONDS
) -> Response:
    """Cards in the order asked for. Whom nobody ever named stands in `unknown` and costs the others nothing.

    `at_least` waits for everybody's decisions.
    """
    state = request.app.state
    reached = await everybodys(state.system, state.lags.cards, at_least, wait)
    wanted = list(dict.fromkeys(batch.user_ids))
    cards = await state.cards.read_many(wanted)
    missing = [user_id for user_id in wanted if user_id not in cards]
    if missing:
        cards |= await run_in_threadpool(state.system.ledger_cards.cards, missing)
    lag = await state.lags.of("user_card")
    shown = b",".join(_fresh(cards[user_id], lag, at_least, reached) for user_id in wanted if user_id in cards)
    unknown = json_bytes([user_id for user_id in wanted if user_id not in cards])
    content = b'{"users":[%s],"unknown":%s}' % (shown, unknown)
    return Response(content, 200, at_least_header(at_least, reached), "application/json")


async def _shown(state: Any, user_id: str, at_least: int, wait: float) -> bool:
    """Wait until the card shows all of the user's that was decided up to the position."""

    async def reached() -> bool:
        progress = await run_in_threadpool(state.system.ledger.user_progress, user_id, at_least)
        if not progress.decided:
            return False
        if progress.shown_from == 0:
            return True
        card = await state.cards.read(user_id)
        return card is not None and position_of(card) >= progress.shown_from

    return await until(reached, wait)


def _fresh(card: bytes, lag: ReadModelLag | None, at_least: int | None, reached: bool) -> bytes:
    position = answered_position(position_of(card), at_least, reached)
    if lag is None:
        return with_freshness(card, position, None, None)
    return with_freshness(card, position, lag.lag_events, lag.lag_seconds)
