"""What verification reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.facts.table import FactTable
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Subject
from domain.user_tier.decisions import NewEvent


@dataclass(frozen=True, slots=True)
class RecordedSubjects:
    """Some subjects of one history session (or of none), all they are decided from, and what was recorded for them.

    decided_at: per subject, up to where it was decided; broken: subjects whose chain of fact rows does not hold.
    """

    subjects: Sequence[Subject]
    table: FactTable
    forces: Mapping[str, tuple[Force, ...]]
    decided_at: Sequence[int]
    events: Sequence[Sequence[NewEvent]]
    broken: Sequence[UUID]
    erased: int


class Records(Protocol):
    """The ledger, read for proof."""

    def count(self) -> int:
        """Subjects with decisions."""
        ...

    def subjects(self, user_id: str | None) -> Iterator[RecordedSubjects]:
        """Everybody (or one user), some hundred at a time, each batch in one snapshot. Raises UnknownUser."""
        ...

    def subject(self, subject_id: UUID) -> Iterator[RecordedSubjects]:
        """One subject; nothing when there is none with decisions."""
        ...
