"""Merging users on a real ledger: as a whole or not at all, with nothing lost, and proven afterwards."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from application.identity.link_user_id import LinkUserId
from application.identity.merge_users import MergeUsers
from application.identity.split_user import SplitUser
from application.queries import UnknownUser
from domain.facts.history import SubjectInHistory
from domain.facts.instants import SECOND, parse_instant
from domain.tier_model.reviewing import WordsInvalid
from domain.user_tier.decide import Command
from domain.user_tier.merging import FactsConflict, SameUser, UserIdInvalid, UserIdTaken
from domain.user_tier.tags import ADDED
from infrastructure.event_store.application import Ledger
from infrastructure.identity.ledger import PostgresIdentities
from infrastructure.postgres.pool import transaction
from infrastructure.queries.ledger import PostgresLedgerQueries
from tests.support.ledger import LedgerSystem, order
from tests.support.waiting import wait_for

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {"orders": {"count": "order"}, "spend": {"sum": "order.amount"}},
    "rules": {"high": "orders >= 4", "mid": "orders >= 2"},
}


class Identities:
    """Linking, merging and splitting over a ledger."""

    def __init__(self, system: LedgerSystem, **options: Any) -> None:
        self.ledger = PostgresIdentities(system.pool, system.keyring, system.evaluation, **options)
        self.link, self._merge, self._split = (make(self.ledger) for make in (LinkUserId, MergeUsers, SplitUser))

    def merge(self, user: str, other: str, **named: Any) -> Any:
        return self._merge(user, other, "key:op", reason="one person", **named)

    def split(self, user: str, *leaving: str, **named: Any) -> Any:
        return self._split(user, leaving, "key:op", reason="two people", **named)


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        system.activate(MODEL)
        system.facts([order(f"a{n}", "ann", START, 100, note=f"n{n}") for n in range(2)])
        system.facts([order(f"b{n}", "bob", START + n, 1_000, channel="app") for n in range(3)])
        system.settle()
        yield system


@pytest.fixture
def identities(system: LedgerSystem) -> Identities:
    return Identities(system)


def tier(system: LedgerSystem, user: str) -> str:
    return system.observed(user).schemes["value"][""].standing.tier


def features(system: LedgerSystem, user: str) -> dict[str, Any]:
    return dict(system.observed(user).schemes["value"][""].features)


def topics(system: LedgerSystem, user: str) -> list[str]:
    return [event["topic"][10:-3] for event in system.events()[user]]


def test_the_survivor_has_the_facts_of_both(system: LedgerSystem, identities: Identities) -> None:
    assert (tier(system, "ann"), tier(system, "bob")) == ("mid", "mid")
    system.clock.set(START + DAY)
    done = identities.merge("ann", "bob")
    assert (done.user_ids, done.facts, done.known_already) == (["ann", "bob"], 3, 0)
    assert system.settle() == 1
    assert (tier(system, "ann"), features(system, "bob")) == ("high", {"orders": 5, "spend": 3_200})
    assert topics(system, "ann") == topics(system, "bob")
    assert topics(system, "ann")[-2:] == ["user-absorbed", "tier-changed"]
    absorbed, moved = system.events()["ann"][-2:]
    assert absorbed["user_ids"] == ["bob"] and absorbed["reason"] == "one person"
    assert moved["at"] == absorbed["facts_known_at"] == absorbed["at"] + 1
    assert moved["cause"] == "late-fact" and moved["receipt"]["facts_seen"] == 5
    system.assert_proven()
    again = system.facts([order("b0", "bob", START, 1_000, channel="app"), order("b9", "bob", START, 1)])
    assert (again.duplicates, again.accepted) == (1, 1)
    system.settle()
    assert features(system, "ann")["orders"] == 6
    system.assert_proven()


def test_of_who_ended_while_somebody_waited_there_is_nothing_to_lock(
    system: LedgerSystem, identities: Identities
) -> None:
    bob = _subject(system, "bob")
    identities.merge("ann", "bob")
    with transaction(system.pool) as connection:
        work = system.evaluation.lock_all(connection, [bob])
        assert (work.rows, work.work.subjects, work.seals) == ([], [], {})


def test_the_other_ends_and_is_left_alone(system: LedgerSystem, identities: Identities) -> None:
    bob, ledger = _subject(system, "bob"), Ledger(system.pool, system.keyring)
    system.clock.set(START + DAY)
    identities.merge("ann", "bob")
    ended, alive = ledger.user_tier(bob), ledger.user_tier(_subject(system, "bob"))
    assert ended is not None and alive is not None
    assert (ended.merged_into, alive.merged_into) == (alive.id.hex, None)
    system.clock.set(START + 2 * DAY)
    system.activate({**MODEL, "rules": {"high": "orders >= 9", "mid": "orders >= 2"}})
    assert system.settle() == 1, "an activation does not reach whom nobody names"
    sizes = PostgresLedgerQueries(system.pool, system.keyring)
    assert sum(sizes.distribution("value", None).tiers.values()) == 1
    assert sum(sizes.distribution("value", START + SECOND).tiers.values()) == 2, "as it was then"
    before = START + DAY - SECOND
    assert sum(sizes.distribution("value", None, known_at=before).tiers.values()) == 2, "nobody knew of it"
    assert sum(flow.count for flow in sizes.flows("value", START + SECOND, None, known_at=before).flows) == 2
    assert sum(flow.count for flow in sizes.flows("value", START + SECOND, None).flows) == 1
    system.assert_proven()


def _subject(system: LedgerSystem, user: str) -> Any:
    with system.pool.connection() as connection:
        row = connection.execute("select subject_id from user_ids where user_id = %s", (user,)).fetchone()
    assert row is not None
    return row[0]


def test_tags_are_united_and_pins_are_the_survivors(system: LedgerSystem, identities: Identities) -> None:
    for user, tag, until in (
        ("ann", "a", None),
        ("bob", "b", START + 9 * DAY),
        ("ann", "both", START + DAY),
        ("bob", "both", START + 5 * DAY),
        ("ann", "longer", START + 5 * DAY),
        ("bob", "longer", START + DAY),
        ("bob", "over", START + 60),
    ):
        system.add_tag(user, tag, "key:op", until=until)
    system.clock.set(START + 3_600 * SECOND)
    identities.merge("ann", "bob")
    system.settle()
    seen = system.observed("ann")
    assert seen.tags == ["a", "b", "both", "longer"]
    assert seen.tag_until == {"b": START + 9 * DAY, "both": START + 5 * DAY, "longer": START + 5 * DAY}
    system.assert_proven()


def test_a_fact_on_both_sides_counts_once_and_a_conflict_merges_nothing(
    system: LedgerSystem, identities: Identities
) -> None:
    system.facts([order("a0", "bob", START, 100, note="n0"), order("a1", "bob", START, 7)])
    system.settle()
    before = system.events()
    with pytest.raises(FactsConflict) as refused:
        identities.merge("ann", "bob")
    assert [one.value for one in refused.value.complaints] == ["/a1"]
    assert system.events() == before
    void = {"fact_id": "v1", "user_id": "bob", "kind": "void", "occurred_at": "2026-03-02T00:00:00Z"}
    system.facts([void | {"attributes": {"fact_id": "a1", "reason": "wrong"}}])
    done = identities.merge("ann", "bob")
    assert (done.facts, done.known_already) == (3, 1)
    system.settle()
    assert features(system, "ann") == {"orders": 5, "spend": 3_200}, "the survivor's own a1 still counts"
    system.assert_proven()


def test_a_void_of_either_holds(system: LedgerSystem, identities: Identities) -> None:
    system.facts([order("a0", "bob", START, 100, note="n0")])
    void = {"fact_id": "v1", "user_id": "bob", "kind": "void", "occurred_at": "2026-03-02T00:00:00Z"}
    system.facts([void | {"attributes": {"fact_id": "a0", "reason": "returned"}}])
    system.settle()
    identities.merge("ann", "bob")
    system.settle()
    assert features(system, "ann")["orders"] == 4
    system.assert_proven()


def test_one_after_the_other_into_one(system: LedgerSystem, identities: Identities) -> None:
    system.facts([order("c0", "eve", START)])
    system.settle()
    identities.merge("bob", "eve")
    identities.merge("ann", "bob")
    system.settle()
    assert features(system, "eve")["orders"] == 6
    assert identities.ledger.user_ids("eve") == ["ann", "bob", "eve"]
    with system.pool.connection() as connection:
        into = connection.execute("select distinct merged_into from timelines where merged_into is not null").fetchall()
    assert into == [(_subject(system, "ann"),)]
    system.assert_proven()


def test_a_command_happens_once_under_its_name(system: LedgerSystem, identities: Identities) -> None:
    first = identities.merge("ann", "bob", command_id="k/1")
    again = identities.merge("ann", "bob", command_id="k/1")
    assert again.position <= first.position and again.user_ids == first.user_ids
    assert topics(system, "ann").count("user-absorbed") == 1


def test_refusals_record_nothing(system: LedgerSystem, identities: Identities) -> None:
    session = system.sessions.open("test")
    system.facts([order("o1", "old", START - DAY)], session.history_id)
    before = system.events()
    for other, refusal in (("ann", SameUser), ("nobody", UnknownUser), ("old", SubjectInHistory)):
        with pytest.raises(refusal):
            identities.merge("ann", other)
    with pytest.raises(WordsInvalid):
        MergeUsers(identities.ledger)("ann", "bob", "key:op", reason=" ")
    identities.link("ann", "app-1", "key:op")
    with pytest.raises(SameUser, match="names the same user already"):
        identities.merge("ann", "app-1")
    assert {user: events for user, events in system.events().items() if user == "bob"} == {"bob": before["bob"]}


def test_a_linked_id_is_the_user(system: LedgerSystem, identities: Identities) -> None:
    done = identities.link("ann", "app-1", "key:op")
    assert (done.user_ids, done.changed) == (["ann", "app-1"], True)
    assert identities.link("ann", "app-1", "key:op").changed is False
    first = identities.link("ann", "app-0", "key:op", command_id="k/0")
    assert identities.link("ann", "app-0", "key:op", command_id="k/0").changed is True
    assert first.user_ids == ["ann", "app-0", "app-1"]
    assert identities.link("app-1", "app-2", "key:op").user_ids == ["ann", "app-0", "app-1", "app-2"]
    system.facts([order("x1", "app-2", START)])
    system.settle()
    assert features(system, "ann")["orders"] == 3
    with pytest.raises(UserIdTaken):
        identities.link("ann", "bob", "key:op")
    with pytest.raises(UnknownUser):
        identities.link("nobody", "app-9", "key:op")
    for wrong in ("", "x" * 201, "a\nb"):
        with pytest.raises(UserIdInvalid):
            identities.link("ann", wrong, "key:op")
    linked = [event for event in system.events()["ann"] if event["topic"] == "user-tier.user-id-linked.v1"]
    assert [event["user_id"] for event in linked] == ["app-1", "app-0", "app-2"]
    system.assert_proven()


def test_what_else_belongs_to_the_other_goes_over_with_it(system: LedgerSystem) -> None:
    """The place where grants and assignments will move: in the transaction, told on the survivor's stream."""
    seen = []

    def move(connection: Any, survivor: Any, other: Any, now: int) -> list[Command]:
        seen.append((survivor, other))
        return [Command(now, ADDED, {"tag": "moved", "until": None, "reason": ""}, "key:op", "")]

    ann, bob = _subject(system, "ann"), _subject(system, "bob")
    Identities(system, moves=[move]).merge("ann", "bob")
    assert seen == [(ann, bob)]
    assert topics(system, "ann")[-2:] == ["user-absorbed", "tag-added"]


