"""Rerun one recorded decision from the fact log and hold its receipt against the recorded one."""

import re
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from application.compliance.ports import RecordedSubjects, Records
from application.compliance.verify_receipts import decide_again
from domain.refusal import Complaint, Refusal
from domain.user_tier.verify import is_decided, same_decision, told

_EVENT_ID = re.compile(r"([0-9a-f]{32})-([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReceiptVerdict:
    """recorded, expected: the two receipts; expected is None when the facts give no such decision.

    facts_intact: whether the chain over the subject's fact rows holds.
    """

    event_id: str
    result: Literal["same", "different"]
    recorded: dict[str, Any] | None
    expected: dict[str, Any] | None
    facts_intact: bool


class UnknownEvent(Refusal):
    """No event of a user has this id."""

    def __init__(self, event_id: str) -> None:
        super().__init__(
            f"No user's history has an event {event_id[:200]!r}.",
            Complaint("event_id", event_id, "take the event_id of an event in the user's history"),
        )


class NotADecision(Refusal):
    """An event that follows from no facts and no model: something was given."""

    def __init__(self, event_id: str, topic: str) -> None:
        super().__init__(
            f"Event {event_id} ({topic}) is no decision and has no receipt.",
            Complaint("event_id", event_id, "`tierline verify ledger` proves grants; verify a transition here"),
        )


class VerifyReceipt:
    """As VerifyReceipts, for one event."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def __call__(self, event_id: str) -> ReceiptVerdict:
        """Raises UnknownEvent, also for a subject that has been erased, and NotADecision."""
        named = _EVENT_ID.fullmatch(event_id)
        if named is None:
            raise UnknownEvent(event_id)
        for batch in self._records.subject(UUID(named[1])):
            for recorded in batch.events:
                if any(event.event_id == event_id for event in recorded):
                    return _verdict(batch, event_id)
        raise UnknownEvent(event_id)


def _verdict(batch: RecordedSubjects, event_id: str) -> ReceiptVerdict:
    (recorded,), (expected,) = batch.events, decide_again(batch)
    event = next(event for event in recorded if event.event_id == event_id)
    if not is_decided(event.topic):
        raise NotADecision(event_id, event.topic)
    should = same_decision(event, recorded, expected)
    return ReceiptVerdict(
        event_id,
        "same" if should is not None and told(should) == told(event) else "different",
        event.data.get("receipt"),
        None if should is None else should.data.get("receipt"),
        facts_intact=not batch.broken,
    )
