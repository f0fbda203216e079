"""Rerun every subject's timeline from the fact log and hold it against what was recorded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from application.compliance.ports import RecordedSubjects, Records
from domain.user_tier.decide import decide
from domain.user_tier.decisions import NewEvent
from domain.user_tier.verify import Finding, findings_of

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
    erased: int = 0
    first: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all is as the facts say."""
        return not (self.different or self.missing or self.extra or self.broken_chains)

    def to_json(self) -> dict[str, Any]:
        """As printed."""
        return {
            "checked": self.checked,
            "different": self.different,
            "missing": self.missing,
            "extra": self.extra,
            "broken_chains": self.broken_chains,
            "subjects": self.subjects,
            "erased": self.erased,
            "first": [msgspec.to_builtins(finding) for finding in self.first],
        }


class VerifyReceipts:
    """Facts that came after a decision do not disturb it: each instant sees what was known then."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def __call__(
        self, user_id: str | None = None, progress: Callable[[int, int], None] = lambda done, all_: None
    ) -> Verification:
        """Everybody, or one user. progress(subjects done, all). Raises UnknownUser."""
        found = Verification()
        total = 1 if user_id is not None else self._records.count()
        for batch in self._records.subjects(user_id):
            _check(batch, found)
            progress(found.subjects, total)
        return found


def decide_again(batch: RecordedSubjects) -> list[list[NewEvent]]:
    """Per subject the events that its facts and the models give, up to where it was decided."""
    result = decide(batch.subjects, batch.table, batch.forces, max(batch.decided_at) + 1)
    return [
        [event for event in decided.events if event.effective_at <= until]
        for decided, until in zip(result.decided, batch.decided_at, strict=True)
    ]


def _check(batch: RecordedSubjects, found: Verification) -> None:
    found.subjects += len(batch.subjects)
    found.erased += batch.erased
    found.broken_chains += len(batch.broken)
    _list(found, [Finding("broken-chain", subject_id.hex, None, None, None) for subject_id in batch.broken])
    if not batch.subjects:
        return
    for recorded, expected in zip(batch.events, decide_again(batch), strict=True):
        problems = findings_of(recorded, expected)
        found.checked += sum("receipt" in event.data for event in recorded)
        found.different += sum(problem.problem == "different" for problem in problems)
        found.missing += sum(problem.problem == "missing" for problem in problems)
        found.extra += sum(problem.problem == "extra" for problem in problems)
        _list(found, problems)


def _list(found: Verification, problems: list[Finding]) -> None:
    found.first += problems[: LISTED - len(found.first)]
