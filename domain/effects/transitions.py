"""Who stood on which tier when: the transitions of a batch of subjects as columns. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NOBODY = -1  # the code of no tier

Codes = npt.NDArray[np.int16]
Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of tier. subject: its number in the batch; effective_at in microseconds."""

    subject: int
    scope: str
    to_tier: str
    effective_at: int


class TierCodes:
    """Small numbers for tiers' names: those of the newest version first, in their order, others as they are met."""

    def __init__(self, tiers: Sequence[str]) -> None:
        self.names = list(tiers)
        self._codes = {tier: code for code, tier in enumerate(tiers)}

    def of(self, tier: str) -> int:
        """The tier's."""
        code = self._codes.get(tier)
        if code is None:
            code = self._codes[tier] = len(self.names)
            self.names.append(tier)
        return code

    def renamed(self, codes: Codes, mapping: Mapping[str, str]) -> Codes:
        """The codes by which standings go after an activation that maps tiers so."""
        if not mapping:
            return codes
        known = {self.of(old): self.of(new) for old, new in mapping.items()}
        names = np.arange(len(self.names) + 1, dtype=np.int16)
        for old, new in known.items():
            names[old] = new
        names[NOBODY] = NOBODY
        return np.asarray(names[codes])


class StandingsOverTime:
    """The standings of a batch. Those who stand are numbered: each a subject, or one of its scopes."""

    def __init__(
        self, transitions: Sequence[Transition], number_of: Mapping[tuple[int, str], int], size: int, codes: TierCodes
    ) -> None:
        """transitions: of each stander in the order of their instants. size: how many may stand."""
        self._size = size
        self._who = np.array([number_of[one.subject, one.scope] for one in transitions], dtype=np.int64)
        self._tier = np.array([codes.of(one.to_tier) for one in transitions], dtype=np.int16)
        self._from = np.array([one.effective_at for one in transitions], dtype=np.int64)

    def at(self, instant: int) -> Codes:
        """Where each stands then, NOBODY before their first tier."""
        standing = np.full(self._size, NOBODY, dtype=np.int16)
        past = self._from <= instant
        standing[self._who[past]] = self._tier[past]  # of many for one stander the last stays
        return standing
