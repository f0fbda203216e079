"""Long questions asked at the command line: done here, beside any worker, with progress."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from application.runs.ports import Run

_OTHERS_WORK_SECONDS = 0.1


def performed(system: Any, read: Callable[[], "Run"], run_id: str, report: Callable[[int, int], None]) -> "Run":
    """Do the run's parts until none is left, and wait for those that others do. read: how far it is."""

    def kept() -> None:
        run = read()
        report(run.done, run.total)

    while True:
        worked = system.perform_runs(run_id, kept)
        run = read()
        if run.state in ("done", "failed"):
            return run
        if not worked:
            kept()
            time.sleep(_OTHERS_WORK_SECONDS)
