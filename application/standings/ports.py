"""Standings that a programme before this one left, and where they are taken over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.tier_model.spec import TierModelSpec


@dataclass(frozen=True, slots=True)
class OpeningLine:
    """One line of an import. line: its number in the file, from 1. since, valid_until: microseconds.

    growth: the balance carried in, whole; None where the scheme has no growth value or the facts earn it.
    """

    line: int
    user_id: str
    scheme: str
    tier: str
    since: int
    scope: str = ""
    valid_until: int | None = None
    growth: int | None = None


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why a line cannot be taken over: field, value, what to do."""

    line: int
    field: str
    value: object
    remedy: str


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of some lines. again: they were taken over before, as they are."""

    taken: int
    again: int
    faults: Sequence[LineFault]
    position: int


class OpeningLedger(Protocol):
    """Where standings are taken over."""

    def in_force(self) -> tuple[Mapping[str, Sequence[TierModelSpec]], int]:
        """By scheme the specs in force, oldest first (several while one is rolled out), and now (microseconds)."""
        ...

    def faults(self, lines: Sequence[OpeningLine]) -> Sequence[LineFault]:
        """Of users who are decided already, and of tiers that are gone. Whom nobody named yet, and who waits in an open
        history, is free."""
        ...

    def take_over(self, lines: Sequence[OpeningLine], actor: str) -> TakenOver:
        """In one transaction: who has facts in an open history is decided from its sealing on, anybody else at once.

        All lines of one user stand together. A line with a fault is left out, with all others of its user.
        """
        ...
