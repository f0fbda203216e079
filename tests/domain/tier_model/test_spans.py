"""Ranges over points against the plain way: ask every point which facts cover it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domain.facts.table import NEVER
from domain.tier_model.spans import (
    PointIndex,
    covering_count,
    covering_distinct,
    covering_maximum,
    covering_sum,
    points_of,
    ranges_of,
)

_POINT = st.tuples(st.integers(0, 2), st.integers(0, 40))
_FACT = st.tuples(
    st.integers(0, 2),
    st.integers(-5, 45),
    st.one_of(st.integers(0, 30), st.none()),
    st.sampled_from([0, 1, -3, 2**61, -(2**62)]),
)


@given(st.lists(_POINT, min_size=1, max_size=40), st.lists(_FACT, max_size=25))
def test_every_cover_is_what_the_facts_say(at: list[tuple[int, int]], facts: list[tuple]) -> None:
    points = points_of(np.array([s for s, _ in at], dtype=np.int32), np.array([t for _, t in at], dtype=np.int64))
    assert list(zip(points.subject.tolist(), points.instant.tolist(), strict=True)) == sorted(set(at))
    subject = np.array([fact[0] for fact in facts], dtype=np.int32)
    start = np.array([fact[1] for fact in facts], dtype=np.int64)
    end = np.array([NEVER if fact[2] is None else fact[1] + fact[2] for fact in facts], dtype=np.int64)
    values = [fact[3] for fact in facts]
    ranges = ranges_of(PointIndex(points), subject, start, end)
    cover = [
        [row for row in range(len(facts)) if subject[row] == s and start[row] <= t < end[row]]
        for s, t in zip(points.subject, points.instant, strict=True)
    ]
    assert covering_count(ranges).tolist() == [len(rows) for rows in cover]
    sums, fits = covering_sum(ranges, np.array(values, dtype=np.int64))
    exact = [sum(values[row] for row in rows) for rows in cover]
    assert fits.tolist() == [-(2**63) <= value < 2**63 for value in exact]
    assert [int(v) for v, fit in zip(sums, fits, strict=True) if fit] == [v for v in exact if -(2**63) <= v < 2**63]
    priority = np.arange(len(facts))[::-1].astype(np.int64)
    assert covering_maximum(ranges, priority).tolist() == [
        max((priority[r] for r in rows), default=-1) for rows in cover
    ]
    code = np.array([s * 10 + abs(v) % 7 for s, v in zip(subject.tolist(), values, strict=True)], dtype=np.int64)
    assert covering_distinct(ranges, code).tolist() == [len({code[row] for row in rows}) for rows in cover]
