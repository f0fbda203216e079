"""Splits beside writers, merges and other splits, and killed in the middle; and merging then splitting as if never."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.user_tier.decide import decide
from domain.user_tier.merging import FactsSplitOff
from domain.user_tier.splitting import UserIdOfAnother
from tests.application.identity.test_merge import DAY, START, Identities, features, identities, system, tier
from tests.support.ledger import LedgerSystem, order
from tests.support.waiting import wait_for

__all__ = ["identities", "system"]


def _pairs(system: LedgerSystem, identities: Identities, count: int) -> list[tuple[str, str]]:
    """Merged pairs of users with an order each."""
    pairs = [(f"s{number}", f"o{number}") for number in range(count)]
    system.facts([order(f"f-{user}", user, START) for pair in pairs for user in pair])
    system.settle()
    for pair in pairs:
        identities.merge(*pair)
    system.settle()
    return pairs


def test_facts_that_come_meanwhile_are_whose_id_brought_them(system: LedgerSystem, identities: Identities) -> None:
    """Whoever waited for the lock of the one who stays must not write there what is the other's by then."""
    pairs = _pairs(system, identities, 8)

    def write(writer: int) -> int:
        accepted = 0
        for number in range(25):
            facts = [order(f"w{writer}-{number}-{user}", user, START) for pair in pairs for user in pair]
            accepted += system.facts(facts).accepted
        return accepted

    with ThreadPoolExecutor(3) as threads:
        writers = [threads.submit(write, writer) for writer in range(2)]
        for pair in pairs:
            with system.pool.connection() as connection:
                connection.execute("select pg_sleep(0.01)")
            identities.split(*pair)
        total = sum(writer.result() for writer in writers)
    system.settle()
    assert total == 2 * 25 * 16
    for pair in pairs:
        assert [features(system, user)["orders"] for user in pair] == [51, 51]
    system.assert_proven()


def test_a_writer_that_waits_for_the_lock_finds_the_new_user(system: LedgerSystem, identities: Identities) -> None:
    identities.merge("ann", "bob")
    blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%user_ids%'"
    with ThreadPoolExecutor(2) as threads, identities.ledger.take_split("ann", ["bob"], "") as taken:
        writer = threads.submit(system.facts, [order("late", "bob", START), order("late", "ann", START)])
        evaluator = threads.submit(system.evaluate_user, "bob")
        with system.pool.connection() as connection:
            connection.autocommit = True
            wait_for(lambda: connection.execute(blocked).fetchone() == (2,), seconds=20)
            connection.autocommit = False
        parting = taken.part("two people")
        assert len(parting.copied) == 3
        work = taken.taken.work
        taken.record(decide(work.subjects, work.table, work.forces, work.now + 1), work.subjects)
        assert writer.result(20).accepted == 2
        evaluator.result(20)
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (3, 4)
    system.assert_proven()


def test_of_two_splits_of_one_id_one_wins(system: LedgerSystem, identities: Identities) -> None:
    identities.merge("ann", "bob")

    def split(_: int) -> str:
        try:
            identities.split("ann", "bob")
        except UserIdOfAnother:
            return "refused"
        return "split"

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(split, range(2))) == ["refused", "split"]
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (2, 3)
    system.assert_proven()


def test_two_splits_of_two_ids_both_happen(system: LedgerSystem, identities: Identities) -> None:
    system.facts([order("e0", "eve", START)])
    system.settle()
    identities.merge("ann", "bob")
    identities.merge("ann", "eve")
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda user: identities.split("ann", user), ["bob", "eve"]))
    system.settle()
    assert {user: features(system, user)["orders"] for user in ("ann", "bob", "eve")} == {"ann": 2, "bob": 3, "eve": 1}
    system.assert_proven()


def test_a_split_beside_a_merge_of_the_same_user(system: LedgerSystem, identities: Identities) -> None:
    for number in range(8):
        system.facts([order("e0", f"eve-{number}", START), order("c0", f"app-{number}", START)])
    system.settle()
    for number in range(8):
        stays, leaves, joins = f"eve-{number}", f"app-{number}", f"new-{number}"
        identities.merge(stays, leaves)
        system.facts([order("n0", joins, START)])
        with ThreadPoolExecutor(2) as threads:
            split = threads.submit(identities.split, stays, leaves)
            merge = threads.submit(identities.merge, joins, stays)
            split.result(20), merge.result(20)
        system.settle()
        assert identities.ledger.user_ids(stays) == [stays, joins]
        assert (features(system, joins)["orders"], features(system, leaves)["orders"]) == (2, 1)
    system.assert_proven()


