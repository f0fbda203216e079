"""What happens to users between being looked at and being locked counts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest

from application.strategies.bulk_ports import BulkAssignment, BulkWanted, Seen, Taken, Taking
from domain.facts.history import SubjectInHistory
from domain.strategies.admission import Running
from domain.strategies.cause import Cause
from infrastructure.strategies.bulk import PostgresBulkAssignments
from infrastructure.strategies.desk import PostgresAssignmentDesk
from tests.support.ledger import order
from tests.support.strategies import MODEL, StrategySystem

START = 1_772_355_600_000_000  # 2026-03-01T09:00:00Z
WHERE = "spend between money(50.00) and money(210.00)"
USERS = ("ann", "bob", "cho", "dan")


@pytest.fixture
def system(database: str) -> Iterator[StrategySystem]:
    with StrategySystem(database) as system:
        system.clock.set(START)
        system.activate(MODEL)
        for user in USERS:
            system.spends(user, 20_000, START)
        system.react()
        system.start(trigger={"by": "hand"}, do=[{"notify": "sms", "template": "hello"}])
        yield system


class Bulk:
    """One by a condition, whose users are looked at and taken in by hand."""

    def __init__(self, system: StrategySystem) -> None:
        self.ledger = PostgresBulkAssignments(system.pool, system.keyring)
        self.desk = PostgresAssignmentDesk(system.pool, system.keyring)
        bulk = system.strategies.bulk.preview(BulkWanted("welcome", WHERE), "ann")
        self.bulk: BulkAssignment = bulk
        self.taking = Taking(bulk.wanted, Cause("bulk", bulk.bulk_id, START), "ann", str(uuid4()))

    def seen(self) -> Sequence[Seen]:
        return self.ledger.seen(self.bulk, None, 0, 1, 100)

    def take_in(self, seen: Sequence[Seen]) -> Taken:
        running: Running = self.desk.as_if_started("welcome")
        asked = replace(running, where=self.ledger.condition(WHERE))
        return self.ledger.take_in(self.taking, asked, seen)


def test_whoever_has_changed_is_asked_again(system: StrategySystem) -> None:
    bulk = Bulk(system)
    seen = bulk.seen()
    assert len(seen) == len(USERS)
    system.spends("bob", 5_000, START, "o-2")  # too much for the condition
    system.spends("cho", 500, START, "o-2")
    system.settle()
    taken = bulk.take_in(seen)
    assert (len(taken.assigned), taken.not_addressed, system.told("bob")) == (3, 1, [])
    assert system.told("ann")[0]["baseline"]["features"]["value"]["spend"] == 20_000
    assert system.told("cho")[0]["baseline"]["features"]["value"]["spend"] == 20_500


def test_whoever_opts_out_meanwhile_is_skipped(system: StrategySystem) -> None:
    bulk = Bulk(system)
    seen = bulk.seen()
    profile = {"fact_id": "p", "user_id": "bob", "kind": "profile", "attributes": {"personalisation_opt_out": True}}
    assert not system.facts([{**profile, "occurred_at": "2026-03-01T09:00:00Z"}]).rejected
    system.settle()
    taken = bulk.take_in(seen)
    assert (len(taken.assigned), list(taken.skipped), taken.not_addressed) == (3, ["opted-out"], 0)
    assert system.topics("bob") == ["skipped: opted-out"]


def test_whoever_is_undecided_is_named_and_left_alone(system: StrategySystem) -> None:
    late = [f"late-{number}" for number in range(20)]
    for user in late:
        system.spends(user, 20_000, START)
    system.settle()
    bulk = Bulk(system)
    seen = bulk.seen()
    for user in late:
        system.spends(user, 500, START, "o-2")
    taken = bulk.take_in(seen)
    assert (len(taken.assigned), sorted(name for name, _ in taken.undecided)) == (len(USERS), sorted(late))
    assert system.told("late-7") == []
    system.settle()
    again = bulk.take_in([one for _, one in taken.undecided])
    assert (len(again.assigned), again.undecided) == (len(late), [])
    assert system.told("late-7")[0]["baseline"]["features"]["value"]["spend"] == 20_500


def test_a_strategy_that_was_paused_meanwhile_takes_nobody_in(system: StrategySystem) -> None:
    bulk = Bulk(system)
    seen = bulk.seen()
    system.strategies.change.pause("welcome", "ann")
    taken = bulk.take_in(seen)
    assert (taken.assigned, taken.skipped, taken.not_addressed) == ([], [], 4)
    assert system.assignments() == []


def test_taken_in_twice_it_is_told_once(system: StrategySystem) -> None:
    bulk = Bulk(system)
    seen = bulk.seen()
    first = bulk.take_in(seen)
    before = system.events()
    assert sorted(map(str, bulk.take_in(seen).assigned)) == sorted(map(str, first.assigned))
    assert system.events() == before
    assert first.held > 0


def test_one_whose_history_is_being_loaded_is_named(system: StrategySystem) -> None:
    session = system.sessions.open("test")
    system.facts([order("h-1", "eve", START - 1_000_000)], session.history_id)
    bulk = Bulk(system)
    bulk.bulk = system.strategies.bulk.preview(BulkWanted("welcome", by_list=True), "ann", ["eve"])
    seen = bulk.seen()
    assert len(seen) == 1
    with pytest.raises(SubjectInHistory, match="eve"):
        bulk.take_in(seen)
