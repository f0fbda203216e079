"""The sample year in a sealed history session, with shipped models in force: what several benchmarks stand on."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from application.facts.history_status import GetHistoryStatus
from application.facts.open_history import OpenHistory
from application.facts.record_facts import RecordFactStream
from application.facts.seal_history import SealHistory
from examples.sample_data.files import SampleFiles, write_facts
from examples.sample_data.shift import choose_shift
from infrastructure.bootstrap import System

SCHEMES = ("value", "behaviour", "feature")
_MODELS = Path(__file__).parents[1] / "examples" / "models"


def sealed_year(system: System, schemes: Sequence[str] = SCHEMES, households: int | None = None) -> SampleFiles:
    """Import the year, put the models in force and seal: everybody waits to be decided. households None: all."""
    home = system.settings.home
    files = write_facts(home, choose_shift(home, datetime.now(UTC)).weeks, households)
    session = system.open_history(OpenHistory("bench")).history_id
    with files.facts.open("rb") as lines:
        answer = system.record_facts.stream(RecordFactStream(lines, session))
    assert answer.accepted == sum(files.counts.values()), answer.rejected[:1]
    for name in schemes:
        activate(system, (_MODELS / f"{name}.yaml").read_text(encoding="utf-8"))
    sealed = system.seal_history(SealHistory(session, "bench")).history_id
    assert system.history_status(GetHistoryStatus(sealed)).subjects_pending == files.households
    return files


def activate(system: System, text: str) -> None:
    """Take the model in, fit what it leaves to be fitted, put it in force."""
    view, _ = system.create_tier_model(text, "bench")
    if "fitted" in text:
        system.fit_tier_model(view.scheme, view.version, None, "bench")
    system.activate_tier_model(view.scheme, view.version, "bench")
