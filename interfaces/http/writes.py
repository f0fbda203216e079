"""A write: who asks, and their Idempotency-Key, under which it is answered once."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from starlette.responses import Response

from application.access import Permission, Principal
from application.idempotency import Answer, OneAnswer
from interfaces.http.access import admit
from interfaces.http.answers import json_bytes

IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Your own key for this request, up to 255 characters: the same key and body again get the same "
        "answer and change nothing; another body gets 409.",
        examples=["order-import-2026-11-22-17"],
    ),
]


class Write:
    """One write request by an admitted caller."""

    def __init__(
        self,
        caller: Principal,
        key: str | None,
        request_hash: bytes,
        one_answer: OneAnswer,
        head: Callable[[], int],
    ) -> None:
        """head: the log's last position."""
        self.actor = caller.actor
        self.caller = caller
        self._key = key
        self._request_hash = request_hash
        self._one_answer = one_answer
        self._head = head

    @property
    def command_id(self) -> str:
        """The caller's own name of this request, apart from any other caller's; empty without an Idempotency-Key."""
        return "" if self._key is None else f"{self.caller.key_id}/{self._key}"

    def answer(self, act: Callable[[], dict[str, Any]], status: int = 200) -> Response:
        """What `act` answers, as JSON; under an Idempotency-Key what it answered the first time."""
        return self.answer_as(lambda: (status, act()))

    def answer_as(self, act: Callable[[], tuple[int, dict[str, Any]]]) -> Response:
        """The same, where `act` says the status too. A write that tells no position of its own tells the log's."""

        def first() -> Answer:
            status, content = act()
            told = content if content.get("position") else content | {"position": self._head()}
            return Answer(status, json_bytes(told))

        if self._key is None:
            done = first()
            return Response(done.body, done.status, media_type="application/json")
        kept, replayed = self._one_answer(self.caller.key_id, self._key, self._request_hash, first)
        headers = {"Idempotent-Replayed": "true"} if replayed else None
        return Response(kept.body, kept.status, headers, "application/json")


def write(permission: Permission, *, whole_body: bool = True) -> Any:
    """A dependency: the write, if the caller may. whole_body: False for a stream, whose content no key can cover."""

    async def admitted(request: Request, idempotency_key: IdempotencyKey = None) -> Write:
        caller = await admit(request, permission)
        key = idempotency_key if whole_body or not (is_stream(request) or is_table(request)) else None
        request_hash = b"" if key is None else _hash(request, await request.body())
        system = request.app.state.system
        return Write(caller, key, request_hash, system.one_answer, system.tail.head)

    return Depends(admitted)


def is_stream(request: Request) -> bool:
    """Whether the body is NDJSON."""
    return media_type_of(request) in ("application/x-ndjson", "application/ndjson", "application/jsonl")


def is_table(request: Request) -> bool:
    """Whether the body is CSV."""
    return media_type_of(request) == "text/csv"


def media_type_of(request: Request) -> str:
    """Of the body, without its parameters; empty when the request names none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _hash(request: Request, body: bytes) -> bytes:
    what = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(what + body).digest()
