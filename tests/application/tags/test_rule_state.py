"""How far a rule is can be asked: before its run, in the middle, at its end, behind the log, and failed."""

from collections.abc import Iterator

import pytest

from application.tags.rule_state import RuleStates
from domain.facts.instants import parse_instant
from infrastructure.event_store.tail import LogTail
from tests.support.ledger import LedgerSystem, order
from tests.support.strategies import MODEL
from tests.support.tags import RuleTags

START = parse_instant("2026-03-02T00:00:00Z")


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        system.activate(MODEL)
        system.facts([order("o1", "ann", START, 20_000), order("o1", "bob", START)])
        system.settle()
        yield system


def test_from_before_the_run_to_the_head_of_the_log(system: LedgerSystem) -> None:
    rules = RuleTags(system)
    state_of = RuleStates(rules.runs, rules.ledger.place)
    rules.rule("rich", "spend > money(100.00)")
    before = state_of("rich", 1)
    assert (before.state, before.asked_at, before.followed, before.behind) == ("waiting", None, None, None)
    rules.follow()
    asked = state_of("rich", 1)
    assert (asked.state, (asked.asked_at or "")[:10], asked.changed) == ("waiting", "2026-03-02", 0)
    rules.settle()
    done = state_of("rich", 1)
    assert (done.state, done.users_done, done.users, done.changed, done.errors) == ("done", 2, 2, 1, [])
    assert done.behind == 0
    system.facts([order("o2", "bob", START, 20_000)])
    system.settle()
    behind = state_of("rich", 1).behind
    assert behind and behind == LogTail(system.pool, system.keyring).head() - (done.followed or 0)
    rules.settle()
    rules.settle()  # what following itself has recorded is read, too
    assert state_of("rich", 1).behind == 0


def test_a_run_that_failed_says_why(system: LedgerSystem) -> None:
    rules = RuleTags(system)
    rules.rule("rich", "spend > money(100.00)")
    rules.follow()
    part = rules.runs.take(["rule-tag"], None)
    assert part is not None
    rules.runs.end(part, "out of order")
    rules.settle()
    state = RuleStates(rules.runs, rules.ledger.place)("rich", 1)
    assert (state.state, state.errors) == ("failed", ["out of order"])
