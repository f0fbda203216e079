"""Rerun every subject's timeline from the fact log and hold it against what was recorded."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from application.compliance.ports import RecordedSubjects, Records, Share
from domain.user_tier.decide import decide
from domain.user_tier.decisions import NewEvent
from domain.user_tier.scheme_order import with_read
from domain.user_tier.verify import Finding, findings_of, is_decided, lost_of

LISTED = 20


@dataclass(slots=True)
class Verification:
    """Counts of receipts and of what is wrong with them; first: the first findings in full."""

    subjects: int = 0
    checked: int = 0
    different: int = 0
    missing: int = 0
    extra: int = 0
    broken_chains: int = 0
    broken_models: int = 0
    erased: int = 0
    first: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all is as the facts say."""
        return not any(getattr(self, name) for name in _WRONG.values())

    def add(self, findings: Iterable[Finding]) -> None:
        """Count them, and keep the first."""
        for finding in findings:
            name = _WRONG[finding.problem]
            setattr(self, name, getattr(self, name) + 1)
            if len(self.first) < LISTED:
                self.first.append(finding)

    def counts(self) -> dict[str, int]:
        """All but the findings."""
        return {name: getattr(self, name) for name in COUNTS}

    def to_json(self) -> dict[str, Any]:
        """As printed."""
        return self.counts() | {"first": [asdict(finding) for finding in self.first]}


COUNTS = (
    "checked",
    "different",
    "missing",
    "extra",
    "broken_chains",
    "broken_models",
    "subjects",
    "erased",
)
_WRONG = {
    "different": "different",
    "missing": "missing",
    "extra": "extra",
    "broken-chain": "broken_chains",
    "broken-model": "broken_models",
}


class VerifyReceipts:
    """Facts that came after a decision do not disturb it: each instant sees what was known then."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def __call__(
        self, user_id: str | None = None, progress: Callable[[int, int], None] = lambda done, all_: None
    ) -> Verification:
        """Everybody, or one user. progress(subjects done, all). Raises UnknownUser."""
        found, share = Verification(), Share(user_id)
        found.add(self._records.broken_models())
        total = self._records.count(share)
        for batch in self._records.subjects(share):
            check(batch, found)
            progress(found.subjects, total)
        return found


def decide_again(batch: RecordedSubjects, scheme: str | None = None) -> list[list[NewEvent]]:
    """Per subject the events that its facts and the models give, up to where it was decided. scheme: those of one."""
    forces = batch.forces if scheme is None else with_read([scheme], batch.forces)
    result = decide(batch.subjects, batch.table, forces, max(batch.decided_at) + 1, ahead=0)
    return [
        [event for event in decided.events if event.effective_at <= until and scheme in (None, event.scheme)]
        for decided, until in zip(result.decided, batch.decided_at, strict=True)
    ]


def check(batch: RecordedSubjects, found: Verification, scheme: str | None = None) -> None:
    """Add what is found of a batch. scheme: of this one alone."""
    found.subjects += len(batch.subjects)
    found.erased += batch.erased
    found.add(Finding("broken-chain", subject_id.hex, None, None, None) for subject_id in batch.broken)
    if not batch.subjects:
        return
    again = decide_again(batch, scheme)
    for subject, events, version, expected in zip(batch.subjects, batch.events, batch.versions, again, strict=True):
        recorded = [event for event in events if is_decided(event.topic) and scheme in (None, event.scheme)]
        findings = findings_of(recorded, expected)
        named = {finding.event_id for finding in findings}
        if len(events) != version and scheme is None:
            lost = lost_of(subject.subject_id, events, version)
            unnamed = sum(finding.problem == "missing" and finding.event_id is None for finding in findings)
            findings += [finding for finding in lost if finding.event_id not in named][unnamed:]
        found.checked += _receipts(recorded, expected, clean=not findings)
        found.add(findings)


def _receipts(recorded: Iterable[Any], expected: Iterable[NewEvent], *, clean: bool) -> int:
    """How many recorded events have one. When all came out the same they need not be opened for that."""
    return sum(event.data.get("receipt") is not None for event in (expected if clean else recorded))
