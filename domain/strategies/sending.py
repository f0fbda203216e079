"""Whether a message goes out now. Asked anew for each attempt: much may have happened since it was decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from domain.strategies.consent import suppressed_action
from domain.strategies.spec import Notify, StrategySpec
from domain.strategies.timing import out_of_quiet
from domain.user_tier.observation import Scalar

_SECOND = 1_000_000
RETRY_AFTER_SECONDS = (10, 60, 300, 1_800, 7_200, 21_600)
"""How long after the first attempt, the second and so on the next one comes. After the last there is none."""
MOST_ATTEMPTS = len(RETRY_AFTER_SECONDS) + 1
LONGEST_WAIT_SECONDS = 86_400  # that a receiver may ask for
PAUSED_SECONDS = 60  # until a paused strategy's messages are looked at again

MessageReason = Literal[
    "erased",
    "strategy-over",
    "assignment-over",
    "message-too-old",
    "opted-out",
    "minor",
    "risk-listed",
    "unsubscribed",
    "too-often",
]
MESSAGE_REASONS: tuple[MessageReason, ...] = get_args(MessageReason)
PAUSED, QUIET = "paused", "quiet-hours"
"""Why a message waits that could go out."""


class Send(NamedTuple):
    """It goes out."""


class HoldBack(NamedTuple):
    """Not now. until: when it is looked at again, microseconds."""

    until: int
    reason: str


class Suppress(NamedTuple):
    """Not at all."""

    reason: MessageReason


class GiveUp(NamedTuple):
    """It was tried, and is not tried again. cause: what the last attempt came to."""

    cause: str


Verdict = Send | HoldBack | Suppress | GiveUp


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that is due, with what there is beside it. Instants in microseconds.

    status: the strategy's. goes_on: its assignment. attempts: so far; tried: what the last came to. lately: messages of
    all strategies that went to the user within the span of the cap. attributes: of the profile; None: who was erased.
    """

    action: Notify
    spec: StrategySpec
    status: str
    goes_on: bool
    created_at: int
    attempts: int
    tried: str
    lately: int
    attributes: Mapping[str, Scalar] | None


def verdict(message: Outgoing, now: int, *, at_most: int | None, max_age: int) -> Verdict:
    """at_most: messages within the span of the cap; None: any number. max_age: microseconds since it was decided."""
    if message.attributes is None:
        return Suppress("erased")
    if message.status in ("ended", "retired"):
        return Suppress("strategy-over")
    if not message.goes_on:
        return Suppress("assignment-over")
    if message.attempts >= MOST_ATTEMPTS:
        return GiveUp(message.tried)
    if now - message.created_at > max_age:
        return GiveUp(f"too old after {message.attempts} attempts: {message.tried}") if message.attempts else _TOO_OLD
    refused = suppressed_action(message.action, message.attributes)
    if refused is not None:
        return Suppress(refused)
    if message.status != "running":
        return HoldBack(now + PAUSED_SECONDS * _SECOND, PAUSED)
    awake = out_of_quiet(message.spec, message.attributes, now)
    if awake > now:
        return HoldBack(awake, QUIET)
    if at_most is not None and message.lately >= at_most:
        return Suppress("too-often")
    return Send()


def next_attempt(attempts: int, now: int, asked_seconds: int = 0) -> int | None:
    """When a message that was tried so many times is tried again; None: not again. asked_seconds: that the receiver
    asked to be left alone."""
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = max(RETRY_AFTER_SECONDS[attempts - 1], min(asked_seconds, LONGEST_WAIT_SECONDS))
    return now + wait * _SECOND


_TOO_OLD = Suppress("message-too-old")
