"""Facts as spans of evaluation points: the arithmetic under the column executor.

A fact counts for a feature from one instant until another, so over the sorted evaluation points of a batch it covers
one range [low, high). Every feature is then a sum or a maximum over the ranges that cover a point: no loop over points,
no loop over facts, and late, voided and future facts are ordinary ranges.
"""

from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from domain.tier_model.column import Column

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ALWAYS = int(np.iinfo(np.int64).min)  # before every instant
_SAFE_SUM = 2.0**62


class Bases(msgspec.Struct, frozen=True, gc=False):
    """What a standing lays under the evaluation of each point, for models that read it.

    anchor: windows since standing hold the facts after it (ALWAYS: all). carried, settled_at: growth value left by the
    last settlement, and its instant (ALWAYS: none yet).
    """

    anchor: Int64s
    carried: Int64s
    settled_at: Int64s


class Points(msgspec.Struct, frozen=True, gc=False):
    """Where to evaluate: (subject, instant) pairs, sorted by both, each once. bases None: as if nobody stood there."""

    subject: npt.NDArray[np.int32]
    instant: Int64s
    bases: Bases | None = None

    def __len__(self) -> int:
        return len(self.instant)

    @property
    def subjects(self) -> npt.NDArray[np.int32]:
        """Whoever has a point, ascending."""
        return self.subject[starts_of(self.subject)]


def points_of(subject: npt.NDArray[np.int32], instant: Int64s) -> Points:
    """Sorted, each pair once."""
    first, last = (int(instant.min()), int(instant.max())) if len(instant) else (0, 0)
    stride = last - first + 1
    if stride * (int(subject.max(initial=0)) + 1) < 2**63:  # one integer a pair is sorted many times sooner than two
        keys = np.sort(subject.astype(np.int64) * stride + (instant - first))
        found, past = np.divmod(keys[starts_of(keys)], stride)
        return Points(found.astype(np.int32), past + first)
    order = np.lexsort((instant, subject))
    subject, instant = subject[order], instant[order]
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (subject[1:] != subject[:-1]) | (instant[1:] != instant[:-1])
    return Points(subject[fresh], instant[fresh])


def starts_of(ascending: npt.NDArray[np.int32] | Int64s) -> npt.NDArray[np.intp]:
    """Where each value of an ascending array begins."""
    fresh = np.ones(len(ascending), dtype=np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=fresh[1:])
    return fresh.nonzero()[0]


class PointIndex:
    """Finds the points of a subject from an instant on."""

    def __init__(self, points: Points) -> None:
        self.size = len(points)
        self._points = points
        self._keys = _Keys(points.subject, points.instant)
        self.first, self.last = self._keys.first, self._keys.last

    def first_at(self, subject: npt.NDArray[np.int32], instant: Int64s) -> Int64s:
        """Index of the first point of each subject at or after each instant (of the next subject's, if none)."""
        return self._keys.first_at(subject, instant)

    def first_anchored_at(self, subject: npt.NDArray[np.int32], instant: Int64s) -> Int64s:
        """Index of the first point of each subject whose anchor is at or after each instant. Anchors never go back."""
        if self._points.bases is None:
            return np.full(len(subject), self.size, dtype=np.int64)
        return _Keys(self._points.subject, self._points.bases.anchor).first_at(subject, instant)


class _Keys:
    """Sorted (subject, instant) pairs as one integer each: of the instant what lies past the first, where both fit;
    its rank where they do not."""

    def __init__(self, subject: npt.NDArray[np.int32], instant: Int64s) -> None:
        self.first, self.last = (int(instant.min()), int(instant.max())) if len(instant) else (0, 0)
        self._stride = self.last - self.first + 2
        self._ranks = None if self._stride * (int(subject.max(initial=0)) + 2) < 2**63 else np.unique(instant)
        self._keys = self._key(subject, instant)

    def first_at(self, subject: npt.NDArray[np.int32], instant: Int64s) -> Int64s:
        """Index of the first pair of each subject at or after each instant (of the next subject's, if none)."""
        return np.searchsorted(self._keys, self._key(subject, instant)).astype(np.int64)

    def _key(self, subject: npt.NDArray[np.int32], instant: Int64s) -> Int64s:
        if self._ranks is None:
            past = np.minimum(np.maximum(instant, self.first), self.last + 1) - self.first
            return np.asarray(subject.astype(np.int64) * self._stride + past)
        rank = np.searchsorted(self._ranks, instant, side="left")
        return subject.astype(np.int64) * (len(self._ranks) + 1) + rank


class Ranges(msgspec.Struct, frozen=True, gc=False):
    """Point ranges [low, high), one a fact; empty ones are left out. row: the fact each belongs to."""

    row: Int64s
    low: Int64s
    high: Int64s
    size: int


