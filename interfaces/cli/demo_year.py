"""The sample year into the log: facts as history, the three shipped models in force, every user decided."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from uuid import UUID

from application.facts.history_status import GetHistoryStatus
from application.facts.open_history import OpenHistory
from application.facts.record_facts import RecordFactStream
from application.facts.seal_history import SealHistory
from domain.facts.history import UnknownHistory
from domain.facts.instants import to_datetime
from domain.refusal import Complaint, Refusal
from examples.sample_data import choose_shift
from interfaces.cli.terminal import bar, warn

ACTOR = "demo"
MODELS = ("value", "behaviour", "feature")
_NOTE = "demo.json"
_MODEL_FILES = Path(__file__).parents[2] / "examples" / "models"


class InstallationInUse(Refusal):
    """The demo brings its own models, which would take the place of those in force."""

    def __init__(self, schemes: list[str]) -> None:
        super().__init__(
            f"There are tier models here that the demo did not bring: {', '.join(schemes)}.",
            Complaint(
                "TIERLINE_HOME", None, "run the demo with another TIERLINE_HOME, where it has a database of its own"
            ),
        )


def load_year(system: Any, households: int | None) -> dict[str, Any]:
    """Goes on from wherever it was left. households: None for all. What was loaded, and whether that was before.

    Raises InstallationInUse.
    """
    home: Path = system.settings.home
    history_id = _session(system, home / _NOTE)
    shift = choose_shift(home, to_datetime(system.clock.now()))
    warn(f"The sample year: {shift}.")
    sealed = system.history_status(GetHistoryStatus(history_id)).session.sealed_at is not None
    if not sealed:
        _import(system, history_id, shift.weeks, households)
    for name in MODELS:
        _bring_into_force(system, name)
    system.seal_history(SealHistory(history_id, ACTOR))
    _decide(system, history_id)
    system.nudges.projectors()
    return {"weeks": shift.weeks, "history_id": str(history_id), "loaded_before": sealed}


def _session(system: Any, note: Path) -> UUID:
    """The demo's history session: noted when it was opened, so that a second run finds it, sealed or not."""
    if note.exists():
        history_id = UUID(json.loads(note.read_text())["history_id"])
        try:
            system.history_status(GetHistoryStatus(history_id))
            return history_id
        except UnknownHistory:
            warn(f"{note} tells of a demo in another database: starting anew.")
    others = sorted({view.scheme for view in system.tier_models.versions() if view.created_by != ACTOR})
    if others:
        raise InstallationInUse(others)
    opened: UUID = system.open_history(OpenHistory(ACTOR, resume=True)).history_id
    note.write_text(json.dumps({"history_id": str(opened)}) + "\n")
    return opened


def _import(system: Any, history_id: UUID, weeks: int, households: int | None) -> None:
    with tempfile.TemporaryDirectory(prefix="tierline-demo-") as directory:
        warn("Writing the year as a file of facts.")
        # In a process of its own, which gives its memory back.
        command = [sys.executable, "-m", "examples.sample_data", "--to", directory, "--weeks", str(weeks)]
        command += [] if households is None else ["--households", str(households)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        path = Path(directory) / "facts.ndjson"
        with path.open("rb") as lines, bar("recording facts") as report:
            for _ in system.record_facts.progress(RecordFactStream(lines, history_id)):
                report(lines.tell(), path.stat().st_size)


def _bring_into_force(system: Any, name: str) -> None:
    """Drafts, fits and activates what is not yet; a version in force stays."""
    view, _ = system.create_tier_model((_MODEL_FILES / f"{name}.yaml").read_bytes(), ACTOR)
    with bar(f"fitting {name}") as report:
        system.fit_tier_model(view.scheme, view.version, None, ACTOR, report)
    system.activate_tier_model(view.scheme, view.version, ACTOR)


def _decide(system: Any, history_id: UUID) -> None:
    """Side by side with the worker, until nobody of the session waits."""
    waiting = total = system.history_status(GetHistoryStatus(history_id)).subjects_pending
    with bar("deciding users") as report:
        while waiting:
            taken, _ = system.evaluate_due.decide_history()
            waiting = system.history_status(GetHistoryStatus(history_id)).subjects_pending
            if not taken:
                system.evaluate_due.require_progress(waiting)
            report(total - waiting, total)
