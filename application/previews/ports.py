"""The whole ledger as of one moment, with a version in force that is not."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from domain.facts.table import FactTable
from domain.tier_model.migration import Migration
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Subject
from domain.user_tier.impact import Specs


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version to try. spec: as stored."""

    scheme: str
    version: int
    spec: Mapping[str, Any]
    migration: Migration


class Snapshot(Protocol):
    """Everybody, as of one moment."""

    @property
    def now(self) -> int:
        """The moment, microseconds; the candidate's instant."""
        ...

    @property
    def position(self) -> int:
        """The log's, then."""
        ...

    @property
    def total(self) -> int:
        """Subjects."""
        ...

    @property
    def specs(self) -> Specs:
        """With the candidate in force, as the last: of the schemes whose standings it may change."""
        ...

    def batches(self) -> Iterator[tuple[Sequence[Subject], FactTable, Mapping[str, tuple[Force, ...]]]]:
        """Subjects by id, their facts, and the forces that matter to them: the candidate's among them."""
        ...


class Snapshots(Protocol):
    """Where they are taken."""

    def take(self, candidate: Candidate) -> AbstractContextManager[Snapshot]:
        """Held until the context ends."""
        ...
