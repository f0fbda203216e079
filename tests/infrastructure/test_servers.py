"""What the parts of an installation say of themselves."""

from typing import Any

import pytest

from domain.facts.instants import SECOND
from infrastructure import servers
from infrastructure.health import PartFaulty, PartOff
from tests.application.evaluation.test_evaluate import MODEL, START
from tests.support.ledger import LedgerSystem, order


def test_who_waits_too_long_for_a_decision_is_told(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = None
    alive: list[str] = []
    monkeypatch.setattr(servers, "live_workers", lambda _: alive)
    with LedgerSystem(database, manual_clock=True) as system:
        worker = servers.checks(system.pool, nothing, nothing, nothing, lambda: "")["worker"]
        with pytest.raises(PartOff):
            worker()
        alive.append("one")
        system.clock.set(START)
        system.activate(MODEL)
        session = system.sessions.open("test").history_id
        system.facts([order("o1", "ann", START - SECOND)], session)
        system.sessions.seal(session, "test")
        system.facts([order("o1", "bob", START)])
        assert worker() == "1 alive"
        system.clock.set(START + 3_700 * SECOND)
        with pytest.raises(PartFaulty, match=r"1 alive; users due .*: 1; histories sealed .*: 1"):
            worker()
        system.settle()
        assert worker() == "1 alive"
