"""What verification reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.facts.table import FactTable
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Subject
from domain.user_tier.verify import Finding, RecordedEvent


@dataclass(frozen=True, slots=True)
class RecordedSubjects:
    """Some subjects of one history session (or of none), all they are decided from, and what was recorded for them.

    decided_at: per subject, up to where it was decided; versions: how many events it is to have. broken: subjects
    whose chain of fact rows does not hold. through: everybody up to this subject is read with it; None: not yet.
    """

    subjects: Sequence[Subject]
    table: FactTable
    forces: Mapping[str, tuple[Force, ...]]
    decided_at: Sequence[int]
    versions: Sequence[int]
    events: Sequence[Sequence[RecordedEvent]]
    broken: Sequence[UUID]
    erased: int
    through: UUID | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """Who is to be read: everybody, or one user; of these the subjects of one of `parts` equal shares, from `after` on.

    parts: 1 to 256, a power of 2.
    """

    user_id: str | None = None
    part: int = 0
    parts: int = 1
    after: UUID | None = None


EVERYBODY = Share()


class Records(Protocol):
    """The ledger, read for proof."""

    def count(self, share: Share = EVERYBODY) -> int:
        """Subjects with decisions, of all of the share. Raises UnknownUser."""
        ...

    def broken_models(self) -> Sequence[Finding]:
        """Versions that were in force and are not as they were recorded, and activations that are not."""
        ...

    def subjects(self, share: Share = EVERYBODY) -> Iterator[RecordedSubjects]:
        """Some hundred at a time, by their ids, each batch in one snapshot. Raises UnknownUser."""
        ...

    def subject(self, subject_id: UUID) -> Iterator[RecordedSubjects]:
        """One subject; nothing when there is none with decisions."""
        ...
