"""How cost and memory grow with the number of users: the exponent of time over users, the peak of each process."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from application.facts.open_history import OpenHistory
from application.facts.record_facts import RecordFactStream
from application.facts.seal_history import SealHistory
from benchmarks.history import decided
from benchmarks.sample_year import activate
from benchmarks.stage import Stage
from infrastructure.bootstrap import build

GOAL_EXPONENT = 1.05
GOAL_GROWTH = 1.5  # of the peak memory, from the smallest number of users to the largest
_USERS = (10_000, 30_000, 100_000)
_USERS_FULL = (10_000, 100_000, 1_000_000)
FACTS = 4  # of each user, within a year
_DAY = timedelta(days=1)
MODEL = """
scheme: value
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, mid, high]
features:
  recency:   {days_since: order}
  frequency: {count: order, within: 90 days}
  spend:     {sum: order.amount, minus: refund.amount, within: 90 days}
scores:
  m: {of: spend, bins: 3, best: high, cuts: [5000, 12000]}
rules:
  high: {enter: "m = 3 and recency <= 60", keep: "m >= 2"}
  mid: "m >= 2 or frequency >= 3"
policy: {upgrade: immediate, downgrade: {review: continuous, grace: 30 days}}
"""


class _Run(NamedTuple):
    users: int
    import_seconds: float
    decide_seconds: float
    cpu_seconds: float  # of the deciding processes
    instants: int
    peak_mb: float  # of the larger deciding process


def evaluation_scaling(stage: Stage) -> list[dict[str, Any]]:
    """Each size has a database of its own. One run a size: the larger ones are long."""
    sizes = _USERS_FULL if stage.full else _USERS
    _run(stage, sizes[0] // 5)  # the machine is warm
    runs = [_run(stage, users) for users in sizes]
    told = ", ".join(
        f"{run.users}: import {run.import_seconds:.1f} s, decide {run.decide_seconds:.1f} s, {run.peak_mb:.0f} MB"
        for run in runs
    )
    users = [run.users for run in runs]
    imports = _exponent(users, [run.import_seconds for run in runs])
    processor = _exponent(users, [run.cpu_seconds for run in runs])
    exponent = _exponent(users, [run.decide_seconds for run in runs])
    growth = runs[-1].peak_mb / runs[0].peak_mb
    return [
        {
            "name": "evaluation_scaling",
            "ratio": round(GOAL_EXPONENT / exponent, 3),
            "goal": 1.0,
            "value": round(exponent, 3),
            "baseline": GOAL_EXPONENT,
            "unit": "exponent",
            "note": f"of the time over users with {FACTS} facts each, sealed, then read, decided and recorded by two "
            f"processes ({told}); of their processor time {processor:.3f}, of importing {imports:.3f}; "
            f"{runs[-1].instants} instants at the largest, {runs[-1].instants / runs[-1].decide_seconds:.0f} a second; "
            "the ratio is goal over value",
        },
        {
            "name": "evaluation_scaling_memory",
            "ratio": round(GOAL_GROWTH / growth, 3),
            "goal": 1.0,
            "value": round(growth, 3),
            "baseline": GOAL_GROWTH,
            "unit": "times",
            "note": f"peak resident memory of a deciding process at {runs[-1].users} users over that at "
            f"{runs[0].users} ({runs[-1].peak_mb:.0f} over {runs[0].peak_mb:.0f} MB); the ratio is goal over value",
        },
    ]


def _run(stage: Stage, users: int) -> _Run:
    settings = stage.settings()
    system = build(settings)
    try:
        activate(system, MODEL)
        session = system.open_history(OpenHistory("bench")).history_id
        started = time.perf_counter()
        answer = system.record_facts.stream(RecordFactStream(lines(users), session))
        import_seconds = time.perf_counter() - started
        assert answer.accepted == users * FACTS, answer.rejected[:1]
        system.seal_history(SealHistory(session, "bench"))
    finally:
        system.close()
    seconds, shares = decided(settings)
    assert sum(share.subjects for share in shares) == users, "not every user was decided"
    instants = sum(share.instants for share in shares)
    processor = sum(share.cpu_seconds for share in shares)
    return _Run(users, import_seconds, seconds, processor, instants, max(share.peak_mb for share in shares))


def lines(users: int) -> Iterator[bytes]:
    """NDJSON, made as it is read: user by user of a chunk, in time order within it, as a shop would export it."""
    first = datetime.now(UTC) - 360 * _DAY
    for start in range(0, users, 1_000):
        for fact in range(FACTS):
            for user in range(start, min(start + 1_000, users)):
                at = first + (80 * fact + 7 * user % 80) * _DAY
                yield (
                    b'{"fact_id":"o%d","source":"shop","user_id":"u%d","kind":"order","occurred_at":"%s",'
                    b'"amount":%d,"currency":"CNY","attributes":{"channel":"app"}}'
                ) % (fact, user, at.isoformat().encode(), 1_000 + (user * 7919 + fact * 104_729) % 9_000)


def _exponent(users: Sequence[int], seconds: Sequence[float]) -> float:
    """Slope of the line through the logarithms."""
    return float(np.polyfit(np.log(users), np.log(seconds), 1)[0])
