"""What sending messages needs: where they wait, and who takes them over."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, get_args

from application.strategies.ports import Undecided
from domain.strategies.sending import Outgoing, Verdict

MessageState = Literal["waiting", "sending", "sent", "suppressed", "failed"]
MESSAGE_STATES: tuple[MessageState, ...] = get_args(MessageState)
NO_RECEIVER = "no-receiver"
"""Why a message waits while there is nobody to take it over."""


class Message(NamedTuple):
    """A message as a receiver is told it. created_at: when it was decided, microseconds. attempts: with this one."""

    message_id: str
    user_ids: Sequence[str]
    channel: str
    template: str
    strategy: str
    strategy_version: int
    arm: str
    assignment_id: str
    campaign: str
    created_at: int
    attempts: int


class Answer(NamedTuple):
    """What became of one attempt. cause: what went wrong, empty when it was taken over; gone: it is never to be tried
    again; wait_seconds: that the receiver asks to be left alone."""

    cause: str = ""
    gone: bool = False
    wait_seconds: int = 0


class Receiver(Protocol):
    """The operator's own sending system."""

    def send(self, messages: Sequence[Message]) -> list[Answer]:
        """An answer each, in order, within seconds: one that hangs costs the others nothing. Raises for none."""
        ...


@dataclass(frozen=True, slots=True)
class DueMessage:
    """One that is due. user_id: one that names the user; decided: whether all about the user is decided."""

    message: Message
    outgoing: Outgoing
    user_id: str
    decided: bool


class OutboxTurn(Protocol):
    """Messages that are due; nobody else takes any meanwhile."""

    @property
    def now(self) -> int:
        """The clock."""
        ...

    def due(self) -> Sequence[DueMessage]:
        """The first of them, as they and their users are by now."""
        ...

    def record(self, verdicts: Sequence[tuple[DueMessage, Verdict]]) -> None:
        """What is to become of each; the last act of the turn. What goes out is the caller's for some minutes."""
        ...


class Outbox(Protocol):
    """Where messages wait."""

    def turn(self, limit: int, cap_days: int) -> AbstractContextManager[OutboxTurn | None]:
        """None: somebody else has it."""
        ...

    def settle(self, answers: Sequence[tuple[Message, Answer]]) -> None:
        """What became of attempts. Of one that somebody else has begun anew only a success counts."""
        ...

    def tell(self, limit: int, *, put_off: bool = False) -> tuple[int, list[Undecided]]:
        """Record as events what became of messages: how many, and whose have to wait until the user is
        decided. put_off: these are looked at again in a while."""
        ...


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message as it stands. Instants in microseconds. reason: why it waits, was suppressed or given up."""

    message_id: str
    user_id: str | None
    strategy: str
    assignment_id: str
    arm: str
    channel: str
    template: str
    state: str
    reason: str
    attempts: int
    created_at: int
    due_at: int
    settled_at: int | None


class MessagePage(NamedTuple):
    """The latest first. next_cursor: to go on after; None at the end."""

    messages: Sequence[ListedMessage]
    next_cursor: str | None


class Messages(Protocol):
    """Messages as people see them."""

    @property
    def receiver(self) -> bool:
        """Whether there is somebody to take them over."""
        ...

    def of_strategy(self, strategy: str, state: MessageState | None, size: int, cursor: str | None) -> MessagePage:
        """Raises UnknownStrategy, CursorInvalid."""
        ...

    def of_user(self, user_id: str, state: MessageState | None, size: int, cursor: str | None) -> MessagePage:
        """Raises UnknownUser, CursorInvalid."""
        ...

    def any_waits(self) -> bool:
        """Whether any message waits."""
        ...

    def counts(self, strategy: str) -> Mapping[str, Mapping[str, int]]:
        """By state and reason."""
        ...


def message_body(message: Message, created_at: str) -> dict[str, Any]:
    """What goes out: enough to send it, and to tell by assignment_id what came of it."""
    return {
        "type": "message",
        "message_id": message.message_id,
        "user_ids": list(message.user_ids),
        "channel": message.channel,
        "template": message.template,
        "strategy": message.strategy,
        "strategy_version": message.strategy_version,
        "arm": message.arm,
        "campaign": message.campaign or None,
        "assignment_id": message.assignment_id,
        "created_at": created_at,
    }
