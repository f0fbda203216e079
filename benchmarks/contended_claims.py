"""Claims on one budget from many threads: recorded and sealed, against a bare conditional UPDATE and an INSERT."""

import statistics
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any
from uuid import uuid4

from benchmarks.grants_stage import claim, populate
from benchmarks.stage import Stage
from infrastructure.bootstrap import System, build
from infrastructure.postgres.pool import Pool, open_pool

GOAL = 0.5
THREADS = 16
_USERS = 2_000
_ROUNDS = 5
_SECONDS = 2.0
_BARE_TABLES = """
create table budgets (budget text primary key, remaining bigint not null);
insert into budgets values ('spring', 1000000000000000);
create table claims (claim_id uuid primary key, user_id text not null, budget text not null, amount bigint not null,
                     claimed_at timestamptz not null default now());
"""


def contended_claims(stage: Stage) -> dict[str, Any]:
    """Medians of rounds in which the arms take turns, with all threads and with one."""
    system = build(stage.settings())
    try:
        users = populate(system, _USERS)
        with open_pool(stage.database(), THREADS, THREADS, name="bench-bare") as pool:
            with pool.connection() as connection:
                connection.execute(_BARE_TABLES.encode())
            arms = {"ours": _ours(system, users), "bare": _bare(pool, users)}
            found = {threads: _alternate(arms, threads) for threads in (THREADS, 1)}
        _check(system)
    finally:
        system.close()
    return _figure(found[THREADS], found[1])


def _figure(rates: dict[str, float], alone: dict[str, float]) -> dict[str, Any]:
    return {
        "name": "contended_claims",
        "ratio": round(rates["ours"] / rates["bare"], 3),
        "goal": GOAL,
        "value": round(rates["ours"]),
        "baseline": round(rates["bare"]),
        "unit": "claims/s",
        "note": f"{THREADS} threads in process on one budget: user locked, terms judged, budget charged, event sealed; "
        "group commit is on our side; against UPDATE … WHERE remaining > 0 and INSERT, a commit each; "
        f"one thread alone: ratio {alone['ours'] / alone['bare']:.2f}, {alone['ours']:.0f} a second",
    }


def _ours(system: System, users: Any) -> Callable[[], object]:
    numbers = count()
    return lambda: claim(system, users[next(numbers) * 7 % _USERS])


def _bare(pool: Pool, users: Any) -> Callable[[], object]:
    """Two round trips and the commit's: as anybody would write it, with statements prepared by the driver."""
    numbers = count()

    def run() -> None:
        with pool.connection() as connection:
            connection.execute(
                "update budgets set remaining = remaining - 1000 where budget = 'spring' and remaining >= 1000"
            )
            connection.execute(
                "insert into claims (claim_id, user_id, budget, amount) values (%s, %s, 'spring', 1000)",
                (uuid4(), users[next(numbers) * 7 % _USERS]),
            )

    return run


def _alternate(arms: dict[str, Callable[[], object]], threads: int) -> dict[str, float]:
    for arm in arms.values():
        _per_second(arm, threads, 0.5)
    rates: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(_ROUNDS):
        for name, arm in arms.items():
            rates[name].append(_per_second(arm, threads, _SECONDS))
    return {name: statistics.median(found) for name, found in rates.items()}


def _per_second(arm: Callable[[], object], threads: int, seconds: float) -> float:
    done = [0] * threads
    until = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < until:
            arm()
            done[number] += 1

    started = time.perf_counter()
    running = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def _check(system: System) -> None:
    """The budget has promised what was granted."""
    (budget,) = system.benefit_ledger.figures.liability("benefit").budgets
    (total,) = system.benefit_ledger.figures.costs("benefit").totals
    assert budget.reserved == total.granted.cost == total.open.cost > 0
