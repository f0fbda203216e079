"""A year told live, fact by fact under the manual clock, gives the decisions of the same year sealed as history."""

import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from application.facts.record_facts import RecordFactStream
from domain.facts.instants import SECOND, parse_instant
from examples.sample_data import write_facts
from tests.support.ledger import LedgerSystem

MODELS = ("value", "behaviour", "feature")
DAY = 86_400 * SECOND


@pytest.fixture(scope="module")
def sample_facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_facts(tmp_path_factory.mktemp("sample"), weeks=450, households=4).facts


def _decisions(system: LedgerSystem) -> dict[str, list[tuple[Any, ...]]]:
    """Live facts are known up to some microseconds after they occurred: instants are compared by the second."""
    return {
        user: [(e["topic"], e["scheme"], e["from"], e["to"], e["at"] // SECOND) for e in events if e["scheme"]]
        for user, events in system.events().items()
    }


@pytest.fixture(scope="module")
def facts(sample_facts: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in sample_facts.read_text().splitlines()]
    return sorted(lines, key=lambda fact: parse_instant(fact["occurred_at"]))


def _sealed(dsn: str, sample_facts: Path, until: int) -> tuple[dict[str, list[tuple[Any, ...]]], list[dict[str, Any]]]:
    with LedgerSystem(dsn, manual_clock=True) as system:
        system.clock.set(until - DAY)
        session = system.sessions.open("test")
        with sample_facts.open("rb") as lines:
            answer = system.record.stream(RecordFactStream(lines, session.history_id))
        assert answer.rejected_count == 0
        for name in MODELS:
            system.activate(Path(f"examples/models/{name}.yaml").read_text())
        specs = [system.spec(name) for name in MODELS]
        system.clock.set(until)
        system.sessions.seal(session.history_id, "test")
        system.settle()
        assert {e["cause"] for events in system.events().values() for e in events if e["scheme"]} == {"history"}
        return _decisions(system), specs


@pytest.mark.parametrize("days_late", [0, 5], ids=["quick worker", "worker five days late"])
def test_live_equals_history(
    days_late: int, database: str, other_database: str, sample_facts: Path, facts: list[dict[str, Any]]
) -> None:
    until = parse_instant(facts[-1]["occurred_at"]) + 40 * DAY
    expected, specs = _sealed(database, sample_facts, until)
    with LedgerSystem(other_database, manual_clock=True) as system:
        system.clock.set(parse_instant(facts[0]["occurred_at"]) - DAY)
        for spec in specs:
            system.activate(spec)
        decided_at = 0
        for occurred_at, together in groupby(facts, key=lambda fact: parse_instant(fact["occurred_at"])):
            if occurred_at - 1 > system.clock.now():
                system.clock.set(occurred_at - 1)
            assert system.facts(list(together)).rejected == []
            if occurred_at - decided_at >= days_late * DAY:
                system.settle()
                decided_at = occurred_at
        system.clock.set(until)
        system.settle()
        assert _decisions(system) == expected
        assert sum(len(events) for events in expected.values()) > 50
