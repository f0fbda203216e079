"""Holds what was recorded for a subject against what its facts and the models say. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from domain.user_tier.decisions import NewEvent, event_id_of

# What a subject is given follows from no facts: the ledger of benefits proves it in its own way.
_GIVEN = ("user-tier.benefit-", "user-tier.strategy-", "user-tier.message-", "user-tier.outcome-")

Problem = Literal["different", "missing", "extra", "broken-chain", "broken-model"]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class RecordedEvent(NamedTuple):
    """An event as it stands in the ledger. body: its own fields as msgpack; None: what stands there does not open."""

    subject_id: UUID
    version: int
    topic: str
    scheme: str
    scope: str
    from_tier: str | None
    to_tier: str | None
    effective_at: int
    actor: str
    command_id: str
    causation: str
    body: bytes | None

    @property
    def event_id(self) -> str:
        """As in the user's history."""
        return event_id_of(self.subject_id, self.version)

    @property
    def data(self) -> dict[str, Any]:
        """The event's own fields; none when they do not open."""
        if self.body is None:
            return {}
        found: dict[str, Any] = _decode(self.body)
        return found

    def opened(self) -> NewEvent:
        """The same as a value of the domain."""
        return NewEvent(*self[:11], self.data)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. recorded and expected: as far as there are any.

    subject: empty of a broken model, whose scheme and version stand in recorded and expected.
    """

    problem: Problem
    subject: str
    event_id: str | None
    recorded: dict[str, Any] | None
    expected: dict[str, Any] | None


@lru_cache(maxsize=1_000)
def is_decided(topic: str) -> bool:
    """Whether facts, models and commands lead to events of this name, so that they can be decided again."""
    return not topic.startswith(_GIVEN)


def findings_of(recorded: Sequence[RecordedEvent], expected: Sequence[NewEvent]) -> list[Finding]:
    """Recorded decisions against recomputed ones.

    Decisions are matched by topic, scheme, scope and instant. A receipt that differs, a decision that should be there
    and is not, and one that is and should not be are three different findings.
    """
    if len(recorded) == len(expected) and all(map(_alike, recorded, expected)):
        return []
    there, wanted = _by_decision(recorded), _by_decision(expected)
    gaps = _gaps(recorded)
    findings = []
    for key in sorted(there.keys() | wanted.keys()):
        mine, should = there.get(key), wanted.get(key)
        if mine is None and should is not None:
            gone = event_id_of(should.subject_id, should.version) if should.version in gaps else None
            findings.append(Finding("missing", should.subject_id.hex, gone, None, told(should)))
        elif mine is not None and should is None:
            findings.append(Finding("extra", mine.subject_id.hex, mine.event_id, told(mine), None))
        elif mine is not None and should is not None and not _alike(mine, should):
            findings.append(Finding("different", mine.subject_id.hex, mine.event_id, told(mine), told(should)))
    return findings


def lost_of(subject_id: UUID, recorded: Sequence[RecordedEvent], stream_version: int) -> list[Finding]:
    """Events that were recorded once, by their numbers, and are not there: also those of commands, which no rerun
    brings back. stream_version: how many there are to be."""
    there = {event.version for event in recorded}
    lost = [version for version in range(1, stream_version + 1) if version not in there]
    return [Finding("missing", subject_id.hex, event_id_of(subject_id, version), None, None) for version in lost]


def same_decision(
    event: RecordedEvent, recorded: Sequence[RecordedEvent], expected: Sequence[NewEvent]
) -> NewEvent | None:
    """Which of the recomputed decisions answers to one of the recorded; matched as in findings_of."""
    key = next(key for key, mine in _by_decision(recorded).items() if mine.version == event.version)
    return _by_decision(expected).get(key)


def told(event: RecordedEvent | NewEvent) -> dict[str, Any]:
    """What a decision says: all that has to come out the same."""
    return {"topic": event.topic, "from": event.from_tier, "to": event.to_tier, **event.data}


def _alike(mine: RecordedEvent, should: NewEvent) -> bool:
    """Whether they are the same decision and say the same. Mostly they do so byte for byte, which is told sooner."""
    return (
        mine.effective_at == should.effective_at
        and mine.topic == should.topic
        and mine.to_tier == should.to_tier
        and mine.from_tier == should.from_tier
        and mine.scheme == should.scheme
        and mine.scope == should.scope
        and (mine.body == _encode(should.data) or mine.data == should.data)
    )


def _gaps(recorded: Sequence[RecordedEvent]) -> set[int]:
    there = {event.version for event in recorded}
    return set(range(1, max(there, default=0) + 2)) - there


def _by_decision(events: Sequence[Any]) -> dict[tuple[Any, ...], Any]:
    found: dict[tuple[Any, ...], Any] = {}
    seen: Counter[tuple[Any, ...]] = Counter()
    for event in events:
        key = (event.effective_at, event.scheme, event.scope, event.topic)
        found[*key, seen[key]] = event  # one decision may warn twice
        seen[key] += 1
    return found
