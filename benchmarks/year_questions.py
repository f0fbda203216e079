"""Long questions asked of the decided sample year: verification, an impact preview, the effect of a model."""

import statistics
import time
from collections.abc import Callable
from typing import Any

from application.compliance.verify_receipts import VerifyReceipts
from application.effects.measure_model_effect import Measure
from benchmarks.evaluation_shadow import candidate_of
from benchmarks.sample_year import sealed_year
from benchmarks.stage import Stage
from infrastructure.bootstrap import System, build
from infrastructure.compliance.records import PostgresRecords

GOAL_RECEIPTS_A_SECOND = 20_000
GOAL_PREVIEW_SECONDS = 10
GOAL_EFFECT_SECONDS = 10
_ROUNDS = 3


def year_questions(stage: Stage) -> list[dict[str, Any]]:
    """Three shipped models, all households; each question is asked three times by one process, the median counts."""
    system = build(stage.settings())
    try:
        households = sealed_year(system).households
        while system.evaluate_due.decide_history()[0]:
            pass
        with system.pool.connection() as connection:
            connection.autocommit = True
            connection.execute("vacuum analyze")
            connection.autocommit = False
        return [
            _verified(system, households),
            _asked(system, "impact_preview", GOAL_PREVIEW_SECONDS, _preview(system), households),
            _asked(system, "model_effect", GOAL_EFFECT_SECONDS, _effect(system), households),
        ]
    finally:
        system.close()


def _verified(system: System, households: int) -> dict[str, Any]:
    verify = VerifyReceipts(PostgresRecords(system.pool, system.keyring))
    walls, cores, checked = [], [], 0
    for _ in range(_ROUNDS):
        began, began_cpu = time.perf_counter(), time.process_time()
        found = verify()
        walls.append(time.perf_counter() - began)
        cores.append(time.process_time() - began_cpu)
        assert found.clean, found
        checked = found.checked
    wall, cpu = statistics.median(walls), statistics.median(cores)
    return {
        "name": "verify_receipts",
        "ratio": round(checked / wall / GOAL_RECEIPTS_A_SECOND, 3),
        "goal": 1.0,
        "value": round(checked / wall),
        "baseline": GOAL_RECEIPTS_A_SECOND,
        "unit": "receipts/s",
        "note": f"one process, {checked} receipts of {households} households on three schemes in {wall:.1f} s: all "
        "facts of the year read and proved, every instant walked again, every receipt built and compared; of its own "
        f"processor time {cpu:.1f} s, so {checked / cpu:.0f} receipts a second of a core; the ratio is value over goal",
    }


def _asked(system: System, name: str, goal: float, ask: Callable[[], str], households: int) -> dict[str, Any]:
    seconds, cores = [], []
    for _ in range(_ROUNDS):
        began, began_cpu = time.perf_counter(), time.process_time()
        run_id = ask()
        while system.perform_runs(run_id):
            pass
        seconds.append(time.perf_counter() - began)
        cores.append(time.process_time() - began_cpu)
    median = statistics.median(seconds)
    return {
        "name": name,
        "ratio": round(goal / median, 3),
        "goal": 1.0,
        "value": round(median, 2),
        "baseline": goal,
        "unit": "s",
        "note": f"asked and answered by one process for all {households} households of the year, in one snapshot, "
        f"{statistics.median(cores):.1f} s of its own processor time; the ratio is goal over value",
    }


def _preview(system: System) -> Callable[[], str]:
    version = candidate_of(system)
    system.fit_tier_model("value", version, None, "bench", only_needed=True)

    return lambda: system.preview_tier_model("value", version, "bench")[1]


def _effect(system: System) -> Callable[[], str]:
    return lambda: system.measure_model_effect("value", Measure(), "bench")
