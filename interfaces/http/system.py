"""What the routes are handed: the wired system, as they need it."""

from typing import Annotated, Any

from fastapi import Depends, Request


async def _system(request: Request) -> Any:
    return request.app.state.system


# The wiring lives above this package's horizon: application.commands and application.queries say what is in it.
SystemDep = Annotated[Any, Depends(_system)]
