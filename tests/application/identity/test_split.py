"""Splitting user ids off on a real ledger: with what they brought, as a whole or not at all, and proven afterwards."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from application.queries import UnknownUser
from application.shadow.start_shadow import StartShadow
from application.tier_models.create_tier_model import CreateTierModel
from domain.facts.history import SubjectInHistory
from domain.facts.instants import SECOND
from domain.tier_model.reviewing import WordsInvalid
from domain.user_tier.splitting import NobodyStays, SplitInvalid, UserIdOfAnother
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from infrastructure.queries.ledger import PostgresLedgerQueries
from infrastructure.queries.shadows import PostgresShadowQueries
from projections.records import ObservationRecord
from tests.application.identity.test_merge import (
    DAY,
    MODEL,
    START,
    Identities,
    _subject,
    features,
    identities,
    system,
    tier,
    topics,
)
from tests.support.ledger import LedgerSystem, order

__all__ = ["identities", "system"]


def profile(fact_id: str, user: str, **attributes: Any) -> dict[str, Any]:
    plain = order(fact_id, user, START, **attributes)
    return {name: value for name, value in plain.items() if name not in ("amount", "currency")} | {"kind": "profile"}


def void(fact_id: str, user: str, of: str) -> dict[str, Any]:
    return profile(fact_id, user) | {"kind": "void", "attributes": {"fact_id": of, "reason": "returned"}}


def query(system: LedgerSystem, statement: str, *parameters: Any) -> list[Any]:
    with system.pool.connection() as connection:
        return connection.execute(statement, parameters).fetchall()  # type: ignore[arg-type]


@pytest.fixture
def merged(system: LedgerSystem, identities: Identities) -> Identities:
    """ann with a0 and a1; bob, who is she since, with b0 to b2."""
    system.clock.set(START + DAY)
    identities.merge("ann", "bob")
    system.settle()
    system.clock.set(START + 2 * DAY)
    return identities


def test_what_was_merged_is_two_again(system: LedgerSystem, merged: Identities) -> None:
    system.facts([order("b3", "bob", START), order("a2", "ann", START, 7)])
    system.settle()
    assert (tier(system, "ann"), features(system, "bob")["orders"]) == ("high", 7)
    done = merged.split("ann", "bob")
    assert (done.user_ids, done.new_user_ids, done.facts, done.voided) == (["ann"], ["bob"], 4, 4)
    assert system.settle() == 2
    assert (tier(system, "ann"), features(system, "ann")) == ("mid", {"orders": 3, "spend": 207})
    assert (tier(system, "bob"), features(system, "bob")) == ("high", {"orders": 4, "spend": 3_100})
    assert topics(system, "bob") == ["user-enrolled", "user-split-off", "tier-changed"]
    assert topics(system, "ann")[-2:] == ["user-split", "tier-changed"]
    split, fallen = system.events()["ann"][-2:]
    _, begun, risen = system.events()["bob"]
    assert (split["subject"], begun["subject"]) == (_subject(system, "bob").hex, _subject(system, "ann").hex)
    assert (split["user_ids"], split["facts"], split["voided"], split["reason"]) == (["bob"], 4, 4, "two people")
    assert begun["at"] == split["at"] and begun["facts_known_at"] == split["facts_known_at"] == split["at"] + 1
    for event in (fallen, risen):
        assert (event["at"], event["cause"]) == (split["facts_known_at"], "late-fact")
    assert (risen["from"], risen["receipt"]["facts_seen"]) == (None, 4)
    system.assert_proven()
    again = system.facts([order("b0", "bob", START, 1_000, channel="app"), order("a0", "ann", START, 100, note="n0")])
    assert (again.duplicates, again.accepted) == (2, 0)
    system.facts([order("b9", "bob", START), order("a9", "ann", START)])
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (4, 5)
    system.assert_proven()


def test_the_past_stays(system: LedgerSystem, merged: Identities) -> None:
    merged.split("ann", "bob")
    system.settle()
    sizes = PostgresLedgerQueries(system.pool, system.keyring)
    assert sizes.distribution("value", START + 2 * DAY - SECOND).tiers["high"] == 1
    assert sizes.distribution("value", None).tiers == {"low": 0, "mid": 2, "high": 0}
    bob = Ledger(system.pool, system.keyring).user_tier(_subject(system, "bob"))
    assert bob is not None and (bob.version, bob.standings["value"][""].tier) == (3, "mid")


def test_ids_that_were_linked_leave_with_theirs(system: LedgerSystem, identities: Identities) -> None:
    for alias in ("app-1", "app-2", "app-3"):
        identities.link("ann", alias, "key:op")
    facts = [("app-1", 1), ("app-2", 2), ("app-3", 3)]
    system.facts([order(f"{user}-{number}", user, START) for user, count in facts for number in range(count)])
    assert identities.split("ann", "app-1", "app-3").facts == 4
    system.settle()
    assert {user: features(system, user)["orders"] for user in ("ann", "app-1", "app-2", "app-3")} == {
        "ann": 4,
        "app-1": 4,
        "app-2": 4,
        "app-3": 4,
    }
    assert identities.split("app-3", "app-1").facts == 1
    system.settle()
    assert (features(system, "app-1")["orders"], features(system, "app-3")["orders"]) == (1, 3)
    system.assert_proven()


def test_the_first_id_of_all_may_leave(system: LedgerSystem, identities: Identities) -> None:
    identities.link("ann", "app-1", "key:op")
    system.facts([order("x1", "app-1", START)])
    assert identities.split("app-1", "ann").facts == 2
    system.facts([order("a7", "ann", START), order("x2", "app-1", START)])
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "app-1")["orders"]) == (3, 2)
    assert identities.link("ann", "app-4", "key:op").user_ids == ["ann", "app-4"]
    system.facts([order("x3", "app-4", START)])
    assert identities.split("app-4", "ann").facts == 3
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "app-4")["orders"]) == (3, 1)
    system.assert_proven()


def test_users_with_a_sealed_history(system: LedgerSystem, identities: Identities) -> None:
    session = system.sessions.open("test")
    facts = [order(f"h{day}", user, START - day * DAY) for day in range(2, 8) for user in ("old-1", "old-2")]
    system.facts(facts, session.history_id)
    system.sessions.seal(session.history_id, "test")
    system.settle()
    identities.merge("old-1", "old-2")
    system.facts([order("n", "old-2", START)])
    identities.split("old-1", "old-2")
    system.settle()
    assert (features(system, "old-1")["orders"], features(system, "old-2")["orders"]) == (6, 7)
    system.assert_proven()


def test_a_candidate_beside_the_model_follows_both(system: LedgerSystem, merged: Identities) -> None:
    easier = MODEL | {"rules": {"high": "orders >= 3", "mid": "orders >= 1"}}
    CreateTierModel(system.models)(json.dumps(easier), "key:author")
    StartShadow(system.models)("value", 2, "key:author")
    system.facts([order("a9", "ann", START)])
    system.settle()
    merged.split("ann", "bob")
    system.settle()
    shadows = PostgresShadowQueries(system.pool, system.keyring)
    found = shadows.differences("value", None, None, 10, None).differences
    assert sorted((one.user_id, one.live_tier, one.shadow_tier) for one in found) == [
        ("ann", "mid", "high"),
        ("bob", "mid", "high"),
    ]
    system.assert_proven()


def test_tags_and_what_waits_stay(system: LedgerSystem, merged: Identities) -> None:
    system.add_tag("bob", "vip", "key:op")
    statement = """
        insert into override_requests (request_id, subject_id, user_id, scheme, scope, mode, tier, reason, requested_by,
                                       requested_at, command_id)
        values (gen_random_uuid(), %s, 'bob', 'value', '', 'exact', 'high', 'x', 'key:op', 0, '')
        returning user_id
    """
    query(system, statement, _subject(system, "bob"))
    merged.split("ann", "bob")
    system.settle()
    assert (system.observed("ann").tags, system.observed("bob").tags) == (["vip"], [])
    assert query(system, "select user_id, subject_id from override_requests") == [("ann", _subject(system, "ann"))]
    system.assert_proven()


def test_a_command_happens_once_under_its_name(system: LedgerSystem, merged: Identities) -> None:
    first = merged.split("ann", "bob", command_id="k/1")
    again = merged.split("ann", "bob", command_id="k/1")
    assert (again.user_ids, again.new_user_ids, again.facts) == (["ann"], ["bob"], None)
    assert again.position <= first.position
    assert topics(system, "ann").count("user-split") == 1


def test_refusals_record_nothing(system: LedgerSystem, identities: Identities) -> None:
    session = system.sessions.open("test")
    system.facts([order("o1", "old", START - DAY)], session.history_id)
    query(system, "insert into user_ids select 'old-2', subject_id, 9 from user_ids where user_id = 'old' returning 1")
    identities.link("ann", "app-1", "key:op")
    before = (system.events(), query(system, "select * from user_ids order by user_id"))
    for user, leaving, refusal in (
        ("nobody", ["ann"], UnknownUser),
        ("ann", ["bob"], UserIdOfAnother),
        ("ann", ["app-1", "nobody"], UserIdOfAnother),
        ("ann", [], SplitInvalid),
        ("ann", ["app-1", "app-1"], SplitInvalid),
        ("ann", ["ann"], SplitInvalid),
        ("ann", ["app-1", "ann"], NobodyStays),
        ("bob", ["bob"], NobodyStays),
        ("old", ["old-2"], SubjectInHistory),
    ):
        with pytest.raises(refusal):
            identities.split(user, *leaving)
    with pytest.raises(WordsInvalid):
        identities._split("ann", ["app-1"], "key:op", reason=" ")
    assert (system.events(), query(system, "select * from user_ids order by user_id")) == before
    assert query(system, "select count(*) from departed_user_ids") == [(0,)]


def test_who_was_merged_away_is_split_off_from_the_one_who_is_left(
    system: LedgerSystem, identities: Identities
) -> None:
    system.facts([order("e0", "eve", START)])
    system.settle()
    identities.merge("bob", "eve")
    identities.merge("ann", "bob")
    assert identities.split("ann", "eve").facts == 1
    system.settle()
    assert {user: features(system, user)["orders"] for user in ("ann", "bob", "eve")} == {"ann": 5, "bob": 5, "eve": 1}
    assert identities.split("bob", "ann").facts == 2
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (2, 3)
    system.assert_proven()


def test_a_crash_before_the_commit_leaves_nothing(database: str, system: LedgerSystem, merged: Identities) -> None:
    before = (system.events(), query(system, "select * from user_ids order by user_id"))
    take_split = merged.ledger.take_split

    @contextmanager
    def dying(*asked: Any) -> Iterator[Any]:
        with take_split(*asked) as taken:
            leave = taken._leave

            def killed() -> None:
                leave()  # facts and user ids are written
                with psycopg.connect(database, autocommit=True) as killer:
                    killer.execute("select pg_terminate_backend(%s)", (taken._connection.info.backend_pid,))

            taken._leave = killed  # type: ignore[method-assign]
            yield taken

    merged.ledger.take_split = dying  # type: ignore[method-assign, assignment]
    with pytest.raises(psycopg.OperationalError):
        merged.split("ann", "bob")
    merged.ledger.take_split = take_split  # type: ignore[method-assign]
    assert (system.events(), query(system, "select * from user_ids order by user_id")) == before
    assert query(system, "select count(*) from subjects") == [(2,)]
    system.settle()
    system.assert_proven()
    assert merged.split("ann", "bob").facts == 3


def test_the_log_tells_whose_ids_moved(system: LedgerSystem, merged: Identities) -> None:
    """Cards of these may be written by the lanes of two subjects."""
    system.facts([order("e0", "eve", START)])
    merged.split("ann", "bob")
    system.settle()
    seen = LogTail(system.pool, system.keyring).read(range(8), 0, 1_000, events=False).records
    told = {record.user_ids: record.shared for record in seen if isinstance(record, ObservationRecord)}
    assert told == {(): False, ("ann",): False, ("bob",): True, ("eve",): False}
