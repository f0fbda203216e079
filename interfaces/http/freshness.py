"""How fresh an answer is: positions, waiting until one is reached, and what to say when it was not."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from projections.lag import ReadModelLag

AtLeast = Annotated[
    int | None,
    Query(
        ge=0,
        le=2**63 - 1,
        description="A `position` that some answer gave. Waits, up to `wait` seconds, until this answer covers it; "
        "an answer that does not has a smaller `position`, and the header `Tierline-At-Least: behind`.",
        examples=[18231],
    ),
]
Wait = Annotated[float, Query(ge=0, le=30, description="Seconds to wait for `at_least`.")]

DEFAULT_WAIT_SECONDS = 5.0
_FIRST_PAUSE_SECONDS = 0.005
_LONGEST_PAUSE_SECONDS = 0.05


class Wanted(BaseModel):
    """The same two, for the route that reads its query by itself."""

    at_least: AtLeast = None
    wait: Wait = DEFAULT_WAIT_SECONDS


_EVERYTHING = Wanted()


def wanted_in(request: Request) -> Wanted:
    """What the query asks for. Costs nothing where it asks nothing. Raises RequestValidationError."""
    if not request.scope["query_string"]:
        return _EVERYTHING
    try:
        return Wanted.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in error.errors()]) from None


class Lags:
    """How far behind each read model is, asked at most once a second. Belongs to one event loop."""

    def __init__(self, read: Callable[[], Mapping[str, ReadModelLag]], remember_seconds: float = 0.5) -> None:
        self._read = read
        self._remember_seconds = remember_seconds
        self._lags: Mapping[str, ReadModelLag] = {}
        self._good_until = 0.0
        self._asking = asyncio.Lock()

    async def of(self, read_model: str) -> ReadModelLag | None:
        """At most about a second old; None while no worker has ever told."""
        if time.monotonic() >= self._good_until:
            async with self._asking:
                if time.monotonic() >= self._good_until:
                    self._lags = await run_in_threadpool(self._read)
                    self._good_until = time.monotonic() + self._remember_seconds
        return self._lags.get(read_model)

    async def cards(self) -> int:
        """Up to where everybody's card shows the log. Redis keeps that itself, so a worker has to tell."""
        lag = await self.of("user_card")
        return lag.position if lag else 0


def indexed(system: Any) -> Callable[[], Awaitable[int]]:
    """Up to where the search index shows the log."""
    return lambda: run_in_threadpool(system.ledger.shown_position, "user_search")


async def until(reached: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Ask again and again, in short pauses, until it is so or the time is up. Asks at least once."""
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while not await reached():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    return True


async def everybodys(
    system: Any, shown: Callable[[], Awaitable[int]] | None, at_least: int | None, wait: float
) -> bool:
    """Wait until all that anybody had to be decided up to the position is decided, and the read model shows it.

    shown: how far the read model shows the log; None for an answer out of the log.
    """
    if at_least is None:
        return True
    shown_from: int | None = None

    async def reached() -> bool:
        nonlocal shown_from
        if shown_from is None:
            progress = await run_in_threadpool(system.ledger.log_progress, at_least)
            if not progress.decided:
                return False
            shown_from = progress.shown_from
        return shown is None or await shown() >= shown_from

    return await until(reached, wait)


def answered_position(position: int, at_least: int | None, reached: bool) -> int:
    """The position to answer: callers read from it alone whether theirs was reached."""
    if at_least is None:
        return position
    return max(position, at_least) if reached else min(position, at_least - 1)


def at_least_header(at_least: int | None, reached: bool) -> dict[str, str] | None:
    """Says in words what the position says in numbers."""
    return None if at_least is None else {"Tierline-At-Least": "reached" if reached else "behind"}