def test_a_link_beside_a_split_names_who_it_was_asked_for(system: LedgerSystem, identities: Identities) -> None:
    pairs = _pairs(system, identities, 8)
    for number, pair in enumerate(pairs):
        with ThreadPoolExecutor(2) as threads:
            split = threads.submit(identities.split, *pair)
            link = threads.submit(identities.link, pair[1], f"app-{number}", "key:op")
            split.result(20), link.result(20)
        assert system.facts([order("late", f"app-{number}", START)]).accepted == 1
    system.settle()
    for number, (stays, leaves) in enumerate(pairs):
        # The link came first, and stayed with the one who was addressed then; or it came after.
        others = identities.ledger.user_ids(f"app-{number}")
        assert others in ([f"app-{number}", stays], [f"app-{number}", leaves])
        assert features(system, f"app-{number}")["orders"] == 2
    system.assert_proven()


def _split_all(dsn: str) -> None:
    with LedgerSystem(dsn) as system:
        mine = Identities(system)
        for number in range(100):
            mine.split(f"s{number}", f"o{number}")


def test_killed_in_the_middle_every_pair_is_split_or_not(
    system: LedgerSystem, identities: Identities, database: str
) -> None:
    pairs = _pairs(system, identities, 100)
    splitter = multiprocessing.get_context("spawn").Process(target=_split_all, args=(database,))
    splitter.start()
    count = "select count(*) from departed_user_ids"
    with system.pool.connection() as connection:
        connection.autocommit = True
        wait_for(lambda: (connection.execute(count).fetchone() or (0,))[0] > 5, seconds=60)
        connection.autocommit = False
    assert splitter.pid is not None
    os.kill(splitter.pid, signal.SIGKILL)
    splitter.join()
    system.settle()
    system.assert_proven()
    were_split = 0
    for stays, leaves in pairs:
        names = identities.ledger.user_ids(stays)
        assert (features(system, stays)["orders"], names) in ((1, [stays]), (2, sorted([stays, leaves])))
        were_split += len(names) == 1
        if len(names) == 2:
            identities.split(stays, leaves)
    assert 5 < were_split < 100
    system.settle()
    assert {features(system, user)["orders"] for pair in pairs for user in pair} == {1}
    system.assert_proven()


_FACT = st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.booleans())
"""Whose, which name (so that some are on both sides), and whether it is voided afterwards by whoever brought it."""


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(_FACT, max_size=8), after=st.lists(_FACT, max_size=8), back=st.booleans())
def test_merged_and_split_is_as_if_never_merged(
    system: LedgerSystem, identities: Identities, before: list[Any], after: list[Any], back: bool
) -> None:
    """Two users with the same facts who were never merged stand where the two stand after the split."""
    run = next(_RUNS)
    users = {name: {side: f"{run}-{name}-{side}" for side in "ab"} for name in ("one", "never")}
    for user in (one for pair in users.values() for one in pair.values()):
        system.facts([order("first", user, START)])

    def send(facts: list[Any], on: dict[str, str]) -> None:
        for side, number, void in facts:
            # One name is the same fact on both sides, or the merge would be refused; a void is of one side's own.
            if number < 3 and void:
                continue
            name = str(number) if number < 3 else f"{side}{number}"
            system.facts([order(name, on[side], START, 100 + number)])
            if void:
                system.facts([_void(f"v{name}", on[side], name)])

    for on in users.values():
        send(before, on)
    system.settle()
    identities.merge(users["one"]["a"], users["one"]["b"])
    for on in users.values():
        send(after, on)
    system.settle()
    identities.split(users["one"]["a"], users["one"]["b"])
    system.settle()
    if back:
        pair = users["one"]["a"], users["one"]["b"]
        try:
            identities.merge(*pair)
        except FactsSplitOff:
            pair = pair[::-1]
            identities.merge(*pair)
        system.settle()
        identities.split(*pair)
        system.settle()
    # Who fell a rung on the way falls no further on that day: both stand alike from the next day on.
    system.clock.set(START + 2 * DAY * (run + 1))
    system.settle()
    for side in "ab":
        one, never = users["one"][side], users["never"][side]
        assert (tier(system, one), features(system, one)) == (tier(system, never), features(system, never))
    system.assert_proven()


_RUNS = iter(range(10**6))


def _void(fact_id: str, user: str, of: str) -> dict[str, Any]:
    plain = {name: value for name, value in order(fact_id, user, START).items() if name not in ("amount", "currency")}
    return plain | {"kind": "void", "attributes": {"fact_id": of, "reason": "returned"}}