def test_a_crash_before_the_commit_leaves_nothing(database: str, system: LedgerSystem, identities: Identities) -> None:
    before = (system.events(), identities.ledger.user_ids("bob"))
    take_pair = identities.ledger.take_pair

    @contextmanager
    def dying(user: str, other: str) -> Iterator[Any]:
        with take_pair(user, other) as pair:
            go_over = pair._go_over

            def killed() -> None:
                go_over()  # copies, user ids and the end of the other are written
                with psycopg.connect(database, autocommit=True) as killer:
                    killer.execute("select pg_terminate_backend(%s)", (pair._connection.info.backend_pid,))

            pair._go_over = killed  # type: ignore[method-assign]
            yield pair

    identities.ledger.take_pair = dying  # type: ignore[method-assign, assignment]
    with pytest.raises(psycopg.OperationalError):
        identities.merge("ann", "bob")
    identities.ledger.take_pair = take_pair  # type: ignore[method-assign]
    assert (system.events(), identities.ledger.user_ids("bob")) == before
    system.settle()
    system.assert_proven()
    assert identities.merge("ann", "bob").facts == 3


def test_crosswise_one_of_two_merges_wins(system: LedgerSystem, identities: Identities) -> None:
    def merge(pair: tuple[str, str]) -> str:
        try:
            identities.merge(*pair)
        except SameUser:
            return "refused"
        return "merged"

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(merge, [("ann", "bob"), ("bob", "ann")]))
    assert outcomes == ["merged", "refused"]
    system.settle()
    assert features(system, "ann")["orders"] == 5
    system.assert_proven()


