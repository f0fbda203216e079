"""What rules read besides their own model: the subject's tiers on other schemes, and its tags."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from domain.tier_model.column import Column
from domain.tier_model.spans import Int64s, Points
from domain.user_tier.tags import TagSpan

Moments = tuple[npt.NDArray[np.int32], Int64s]


class TierPath:
    """Where subjects stood on a scheme: a tier from each instant on, null before the first."""

    def __init__(self, subject: Sequence[int], instant: Sequence[int], tier: Sequence[str]) -> None:
        """One entry for each change, in any order but that of the changes of one instant."""
        subjects, instants = np.array(subject, dtype=np.int32), np.array(instant, dtype=np.int64)
        order = np.lexsort((instants, subjects))
        self._subject, self._instant = subjects[order], instants[order]
        tiers = np.empty(len(tier), dtype=object)
        tiers[:] = tier
        self._tier = tiers[order]

    def at(self, subject: npt.NDArray[np.int32], instant: Int64s) -> Column:
        """The tiers at the instants, changes of that very instant made."""
        values = np.full(len(subject), None, dtype=object)
        if not len(self._tier):
            return Column(values, np.zeros(len(subject), dtype=np.bool_))
        instants = np.unique(self._instant)
        width = len(instants) + 1
        keys = self._subject.astype(np.int64) * width + np.searchsorted(instants, self._instant) + 1
        wanted = subject.astype(np.int64) * width + np.searchsorted(instants, instant, side="right")
        last = np.searchsorted(keys, wanted, side="right") - 1
        valid = (last >= 0) & (self._subject[last] == subject)
        values[valid] = self._tier[last[valid]]
        return Column(values, valid)

    @property
    def moments(self) -> Moments:
        """(subjects, instants) of the changes."""
        return self._subject, self._instant


@dataclass(frozen=True, slots=True)
class Outside:
    """For the subjects of one table. owner: which subject of tiers and tags each is; None: the same one.

    own_tiers: tiers of schemes that are kept for the table's own subjects, where these are scopes.
    """

    tiers: Mapping[str, TierPath] = field(default_factory=dict)
    own_tiers: Mapping[str, TierPath] = field(default_factory=dict)
    tags: Sequence[Sequence[TagSpan]] = ()
    owner: npt.NDArray[np.int32] | None = None

    def tier(self, scheme: str, points: Points) -> Column:
        """The tier on a scheme at each point; null on one that nobody stands on."""
        if scheme in self.own_tiers:
            return self.own_tiers[scheme].at(points.subject, points.instant)
        path = self.tiers.get(scheme, _NOWHERE)
        return path.at(self._owners(points.subject), points.instant)

    def tag(self, tag: str, points: Points) -> Column:
        """Whether the tag is there at each point."""
        there = np.zeros(len(points), dtype=np.bool_)
        starts = np.searchsorted(points.subject, np.arange(int(points.subject.max(initial=-1)) + 2)).tolist()
        for subject in np.unique(points.subject).tolist():
            rows = slice(starts[subject], starts[subject + 1])
            for span in self._tags_of(subject):
                if span.tag == tag:
                    there[rows] |= (points.instant[rows] >= span.start) & (points.instant[rows] < span.end)
        return Column(there, np.ones(len(points), dtype=np.bool_))

    def moments(self, schemes: frozenset[str], tags: frozenset[str], subjects: int) -> list[Moments]:
        """(subjects, instants) at which one of these may change."""
        found = [self.own_tiers[scheme].moments for scheme in sorted(schemes & self.own_tiers.keys())]
        found += [
            self._of_owners(self.tiers[s].moments)
            for s in sorted(schemes & self.tiers.keys())
            if s not in self.own_tiers
        ]
        if tags and self.tags:
            pairs = [
                (subject, instant)
                for subject in range(subjects)
                for span in self._tags_of(subject)
                if span.tag in tags
                for instant in (span.start, span.end)
            ]
            found.append((np.array([s for s, _ in pairs], np.int32), np.array([i for _, i in pairs], np.int64)))
        return found

    def _owners(self, subject: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        return subject if self.owner is None else self.owner[subject]

    def _tags_of(self, subject: int) -> Sequence[TagSpan]:
        if not self.tags:
            return ()
        return self.tags[subject if self.owner is None else int(self.owner[subject])]

    def _of_owners(self, moments: Moments) -> Moments:
        """Moments of subjects as moments of all that they own."""
        if self.owner is None:
            return moments
        subject, instant = moments
        low, high = np.searchsorted(self.owner, subject), np.searchsorted(self.owner, subject, side="right")
        counts = high - low
        offsets = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return (np.repeat(low, counts) + offsets).astype(np.int32), np.repeat(instant, counts)


_NOWHERE = TierPath((), (), ())
NOTHING_OUTSIDE = Outside()
