"""Strategies: from a tier change to the assignment and grant on the card, bulk assignment, and how even a split is."""

import statistics
import threading
import time
from collections import Counter
from contextlib import closing
from typing import Any
from uuid import UUID, uuid4

import msgspec

from application.strategies.bulk_ports import BulkWanted
from benchmarks.history import PROCESSES
from benchmarks.sample_year import activate
from benchmarks.stage import Stage
from domain.facts.instants import format_instant
from domain.strategies.arms import draw
from domain.strategies.sample_ratio import sample_ratio_p
from domain.strategies.spec import StrategySpec
from infrastructure.bootstrap import System, build
from infrastructure.settings import Settings
from interfaces.worker.main import work

GOAL_LATENCY_MS = 500.0
GOAL_ASSIGNED = 10_000
_RATE, _SECONDS = 200, 10
_BULK, _BULK_FULL = 40_000, 1_000_000
_SUBJECTS = 1_000_000
_WEIGHTS = ((50, 50), (90, 10), (99, 1), (99.9, 0.1), (33.33, 33.33, 33.34), (50, 30, 15, 5), (10,) * 10)
_MODEL = """
scheme: value
dimension: value
time_zone: UTC
currency: USD
tiers: [low, high]
features:
  spend: {sum: order.amount, within: 30 days}
rules:
  high: "spend >= money(100.00)"
"""
_COUPON = """
insert into benefits (benefit, version, status, spec, content_hash, created_at, created_by, activated_at)
values ('coupon-10', 1, 'active', %s, '', 0, 'bench', 0)
"""
_BENEFIT = {
    "benefit": "coupon-10",
    "kind": "coupon",
    "labels": {"zh-CN": "十元券", "en": "Ten off"},
    "currency": "USD",
    "time_zone": "UTC",
    "unit_cost": 1000,
    "details": {"amount_off": 1000},
}
_STRATEGY = {
    "strategy": "welcome",
    "time_zone": "UTC",
    "currency": "USD",
    "trigger": {"entered": "value.high"},
    "do": [{"grant": "coupon-10"}],
}


def strategies(stage: Stage) -> list[dict[str, Any]]:
    """Three figures, each by itself."""
    return [_latency(stage), _bulk(stage), _split()]