def test_facts_that_come_meanwhile_are_not_lost(system: LedgerSystem, identities: Identities) -> None:
    """Writers of both users while they are merged: whatever was acknowledged counts for the survivor."""
    users = [(f"s{number}", f"o{number}") for number in range(8)]
    system.facts([order("first", user, START) for pair in users for user in pair])
    system.settle()

    def write(writer: int) -> int:
        accepted = 0
        for number in range(25):
            facts = [
                order(f"w{writer}-{number}", user, START)
                for pair in users
                for user in pair
                if number % 2 or user[0] == "o"
            ]
            accepted += system.facts(facts).accepted
        return accepted

    def merge(pair: tuple[str, str]) -> None:
        survivor, other = pair
        with system.pool.connection() as connection:
            connection.execute("select pg_sleep(0.01)")
        identities.merge(survivor, other)

    # "first" is on both sides with the same content; a fact that goes to both ids after the merge is there once.
    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(write, writer) for writer in range(2)]
        for pair in users:
            merge(pair)
        total = sum(writer.result() for writer in writers)
    system.settle()
    assert total >= 2 * 25 * 8
    for survivor, other in users:
        assert features(system, survivor)["orders"] == 1 + 2 * 25
        assert system.observed(other) == system.observed(survivor)
    system.assert_proven()


