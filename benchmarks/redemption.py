"""One redemption, durable, against one bare transaction of an UPDATE and an INSERT: p99 of each."""

import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import psycopg

from benchmarks.grants_stage import claim, populate
from benchmarks.stage import Stage
from infrastructure.bootstrap import build

GOAL = 0.5  # of the bare p99 over ours: ours takes less than twice as long
_USERS = 1_000
_WARM = 100
_BARE_TABLES = """
create table grants (grant_id uuid primary key, user_id text not null, units bigint not null, redeemed bigint not null);
create table redemptions (redemption_id uuid primary key, grant_id uuid not null references grants,
                          units bigint not null, redeemed_at timestamptz not null default now());
"""


def redemption(stage: Stage) -> dict[str, Any]:
    """A grant of two units for each user, redeemed by one; the arms take turns, grant by grant."""
    system = build(stage.settings())
    bare = psycopg.connect(stage.database())
    try:
        grants = [claim(system, user, units=2) for user in populate(system, _USERS)]
        _populate_bare(bare, grants)
        ours: list[float] = []
        plain: list[float] = []
        for grant_id in grants:
            ours.append(_milliseconds(lambda: system.grants.redeem(grant_id, "bench", units=1, command_id=grant_id)))  # noqa: B023
            plain.append(_milliseconds(lambda: _bare(bare, grant_id)))  # noqa: B023
        (total,) = system.benefit_ledger.figures.costs("benefit").totals
        assert (total.redeemed.units, total.open.units) == (_USERS, _USERS)
    finally:
        bare.close()
        system.close()
    (middle, high), (bare_middle, bare_high) = _quantiles(ours), _quantiles(plain)
    return {
        "name": "redemption",
        "ratio": round(bare_high / high, 3),
        "goal": GOAL,
        "value": round(high, 2),
        "baseline": round(bare_high, 2),
        "unit": "ms, p99",
        "note": f"under a command id, one budget charged, event sealed; p50 {middle:.2f} ms of {_USERS - _WARM}; "
        f"against a bare transaction of UPDATE and INSERT, p50 {bare_middle:.2f} ms",
    }


def _bare(connection: psycopg.Connection, grant_id: str) -> None:
    """Two statements and the commit."""
    place = UUID(grant_id)
    connection.execute("update grants set redeemed = redeemed + 1 where grant_id = %s and redeemed < units", (place,))
    connection.execute("insert into redemptions (redemption_id, grant_id, units) values (%s, %s, 1)", (uuid4(), place))
    connection.commit()


def _populate_bare(connection: psycopg.Connection, grants: Sequence[str]) -> None:
    connection.execute(_BARE_TABLES.encode())
    with connection.cursor() as cursor:
        rows = [(UUID(grant_id), f"user-{number}") for number, grant_id in enumerate(grants)]
        cursor.executemany("insert into grants values (%s, %s, 2, 0)", rows)
    connection.commit()


def _milliseconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return (time.perf_counter() - started) * 1_000


def _quantiles(times: Sequence[float]) -> tuple[float, float]:
    """(p50, p99), the first ones left out: caches were cold."""
    middle, high = np.quantile(times[_WARM:], [0.5, 0.99])
    return float(middle), float(high)