def ranges_of(
    index: PointIndex, subject: npt.NDArray[np.int32], start: Int64s, end: Int64s, lost: Int64s | None = None
) -> Ranges:
    """Ranges of the points in [start, end) of each fact's subject, and before the point `lost`, where given."""
    # Of a year of facts most have left a window before the first point of a live decision: they are not looked up.
    near = np.flatnonzero((end > index.first) & (start <= index.last))
    low, high = index.first_at(subject[near], start[near]), index.first_at(subject[near], end[near])
    if lost is not None:
        high = np.minimum(high, lost[near])
    held = high > low
    return Ranges(near[held], low[held], high[held], index.size)


def covering_count(ranges: Ranges) -> Int64s:
    """How many ranges cover each point."""
    edges = np.bincount(ranges.low, minlength=ranges.size + 1) - np.bincount(ranges.high, minlength=ranges.size + 1)
    return np.cumsum(edges)[:-1].astype(np.int64)


def covering_sum(ranges: Ranges, values: Int64s) -> tuple[Int64s, Bools]:
    """Exact sum of the covering ranges' values at each point, and where it fits int64."""
    mine = values[ranges.row]
    if float(np.abs(mine.astype(np.float64)).sum()) < _SAFE_SUM:
        edges = np.zeros(ranges.size + 1, dtype=np.int64)
        np.add.at(edges, ranges.low, mine)
        np.subtract.at(edges, ranges.high, mine)
        return np.cumsum(edges)[:-1], np.ones(ranges.size, dtype=np.bool_)
    exact = np.zeros(ranges.size + 1, dtype=object)
    np.add.at(exact, ranges.low, mine.astype(object))
    np.subtract.at(exact, ranges.high, mine.astype(object))
    sums = np.cumsum(exact)[:-1]
    limit = 2**63
    fits = np.array([-limit <= value < limit for value in sums], dtype=np.bool_)
    return np.where(fits, sums, 0).astype(np.int64), fits


def covering_maximum(ranges: Ranges, priority: Int64s) -> Int64s:
    """The greatest priority (>= 0, one a fact) among the ranges that cover each point; -1 where none does.

    A range of length n is two overlapping blocks of the greatest power of two <= n; blocks are handed down by size.
    """
    best = np.full(ranges.size, -1, dtype=np.int64)
    if not len(ranges.row):
        return best
    mine = priority[ranges.row]
    level = np.frexp((ranges.high - ranges.low).astype(np.float64))[1] - 1
    for power in range(int(level.max()), -1, -1):
        width = 1 << power
        double = best
        best = double.copy()
        if width < ranges.size:
            np.maximum(best[width:], double[:-width], out=best[width:])
        here = level == power
        np.maximum.at(best, ranges.low[here], mine[here])
        np.maximum.at(best, ranges.high[here] - width, mine[here])
    return best


def covering_distinct(ranges: Ranges, code: Int64s) -> Int64s:
    """How many different codes (>= 0, one a fact) cover each point. Codes must not be shared between subjects."""
    mine = code[ranges.row]
    order = np.lexsort((ranges.low, mine))
    group, low, high = mine[order], ranges.low[order], ranges.high[order]
    # Within a group only what lies past the furthest end so far is new cover.
    stride = ranges.size + 1
    reached = np.maximum.accumulate(group * stride + high) - group * stride
    before = np.zeros_like(reached)
    before[1:] = np.where(group[1:] == group[:-1], reached[:-1], 0)
    low = np.maximum(low, before)
    fresh = high > low
    return covering_count(Ranges(ranges.row[order][fresh], low[fresh], high[fresh], ranges.size))


def covering_top(ranges: Ranges, label: npt.NDArray[np.object_], weight: Int64s) -> Column:
    """At each point, the label whose ranges weigh most; of equals the smaller by code point; null without any."""
    found = np.empty(ranges.size, dtype=object)
    valid = np.zeros(ranges.size, dtype=np.bool_)
    edges: dict[int, list[tuple[int, int]]] = {}
    for row, low, high in zip(ranges.row.tolist(), ranges.low.tolist(), ranges.high.tolist(), strict=True):
        edges.setdefault(low, []).append((row, 1))
        edges.setdefault(high, []).append((row, -1))
    totals: dict[str, list[int]] = {}  # label -> [how many ranges, their weight]
    stops = sorted(edges)
    for stop, following in pairwise([*stops, ranges.size]):
        for row, sign in edges[stop]:
            held = totals.setdefault(label[row], [0, 0])
            held[0] += sign
            held[1] += sign * int(weight[row])
            if not held[0]:
                del totals[label[row]]
        if totals:
            found[stop:following] = min(totals, key=lambda name: (-totals[name][1], name))
            valid[stop:following] = True
    return Column(found, valid)
