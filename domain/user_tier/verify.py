"""Holds what was recorded for a subject against what its facts and the models say. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from domain.user_tier.decisions import NewEvent, event_id_of

Problem = Literal["different", "missing", "extra", "broken-chain"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. recorded and expected: as far as there are any."""

    problem: Problem
    subject: str
    event_id: str | None
    recorded: dict[str, Any] | None
    expected: dict[str, Any] | None


def findings_of(recorded: Sequence[NewEvent], expected: Sequence[NewEvent]) -> list[Finding]:
    """Recorded decisions against recomputed ones.

    Decisions are matched by topic, scheme, scope and instant. A receipt that differs, a decision that should be there
    and is not, and one that is and should not be are three different findings.
    """
    there, wanted = _by_decision(recorded), _by_decision(expected)
    findings = []
    for key in sorted(there.keys() | wanted.keys()):
        mine, should = there.get(key), wanted.get(key)
        if mine is None and should is not None:
            findings.append(Finding("missing", should.subject_id.hex, None, None, told(should)))
        elif mine is not None and should is None:
            findings.append(Finding("extra", mine.subject_id.hex, _id(mine), told(mine), None))
        elif mine is not None and should is not None and told(mine) != told(should):
            findings.append(Finding("different", mine.subject_id.hex, _id(mine), told(mine), told(should)))
    return findings


def same_decision(event: NewEvent, recorded: Sequence[NewEvent], expected: Sequence[NewEvent]) -> NewEvent | None:
    """Which of the recomputed decisions answers to one of the recorded; matched as in findings_of."""
    key = next(key for key, mine in _by_decision(recorded).items() if mine.version == event.version)
    return _by_decision(expected).get(key)


def told(event: NewEvent) -> dict[str, Any]:
    """What a decision says: all that has to come out the same."""
    return {"topic": event.topic, "from": event.from_tier, "to": event.to_tier, **event.data}


def _by_decision(events: Sequence[NewEvent]) -> dict[tuple[Any, ...], NewEvent]:
    found: dict[tuple[Any, ...], NewEvent] = {}
    seen: Counter[tuple[Any, ...]] = Counter()
    for event in events:
        key = (event.effective_at, event.scheme, event.scope, event.topic)
        found[*key, seen[key]] = event  # one decision may warn twice
        seen[key] += 1
    return found


def _id(event: NewEvent) -> str:
    return event_id_of(event.subject_id, event.version)
