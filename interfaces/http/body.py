"""Bodies of facts: a JSON document as a whole, or NDJSON line by line as it comes in."""

from collections.abc import Iterator
from typing import Any

import anyio.from_thread
from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from interfaces.http.writes import is_stream

LINE_LIMIT_BYTES = 1_000_000
_HOP_BYTES = 256_000  # read at once, for every crossing between threads has its price
_SHOWN_BYTES = 100


class Lines:
    """The lines of a stream, for a worker thread to iterate over while the event loop receives.

    A line over the limit comes as its first bytes, which are no JSON, so that it is refused by itself.
    """

    def __init__(self, request: Request) -> None:
        self._chunks = request.stream()

    def __iter__(self) -> Iterator[bytes]:
        rest, oversize = b"", False
        while chunk := anyio.from_thread.run(self._receive):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield b"(line too long) " + line[:_SHOWN_BYTES] if oversize or len(line) > LINE_LIMIT_BYTES else line
                oversize = False
            if len(rest) > LINE_LIMIT_BYTES:
                rest, oversize = rest[:_SHOWN_BYTES], True
        if rest:
            yield b"(line too long) " + rest if oversize else rest

    async def _receive(self) -> bytes:
        """The next stretch; empty at the end."""
        received = bytearray()
        async for chunk in self._chunks:
            received += chunk
            if len(received) >= _HOP_BYTES:
                break
        return bytes(received)


async def _sent(request: Request) -> bytes | Lines:
    if is_stream(request):
        return Lines(request)
    media_type = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(
            415, f"{media_type!r} is not understood here: send application/json or application/x-ndjson."
        )
    return await request.body()


SENT: Any = Depends(_sent)
