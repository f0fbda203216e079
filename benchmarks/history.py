"""Sealing the sample year: decided instants a second with everything recorded, against plain SQL features alone."""

import multiprocessing
import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, NamedTuple

from application.facts.history_status import GetHistoryStatus
from application.facts.open_history import OpenHistory
from application.facts.record_facts import RecordFactStream
from application.facts.seal_history import SealHistory
from benchmarks.features_in_sql import features_a_second
from benchmarks.stage import Stage
from examples.sample_data.files import SampleFiles, write_facts
from examples.sample_data.shift import choose_shift
from infrastructure.bootstrap import System, build
from infrastructure.settings import Settings

GOAL_INSTANTS_A_SECOND = 50_000
GOAL_PEAK_MB = 1_000
PROCESSES = 2
_MODELS = Path(__file__).parents[1] / "examples" / "models"
_SCHEMES = ("value", "behaviour", "feature")


class _Share(NamedTuple):
    """What one process did."""

    subjects: int
    instants: int
    ended_at: float  # Unix seconds
    peak_mb: float


def history(stage: Stage, households: int | None = None) -> list[dict[str, Any]]:
    """All households of the year when `households` is None. One run: it is a million instants."""
    settings = stage.settings()
    files = write_facts(settings.home, choose_shift(settings.home, datetime.now(UTC)).weeks, households)
    system = build(settings)
    try:
        _sealed(system, files)
        seconds, shares = _decided(settings)
        assert sum(share.subjects for share in shares) == files.households, "not every household was decided"
    finally:
        system.close()
    instants = sum(share.instants for share in shares)
    baseline, points = features_a_second(files.facts, instants // len(_SCHEMES))
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


def _memory(shares: Sequence[_Share]) -> dict[str, Any]:
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


def _sealed(system: System, files: SampleFiles) -> None:
    """The year imported into a sealed session, with the shipped models in force."""
    session = system.open_history(OpenHistory("bench")).history_id
    with files.facts.open("rb") as lines:
        answer = system.record_facts.stream(RecordFactStream(lines, session))
    assert answer.accepted == sum(files.counts.values()), answer.rejected[:1]
    for name in _SCHEMES:
        text = (_MODELS / f"{name}.yaml").read_text(encoding="utf-8")
        view, _ = system.create_tier_model(text, "bench")
        system.fit_tier_model(view.scheme, view.version, None, "bench")
        system.activate_tier_model(view.scheme, view.version, "bench")
    sealed = system.seal_history(SealHistory(session, "bench")).history_id
    assert system.history_status(GetHistoryStatus(sealed)).subjects_pending == files.households


def _decided(settings: Settings) -> tuple[float, list[_Share]]:
    """Seconds from the word to begin until the last process has nothing left, and what each did."""
    context = multiprocessing.get_context("spawn")
    begin, shares = context.Barrier(PROCESSES + 1), context.Queue()
    processes = [context.Process(target=_decide, args=(settings, begin, shares)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    begin.wait(120)
    began = time.time()
    done = [_Share(*shares.get(timeout=600)) for _ in processes]
    for process in processes:
        process.join()
    return max(share.ended_at for share in done) - began, done


def _decide(settings: Settings, begin: Barrier, shares: "Queue[_Share]") -> None:
    """One process: decide until nobody waits whom no other process has taken."""
    system = build(settings)
    try:
        begin.wait(120)
        subjects = instants = 0
        while found := system.evaluate_due.decide_history():
            if not found[0]:
                break
            subjects, instants = subjects + found[0], instants + found[1]
        ended_at = time.time()
    finally:
        system.close()
    shares.put(_Share(subjects, instants, ended_at, _peak_mb()))


def _peak_mb() -> float:
    """Of this process's resident memory. getrusage would say the parent's, which a new process inherits."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
