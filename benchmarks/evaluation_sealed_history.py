"""Deciding the sample year with nothing recorded: instants a second out of the fact log, and out of memory."""

import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple

from application.evaluation.evaluate_due import EvaluateDue
from benchmarks.features_in_sql import features_a_second
from benchmarks.sample_year import sealed_year
from benchmarks.stage import Stage
from benchmarks.unrecorded import HistoryUnrecorded, InMemory
from infrastructure.bootstrap import build
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.settings import Settings

GOAL_INSTANTS_A_SECOND = 200_000
PROCESSES = 2
_TIMES_IN_MEMORY = 3


class _Share(NamedTuple):
    """What one process did. Unix seconds."""

    instants: int
    read_by: float
    began_in_memory: float
    decided_by: float


def evaluation_sealed_history(stage: Stage) -> list[dict[str, Any]]:
    """The shipped value model. One long run for each of the two figures."""
    settings = stage.settings()
    system = build(settings)
    try:
        files = sealed_year(system, ("value",))
    finally:
        system.close()
    began, shares = _decided(settings)
    instants = sum(share.instants for share in shares)
    from_log = instants / (max(share.read_by for share in shares) - began)
    in_memory = (
        _TIMES_IN_MEMORY
        * instants
        / (max(share.decided_by for share in shares) - min(share.began_in_memory for share in shares))
    )
    baseline, points = features_a_second(files.facts, instants, schemes=1)
    against = (
        f"{instants} instants of {files.households} households on the value model, by {PROCESSES} processes, receipts "
        f"made, nothing written; against DuckDB computing the same features alone, in memory, at {points} points; "
        f"the goal is {GOAL_INSTANTS_A_SECOND} instants/s; "
    )
    return [
        _figure("evaluation_sealed_history", from_log, baseline, against + "facts read from the log and unsealed"),
        _figure("evaluation_sealed_history_in_memory", in_memory, baseline, against + "facts already in memory"),
    ]


def _figure(name: str, value: float, baseline: float, note: str) -> dict[str, Any]:
    return {
        "name": name,
        "ratio": round(value / baseline, 3),
        "goal": round(GOAL_INSTANTS_A_SECOND / baseline, 3),
        "value": round(value),
        "baseline": round(baseline),
        "unit": "instants/s",
        "note": note,
    }


def _decided(settings: Settings) -> tuple[float, list[_Share]]:
    """When the word to begin was given, Unix seconds, and what each process did."""
    context = multiprocessing.get_context("spawn")
    barrier, shares = context.Barrier(PROCESSES + 1), context.Queue()
    processes = [context.Process(target=_decide, args=(settings, barrier, shares)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    barrier.wait(120)
    began = time.time()
    barrier.wait(600)
    done = [_Share(*shares.get(timeout=600)) for _ in processes]
    for process in processes:
        process.join()
    return began, done


def _decide(settings: Settings, barrier: Barrier, shares: "Queue[_Share]") -> None:
    """One process: what no other has taken out of the log, then the same again out of memory."""
    system = build(settings)
    try:
        ledger = HistoryUnrecorded(PostgresEvaluationLedger(system.pool, system.keyring), system.pool)
        barrier.wait(120)
        instants = _all_of(EvaluateDue(ledger).decide_history)  # type: ignore[arg-type]
        read_by = time.time()
        barrier.wait(600)
        began = time.time()
        for _ in range(_TIMES_IN_MEMORY):
            assert _all_of(EvaluateDue(InMemory(ledger.taken)).decide_history) == instants  # type: ignore[arg-type]
        decided_by = time.time()
    finally:
        system.close()
    shares.put(_Share(instants, read_by, began, decided_by))


def _all_of(decide: Callable[[], tuple[int, int]]) -> int:
    """Instants decided until nobody is left."""
    instants = 0
    while True:
        subjects, decided = decide()
        if not subjects:
            return instants
        instants += decided
