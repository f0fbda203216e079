"""Facts remember by which of several user ids they came, whatever way they came in."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from application.facts.ports import Stored
from application.identity.link_user_id import LinkUserId
from domain.facts.fact import EMPTY_CHAIN, Fact, next_chain
from domain.facts.field_errors import FieldError
from domain.facts.instants import parse_instant
from infrastructure.facts.fact_log import PostgresFactLog
from infrastructure.identity.ledger import PostgresIdentities
from tests.support.ledger import LedgerSystem, order

START = parse_instant("2026-03-02T00:00:00Z")


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database) as system:
        system.facts([order("first", "ann", START)])
        ledger = PostgresIdentities(system.pool, system.keyring, system.evaluation)
        LinkUserId(ledger)("ann", "app-1", "key:op")
        yield system


def fact(fact_id: str, user: str, amount: int = 100) -> Fact:
    return Fact(fact_id, user, "order", START, "pos", amount, "USD")


def rows(system: LedgerSystem, statement: str) -> list[tuple[Any, ...]]:
    with system.pool.connection() as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


def by_user(system: LedgerSystem) -> dict[str, int]:
    """How many facts each id has brought; '' stands for the numbers that no id has."""
    statement = """
        select coalesce(u.user_id, ''), count(*) from facts f
        left join user_ids u on u.subject_id = f.subject_id and u.number = coalesce(f.brought_by, 0) group by 1
    """
    return dict(rows(system, statement))  # type: ignore[arg-type]


def test_one_fact_and_many(system: LedgerSystem) -> None:
    log = PostgresFactLog(system.pool, system.keyring)
    log.record([fact("one", "app-1"), fact("two", "ann")])
    many = [fact(f"{user}-{number}", user) for number in range(150) for user in ("ann", "app-1", "eve")]
    assert all(isinstance(outcome, Stored) for outcome in log.record(many))
    assert by_user(system) == {"ann": 152, "app-1": 151, "eve": 150}
    assert rows(system, "select count(*) from facts where brought_by is null") == [(302,)], "the first id costs nothing"


def test_streams_and_histories(system: LedgerSystem) -> None:
    log, session = PostgresFactLog(system.pool, system.keyring), system.sessions.open("test")
    for history_id in (None, session.history_id):
        stretches = [[fact(f"{history_id}-{user}-{n}", user) for n in range(70) for user in ("ann", "app-1")]]
        assert all(isinstance(one, Stored) for stretch in log.record_stream(stretches, history_id) for one in stretch)
    assert by_user(system) == {"ann": 141, "app-1": 140}


def test_who_else_brought_a_fact_is_kept_once(system: LedgerSystem) -> None:
    log = PostgresFactLog(system.pool, system.keyring)
    log.record([fact("x", "ann")])
    for _ in range(2):
        assert [one.duplicate for one in log.record([fact("x", "app-1")]) if isinstance(one, Stored)] == [True]
    log.record([fact("x", "ann"), fact("y", "ann"), fact("y", "app-1")])
    kept = "select a.fact_id, u.user_id from facts_also_brought a join user_ids u using (subject_id, number) order by 1"
    assert rows(system, kept) == [("x", "app-1"), ("y", "app-1")]


def test_what_all_who_brought_it_have_left_with_is_refused(system: LedgerSystem) -> None:
    log = PostgresFactLog(system.pool, system.keyring)
    log.record([fact("x", "app-1"), fact("y", "app-1"), fact("y", "ann")])
    rows(
        system,
        "insert into departed_user_ids select subject_id, number, gen_random_uuid(), 0 from user_ids"
        " where user_id = 'app-1' returning 1",
    )
    gone, kept = log.record([fact("x", "ann"), fact("y", "ann")])
    assert isinstance(gone, FieldError) and (gone.field, gone.value) == ("fact_id", "x")
    assert isinstance(kept, Stored) and kept.duplicate
    assert msgspec.json.encode(gone.to_json())
    assert rows(system, "select count(*) from facts_also_brought") == [(1,)]


def test_hashes_and_chains_do_not_depend_on_it(system: LedgerSystem) -> None:
    log = PostgresFactLog(system.pool, system.keyring)
    log.record([fact("x", "app-1")])
    (again,) = log.record([fact("x", "ann")])
    assert isinstance(again, Stored) and again.duplicate, "the same content, whoever brings it"
    chain = EMPTY_CHAIN
    recorded = rows(system, "select content_hash, known_at, chain from facts order by position")
    for content_hash, known_at, found in recorded:
        chain = next_chain(chain, content_hash, known_at)
        assert found == chain
