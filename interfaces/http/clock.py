"""The clock: read by anybody, set by an admin where it is manual; then every answer says so."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.access import Permission
from domain.facts.instants import format_instant
from interfaces.http.access import allow
from interfaces.http.answers import answer
from interfaces.http.examples import CLOCK
from interfaces.http.instants import RequiredInstant
from interfaces.http.system import SystemDep
from interfaces.http.writes import Write, write

router = APIRouter(prefix="/v1/clock", tags=["clock"])


class ClockSetting(BaseModel):
    """Where to set it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"now": "2026-03-01T00:00:00Z"}]})

    now: RequiredInstant


@router.get("", responses=CLOCK, summary="What time it is here", dependencies=[allow(Permission.WATCH)])
def read_clock(system: SystemDep) -> Response:
    """By the clock that decisions go by."""
    return answer(_shown(system, system.clock.now()))


@router.put("", responses=CLOCK, summary="Set a manual clock forward")
def set_clock(
    system: SystemDep, setting: ClockSetting, call: Annotated[Write, write(Permission.MOVE_CLOCK)]
) -> Response:
    """Refused unless the clock is manual (`TIERLINE_CLOCK=manual`, embedded stack only), backwards, and beyond 2149."""

    def act() -> dict[str, Any]:
        now = system.clock.set(setting.now)
        system.nudges.evaluator()
        return _shown(system, now)

    return call.answer(act)


class ManualClockNotice:
    """Middleware: every answer says that the time is not the world's."""

    def __init__(self, app: ASGIApp, clock: Any, outages: tuple[type[Exception], ...]) -> None:
        self._app = app
        self._clock = clock
        self._outages = outages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Tierline-Clock"] = await run_in_threadpool(self._notice)
            await send(message)

        await self._app(scope, receive, noting if scope["type"] == "http" else send)

    def _notice(self) -> str:
        try:
            return f"manual; now={format_instant(self._clock.now())}"
        except self._outages:  # the answer that says so has to go out
            return "manual"


def _shown(system: Any, now: int) -> dict[str, Any]:
    return {"now": format_instant(now), "mode": "manual" if system.clock.manual else "system"}