def _latency(stage: Stage) -> dict[str, Any]:
    """One worker; orders arrive at a steady rate, each of a user who enters the tier by it."""
    with closing(_prepared(stage.settings())) as system:
        stop = threading.Event()
        worker = threading.Thread(target=work, args=(system, stop))
        worker.start()
        sent: dict[str, float] = {}
        shown: dict[str, float] = {}
        watcher = threading.Thread(target=_watch, args=(system, sent, shown))
        watcher.start()
        began = time.perf_counter()
        for number in range(_RATE * _SECONDS // 10):  # ten at a time
            _order(system, [f"u-{number}-{each}" for each in range(10)])
            at = time.time()
            sent |= {f"u-{number}-{each}": at for each in range(10)}
            time.sleep(max(0.0, began + (number + 1) * 10 / _RATE - time.perf_counter()))
        watcher.join(120)
        stop.set()
        worker.join(30)
        changed = _changed_at(system)
    waits = sorted(1_000 * (shown[user] - changed[user]) for user in shown if user in changed)
    missing = len(sent) - len(shown)
    assert missing == 0, f"{missing} cards never showed their grant"
    p99 = waits[int(0.99 * len(waits))]
    return {
        "name": "strategy_latency",
        "ratio": round(GOAL_LATENCY_MS / p99, 2),
        "goal": 1.0,
        "value": round(p99),
        "baseline": GOAL_LATENCY_MS,
        "unit": "ms",
        "note": f"p99 from a tier change recorded to the assignment and its grant on the card in Redis, at {_RATE} "
        f"transitions a second for {_SECONDS} s, one worker that decides, reacts, grants and projects (p50 "
        f"{statistics.median(waits):.0f} ms); the ratio is goal over value",
    }


def _watch(system: System, sent: dict[str, float], shown: dict[str, float]) -> None:
    """Asks for the cards that do not show their grant yet, over and over."""
    deadline = time.monotonic() + _SECONDS + 90
    total = _RATE * _SECONDS
    while len(shown) < total and time.monotonic() < deadline:
        waiting = [user for user in list(sent) if user not in shown]
        for user, card in system.cards.read_many(waiting[:500]).items() if waiting else ():
            found = msgspec.json.decode(card)
            if found["strategies"] and found["grants"]:
                shown[user] = time.time()
        time.sleep(0.005)


def _changed_at(system: System) -> dict[str, float]:
    query = """
        select u.user_id, e.recorded_at from events e join user_ids u on u.subject_id = e.originator_id
        where e.topic = 'user-tier.tier-changed.v1' and e.to_tier = 'high'
    """
    with system.pool.connection() as connection:
        return {user: at / 1e6 for user, at in connection.execute(query).fetchall()}


def _bulk(stage: Stage) -> dict[str, Any]:
    """A strategy with two arms for everybody, by as many processes as there are cores."""
    users = _BULK_FULL if stage.full else _BULK
    settings = stage.settings()
    with closing(_prepared(settings)) as system:
        for start in range(0, users, 1_000):
            _order(system, [f"u-{number}" for number in range(start, min(start + 1_000, users))])
        while system.evaluate_due():
            pass
        _start(system, {**_BULK_STRATEGY, "strategy": "all"})
        with system.pool.connection() as connection:
            connection.execute("analyze")
        made = system.strategies.bulk.preview(BulkWanted("all", "spend > money(0.00)"), "bench")
        while system.perform_runs():
            pass
        system.strategies.bulk.run(made.bulk_id, "another", as_admin=True)
        seconds = _in_processes(settings)
        with system.pool.connection() as connection:
            row = connection.execute("select count(*), count(distinct subject_id) from assignments").fetchone()
        assert row == (users, users), f"{row} assignments of {users} users"
    return {
        "name": "strategy_bulk",
        "ratio": round(users / seconds / GOAL_ASSIGNED, 3),
        "goal": 1.0,
        "value": round(users / seconds),
        "baseline": GOAL_ASSIGNED,
        "unit": "assignments/s",
        "note": f"{users} users by {PROCESSES} processes in {seconds:.1f} s: conditions, consent, caps and arms "
        "decided under lock, the event with its baseline sealed, the assignment and its place on the card recorded",
    }


def _in_processes(settings: Settings) -> float:
    import multiprocessing

    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    processes = [context.Process(target=_perform, args=(settings, ready, go)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    began = time.perf_counter()
    go.set()
    for process in processes:
        process.join()
    return time.perf_counter() - began


def _perform(settings: Settings, ready: Any, go: Any) -> None:
    with closing(build(settings)) as system:
        ready.release()
        go.wait()
        while system.perform_runs():
            pass


def _split() -> dict[str, Any]:
    """Every split that is tried, on a million random subjects: the least likely of them by Pearson's test."""
    subjects = [uuid4() for _ in range(_SUBJECTS)]
    found = {weights: _evenness(subjects, weights) for weights in _WEIGHTS}
    least = min(found.values())
    return {
        "name": "strategy_split",
        "ratio": round(least / 0.001, 1),
        "goal": 1.0,
        "value": round(least, 4),
        "baseline": 0.001,
        "unit": "p",
        "note": f"the least p of Pearson's test over {len(_WEIGHTS)} splits of {_SUBJECTS:,} random subjects: "
        + "; ".join(f"{'/'.join(map(str, weights))} p {p:.3f}" for weights, p in found.items()),
    }


def _evenness(subjects: list[UUID], weights: tuple[float, ...]) -> float:
    arms = {f"arm-{number}": {"weight": weight, "do": []} for number, weight in enumerate(weights)}
    goal = {"sum": "order.amount", "within": "30 days"}
    plain = {**_STRATEGY, "strategy": f"split-{len(weights)}-{int(weights[0])}", "do": [], "arms": arms, "goal": goal}
    spec = StrategySpec.model_validate(plain)
    counts = Counter(draw(spec, 0.0, subject).arm or "" for subject in subjects)
    return sample_ratio_p(counts, spec.weights)


def _prepared(settings: Settings) -> System:
    system = build(settings)
    activate(system, _MODEL)
    with system.pool.connection() as connection:
        connection.execute(_COUPON, (msgspec.json.encode(_BENEFIT).decode(),))
    _start(system, _STRATEGY)
    return system


def _start(system: System, strategy: dict[str, Any]) -> None:
    system.strategies.define(msgspec.json.encode(strategy), "bench")
    system.strategies.change.start(strategy["strategy"], "bench", as_admin=True)


def _order(system: System, users: list[str]) -> None:
    from application.facts.record_facts import RecordFacts

    at = format_instant(int(time.time() * 1e6) - 1_000_000)
    facts = [
        {"fact_id": "o", "user_id": user, "kind": "order", "occurred_at": at, "amount": 20_000, "currency": "USD"}
        for user in users
    ]
    system.record_facts(RecordFacts([msgspec.json.encode(fact) for fact in facts], None))
    system.nudges.evaluator()


_BULK_STRATEGY = {
    **_STRATEGY,
    "trigger": {"by": "hand"},
    "do": [],
    "arms": {"a": {"weight": 50}, "b": {"weight": 50}},
    "goal": {"sum": "order.amount", "within": "30 days"},
}
