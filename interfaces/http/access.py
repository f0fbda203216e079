"""Who is calling, and whether they may: the dependencies that every route under /v1 has."""

from typing import Any

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from application.access import NotAllowed, NotAuthenticated, Permission, Principal
from interfaces.http.query_parameters import require_known


def allow(permission: Permission) -> Any:
    """A dependency: the caller, if the table of permissions lets them. Raises NotAuthenticated or NotAllowed."""

    async def caller(request: Request) -> Principal:
        return await admit(request, permission)

    return Depends(caller)


async def admit(request: Request, permission: Permission) -> Principal:
    """The caller of this request, if they may. Raises QueryParameterMisspelled, too."""
    principal = await _recognise(request)
    if "\0" in request.scope["path"]:
        raise HTTPException(404)  # no text in the database holds one
    if not principal.may(permission):
        raise NotAllowed(principal, permission)
    require_known(request)
    return principal


async def _recognise(request: Request) -> Principal:
    header = request.headers.get("authorization")
    if header is None:
        raise NotAuthenticated("The request carries no API key")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("The Authorization header is not of the form `Bearer KEY`")
    keys = request.app.state.system.keys
    principal = keys.recall(token) or await run_in_threadpool(keys.recognise, token)
    if principal is None:
        raise NotAuthenticated("The API key is unknown or revoked")
    return principal
