"""The operator's sending system, told by signed webhooks (standardwebhooks.com)."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx
import msgspec
import structlog
from standardwebhooks import Webhook

from application.strategies.message_ports import Answer, Message, message_body
from domain.facts.instants import format_instant

_AT_ONCE = 16
_PATIENCE_SECONDS = 10.0
_READ_BYTES = 65_536  # of an answer: what it says is not looked at

_EXPLAINED = {
    401: "it does not accept the signature: compare TIERLINE_MESSAGES_SECRET with the receiver's own",
    403: "it does not accept the signature: compare TIERLINE_MESSAGES_SECRET with the receiver's own",
    404: "there is nothing under TIERLINE_MESSAGES_URL",
    410: "it wants no such messages any more; this one is not tried again",
    413: "it finds the message too large",
    429: "it asks for fewer messages",
}
# Whatever it is, it is this attempt's.
_NOT_REACHED = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError)
_GONE = 410
_MOST_DIGITS = 18
_log = structlog.get_logger(__name__)


class WebhookReceiver:
    """Fulfils Receiver. A message's id is the webhook's, at every attempt: so repeats can be told."""

    def __init__(self, url: str, secret: str, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """secret: base64, after whsec_ or alone. patience_seconds: for one answer, from the first byte sent on."""
        self._url, self._webhook, self._patience = url, Webhook(secret), patience_seconds

    def send(self, messages: Sequence[Message]) -> list[Answer]:
        """See Receiver."""
        answers = asyncio.run(self._send(messages))
        failed = [answer.cause for answer in answers if answer.cause]
        if failed:
            _log.warning("messages_not_taken", messages=len(failed), of=len(answers), first=failed[0])
        return answers

    async def _send(self, messages: Sequence[Message]) -> list[Answer]:
        places = asyncio.Semaphore(_AT_ONCE)
        async with httpx.AsyncClient(timeout=self._patience) as client:

            async def sent(message: Message) -> Answer:
                async with places:
                    return await self._attempt(client, message)

            return list(await asyncio.gather(*map(sent, messages)))

    async def _attempt(self, client: httpx.AsyncClient, message: Message) -> Answer:
        try:
            async with asyncio.timeout(self._patience):  # in all: an answer may come drop by drop
                return await self._post(client, message)
        except (TimeoutError, httpx.TimeoutException):
            return Answer(f"no answer within {self._patience:g} seconds")
        except _NOT_REACHED as error:
            return Answer(f"not reached: {type(error).__name__}")

    async def _post(self, client: httpx.AsyncClient, message: Message) -> Answer:
        body = msgspec.json.encode(message_body(message, format_instant(message.created_at)))
        # The receiver holds it against its own clock, whatever ours is set to.
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "tierline",
            "webhook-id": message.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(message.message_id, now, body.decode()),
        }
        async with client.stream("POST", self._url, content=body, headers=headers) as response:
            read = 0
            async for chunk in response.aiter_raw():
                read += len(chunk)
                if read > _READ_BYTES:
                    break
        return _answer(response)


def _answer(response: httpx.Response) -> Answer:
    status = response.status_code
    if response.is_success:
        return Answer()
    said = _EXPLAINED.get(status, "")
    if response.is_redirect:
        said = "redirects are not followed: give TIERLINE_MESSAGES_URL the address itself"
    cause = f"answered {status}" + (f": {said}" if said else "")
    return Answer(cause, gone=status == _GONE, wait_seconds=_seconds(response.headers.get("retry-after", "")))


def _seconds(asked: str) -> int:
    """Of a Retry-After; 0 for a date, or anything else. Who asks for too many digits to read asks for very long."""
    return int(asked[:_MOST_DIGITS]) if asked.isascii() and asked.isdigit() else 0
