"""The whole sample year, sealed as history: every household stands at the end of every day where SQL says it should."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from application.facts.record_facts import RecordFactStream
from examples.sample_data import SampleFiles, write_facts
from tests.journeys.sample_year_oracle import SampleYear, Steps, differences
from tests.reference.zones import instant, zone
from tests.support.ledger import LedgerSystem

MODELS = ("value", "behaviour", "feature")
WEEKS = 450
SHIFT = timedelta(weeks=WEEKS)
FITTED_AT = instant("2026-08-18T15:00:00Z")  # the year ends on 16 August
SEALED_AT = instant("2026-08-19T12:00:00Z")
LAST_DAY = date(2026, 8, 18)


@dataclass(frozen=True)
class Recorded:
    """What the product recorded. tiers: by scheme and user. models: as activated, with their cuts."""

    tiers: dict[str, dict[str, Steps]]
    models: dict[str, dict]


@pytest.mark.timeout(900)
def test_every_household_stands_where_it_should_at_the_end_of_every_day(database, tmp_path):
    """One test, so that the year is loaded once."""
    files = write_facts(tmp_path, weeks=WEEKS)
    recorded = _recorded(database, files)
    year = SampleYear(files.facts, SEALED_AT)
    first_day = date(2016, 11, 13) + SHIFT  # the day before the first campaign
    for name, model in recorded.models.items():
        assert _cuts(year.fitted(_shipped(name), FITTED_AT)) == _cuts(model)
        expected = year.tiers(model)
        assert len(expected) == files.households
        wrong = differences(name, zone(model["time_zone"]), expected, recorded.tiers[name], first_day, LAST_DAY)
        assert not wrong, f"{len(wrong)} of {files.households} x {(LAST_DAY - first_day).days + 1}: {wrong[:5]}"
        assert sum(map(len, expected.values())) > files.households  # they do move


def _recorded(dsn: str, files: SampleFiles) -> Recorded:
    """Loaded, fitted, activated and sealed, under a clock that stands still but for that."""
    with LedgerSystem(dsn, manual_clock=True) as system:
        system.clock.set(FITTED_AT)
        session = system.sessions.open("test")
        with files.facts.open("rb") as lines:
            answer = system.record.stream(RecordFactStream(lines, session.history_id))
        assert (answer.accepted, answer.rejected_count) == (sum(files.counts.values()), 0)
        for name in MODELS:
            system.activate(_text(name), at=FITTED_AT)
        system.clock.set(SEALED_AT)
        system.sessions.seal(session.history_id, "test")
        system.settle()
        tiers: dict[str, dict[str, Steps]] = {name: {} for name in MODELS}
        for user, events in system.events().items():
            for event in events:
                if event["topic"] == "user-tier.tier-changed.v1":
                    tiers[event["scheme"]].setdefault(user, []).append((event["at"], event["to"]))
        return Recorded(tiers, {name: system.spec(name) for name in MODELS})


def _cuts(model: dict) -> dict[str, list]:
    return {name: list(score["cuts"]) for name, score in model.get("scores", {}).items()}


def _shipped(name: str) -> dict:
    return yaml.safe_load(_text(name))


def _text(name: str) -> str:
    return (Path(__file__).parents[2] / "examples" / "models" / f"{name}.yaml").read_text(encoding="utf-8")