def _merge_all(dsn: str) -> None:
    with LedgerSystem(dsn) as system:
        identities = Identities(system)
        for number in range(150):
            identities.merge(f"s{number}", f"o{number}")


def test_killed_in_the_middle_every_pair_is_merged_or_not(
    system: LedgerSystem, identities: Identities, database: str
) -> None:
    pairs = [(f"s{number}", f"o{number}") for number in range(150)]
    system.facts([order(f"f-{user}", user, START) for pair in pairs for user in pair])
    system.settle()
    merger = multiprocessing.get_context("spawn").Process(target=_merge_all, args=(database,))
    merger.start()
    count = "select count(*) from timelines where merged_into is not null"
    with system.pool.connection() as connection:
        connection.autocommit = True
        wait_for(lambda: (connection.execute(count).fetchone() or (0,))[0] > 5, seconds=60)
        connection.autocommit = False
    assert merger.pid is not None
    os.kill(merger.pid, signal.SIGKILL)
    merger.join()
    system.settle()
    system.assert_proven()
    merged = 0
    for survivor, other in pairs:
        orders = features(system, survivor)["orders"]
        names = identities.ledger.user_ids(survivor)
        assert (orders, names) in ((1, [survivor]), (2, sorted([survivor, other])))
        merged += len(names) == 2
        if len(names) == 1:
            identities.merge(survivor, other)
    assert 5 < merged < 150
    system.settle()
    assert {features(system, other)["orders"] for _, other in pairs} == {2}
    system.assert_proven()
