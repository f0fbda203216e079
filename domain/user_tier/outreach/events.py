"""Recorded for one user: what became of messages, and what came back. Nothing that is decided or held changes."""

from domain.user_tier.events import SubjectEvent


class MessageSent(SubjectEvent):
    """The operator's sending system took a message over, at sent_at (microseconds), at the so many-th attempt."""

    TOPIC = "user-tier.message-sent.v1"

    message_id: str
    strategy: str
    strategy_version: int
    assignment_id: str
    arm: str
    channel: str
    template: str
    attempts: int
    sent_at: int


class MessageSuppressed(SubjectEvent):
    """A message was held back for good when it was to be sent. reason: why."""

    TOPIC = "user-tier.message-suppressed.v1"

    message_id: str
    strategy: str
    strategy_version: int
    assignment_id: str
    arm: str
    channel: str
    template: str
    reason: str


class MessageFailed(SubjectEvent):
    """A message was given up after so many attempts. cause: what the last of them came to."""

    TOPIC = "user-tier.message-failed.v1"

    message_id: str
    strategy: str
    strategy_version: int
    assignment_id: str
    arm: str
    channel: str
    template: str
    attempts: int
    cause: str


class OutcomeRecorded(SubjectEvent):
    """Facts say what an assignment has come to. outcome: delivered, exposed, clicked, ordered or converted.

    at: when it first came about, microseconds, of the fact (source, fact_id); None: what was told before is void.
    """

    TOPIC = "user-tier.outcome-recorded.v1"

    strategy: str
    strategy_version: int
    assignment_id: str
    arm: str | None
    holdout: str
    outcome: str
    at: int | None
    source: str
    fact_id: str


EVENTS: tuple[type[SubjectEvent], ...] = (MessageSent, MessageSuppressed, MessageFailed, OutcomeRecorded)
