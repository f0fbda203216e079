"""Everybody's facts and transitions on one scheme, as of one moment."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from domain.effects.model_effect import InForce
from domain.effects.transitions import Transition
from domain.facts.table import FactTable
from domain.tier_model.compiled import CompiledModel


@dataclass(frozen=True, slots=True)
class Past:
    """What was in force on a scheme, oldest first, and these versions by number."""

    in_force: Sequence[InForce]
    models: Mapping[int, CompiledModel]


class Population(Protocol):
    """One snapshot of the ledger."""

    @property
    def position(self) -> int:
        """The log's, then."""
        ...

    @property
    def total(self) -> int:
        """Subjects that are decided."""
        ...

    @property
    def past(self) -> Past:
        """Of the scheme."""
        ...

    def batches(
        self, kinds: Collection[str] | None, lines: bool
    ) -> Iterator[tuple[UUID, FactTable, Sequence[Transition]]]:
        """Subjects by id, some thousand at a time: the last one's id, all their facts, and their transitions on the
        scheme, of each by their instants. kinds: whose attributes are read, None: all."""
        ...


class Populations(Protocol):
    """Where they are taken."""

    def take(self, scheme: str) -> AbstractContextManager[Population]:
        """Held until the context ends."""
        ...
