"""Bodies have an end: a JSON body over the limit is refused with 413 before anything reads it as JSON."""

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interfaces.http.problems import problem

LIMIT_BYTES = 8_000_000
_DRAINED_BYTES = 64_000_000  # what is read and thrown away so that the caller, still sending, gets the answer
_LISTS = "/v1/bulk-grants/lists"  # CSV, or NDJSON, of any length
_STREAMED = (b"application/x-ndjson", b"application/ndjson", b"application/jsonl")


class BodyLimit:
    """Middleware. NDJSON streams may be of any length; their lines have a limit of their own."""

    def __init__(self, app: ASGIApp, limit_bytes: int = LIMIT_BYTES) -> None:
        self._app = app
        self._limit = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD") or _streams(scope):
            await self._app(scope, receive, send)
            return
        declared = _declared_length(scope)
        if declared is not None and declared > self._limit:
            await _drain(receive)
            await self._too_large(declared)(scope, receive, send)
            return
        await self._app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                await _drain(receive)
                raise HTTPException(413, self._detail())
            return message

        return counted

    def _too_large(self, declared: int) -> Response:
        remedy = "send less at a time, or stream NDJSON, which has no limit"
        complaint = {"field": "Content-Length", "value": declared, "remedy": remedy}
        return problem(413, "too-large", "Too large", self._detail(), [complaint])

    def _detail(self) -> str:
        return f"The body is over {self._limit:,} bytes: send less at a time, or stream NDJSON, which has no limit."


async def _drain(receive: Receive) -> None:
    drained = 0
    while drained < _DRAINED_BYTES:
        message = await receive()
        drained += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


def _declared_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def _streams(scope: Scope) -> bool:
    streamed = (*_STREAMED, b"text/csv") if scope["path"] == _LISTS else _STREAMED
    return any(name == b"content-type" and value.lower().startswith(streamed) for name, value in scope["headers"])
