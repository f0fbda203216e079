"""Sealing the sample year: decided instants a second with everything recorded, against plain SQL features alone."""

import multiprocessing
import resource
import time
from collections.abc import Sequence
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.features_in_sql import features_a_second
from benchmarks.sample_year import SCHEMES, sealed_year
from benchmarks.stage import Stage
from examples.sample_data.files import SampleFiles
from infrastructure.bootstrap import build
from infrastructure.settings import Settings

GOAL_INSTANTS_A_SECOND = 50_000
GOAL_PEAK_MB = 1_000
PROCESSES = 2


class Share(NamedTuple):
    """What one process did."""

    subjects: int
    instants: int
    ended_at: float  # Unix seconds
    peak_mb: float
    cpu_seconds: float


def history(stage: Stage, households: int | None = None) -> list[dict[str, Any]]:
    """All households of the year when `households` is None. One run: it is a million instants."""
    settings = stage.settings()
    system = build(settings)
    try:
        files = sealed_year(system, SCHEMES, households)
        seconds, shares = decided(settings)
        assert sum(share.subjects for share in shares) == files.households, "not every household was decided"
    finally:
        system.close()
    instants = sum(share.instants for share in shares)
    baseline, points = features_a_second(files.facts, instants // len(SCHEMES))
    return [_speed(instants / seconds, baseline, instants, points, files), _memory(shares)]


def _speed(value: float, baseline: float, instants: int, points: int, files: SampleFiles) -> dict[str, Any]:
    return {
        "name": "history",
        "ratio": round(value / baseline, 3),
        "goal": round(GOAL_INSTANTS_A_SECOND / baseline, 3),
        "value": round(value),
        "baseline": round(baseline),
        "unit": "instants/s",
        "note": f"{instants} instants of {files.households} households on three schemes, read, decided and recorded "
        f"with receipts by {PROCESSES} processes; against DuckDB computing the same features alone, in memory, at "
        f"{points} points; the goal is {GOAL_INSTANTS_A_SECOND} instants/s",
    }


def _memory(shares: Sequence[Share]) -> dict[str, Any]:
    peak = max(share.peak_mb for share in shares)
    return {
        "name": "history_memory",
        "ratio": round(GOAL_PEAK_MB / peak, 2),
        "goal": 1.0,
        "value": round(peak),
        "baseline": GOAL_PEAK_MB,
        "unit": "MB",
        "note": f"the larger of {len(shares)} deciding processes at its peak, resident; together "
        f"{sum(share.peak_mb for share in shares):.0f} MB; the ratio is goal over value",
    }


def decided(settings: Settings) -> tuple[float, list[Share]]:
    """Seconds from the word to begin until the last process has nothing left, and what each did."""
    context = multiprocessing.get_context("spawn")
    begin, shares = context.Barrier(PROCESSES + 1), context.Queue()
    processes = [context.Process(target=_decide, args=(settings, begin, shares)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    begin.wait(120)
    began = time.time()
    done = [Share(*shares.get(timeout=3_600)) for _ in processes]
    for process in processes:
        process.join()
    return max(share.ended_at for share in done) - began, done


def _decide(settings: Settings, begin: Barrier, shares: "Queue[Share]") -> None:
    """One process: decide until nobody waits whom no other process has taken."""
    system = build(settings)
    try:
        begin.wait(120)
        started = time.process_time()
        subjects = instants = 0
        while found := system.evaluate_due.decide_history():
            if not found[0]:
                break
            subjects, instants = subjects + found[0], instants + found[1]
        ended_at = time.time()
    finally:
        system.close()
    shares.put(Share(subjects, instants, ended_at, peak_mb(), time.process_time() - started))


def peak_mb() -> float:
    """Of this process's resident memory. getrusage would say the parent's, which a new process inherits."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
