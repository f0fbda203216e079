"""The proof of the ledger of benefits: clean after a story, and every tampering is found under its own name."""

from collections.abc import Iterator

import psycopg
import pytest

from application.queries import UnknownUser
from domain.benefits.proof import PROBLEMS
from infrastructure.benefits.merging import move_grants
from infrastructure.strategies.merging import move_assignments
from tests.application.identity.test_merge import Identities
from tests.support.benefits import COUPON, open_budget, put_in_force
from tests.support.grants import DAY, START, GrantingSystem, two_users
from tests.support.ledger_proof import problems_of, proof_of

TAMPERINGS = {
    "update grants set units = units + 1 where grant_id = $open": {"grant-amounts-differ", "account-differs"},
    "update grants set redeemed = redeemed + 1 where grant_id = $open": {"grant-amounts-differ", "account-differs"},
    "update grants set reclaimed = reclaimed + 1 where grant_id = $open": {"grant-amounts-differ"},
    "update grants set times = 0 where grant_id = $open": {"grant-amounts-differ"},
    "update grants set status = 'revoked' where grant_id = $open": {"grant-state-differs"},
    "update grants set expires_at = expires_at + 1 where grant_id = $open": {"grant-state-differs"},
    "update grants set ended_at = 1 where grant_id = $open": {"grant-state-differs"},
    "update grants set unit_cost = 1 where grant_id = $open": {
        "grant-terms-differ",
        "account-differs",
    },
    "update grants set benefit_version = 2 where grant_id = $open": {"grant-terms-differ"},
    "update grants set tiers = '{}' where grant_id = $open": {"grant-terms-differ"},
    "update grants set order_key = 'x' where grant_id = $open": {"grant-terms-differ"},
    "update grants set accounts = accounts[2:] where grant_id = $open": {"grant-charged-otherwise", "account-differs"},
    "update grants set accounts = array_append(accounts, 'budget:nowhere') where grant_id = $open": {
        "grant-charged-otherwise",
        "account-missing",
    },
    "delete from grant_moves where grant_id = $open": {"event-without-move"},
    "update grant_moves set units = 2 where grant_id = $open": {"move-differs"},
    "update grant_moves set order_key = null where grant_id = $open": {"move-differs"},
    "insert into grant_moves values ($open, 9, 'reclaimed', 1, 1000, 5)": {"move-without-event"},
    "with gone as (delete from grant_moves where grant_id = $open) delete from grants where grant_id = $open": {
        "event-without-grant",
        "event-without-move",
        "account-differs",
    },
    "delete from events where topic like '%granted%' and originator_id = $holder and position = ("
    "  select min(position) from events where topic like '%granted%' and originator_id = $holder)": {
        "event-without-grant",
        "grant-without-event",
        "move-without-event",
    },
    "delete from events where topic like '%redeemed%' and originator_id = $holder": {
        "grant-amounts-differ",
        "move-without-event",
        "move-differs",
    },
    "update events set state = 'x' where topic like '%revoked%' and originator_id = $holder": {
        "unreadable-event",
        "grant-amounts-differ",
        "grant-state-differs",
        "move-without-event",
    },
    "update events set effective_at = effective_at + 864000000000 * 40 where topic like '%redeemed%'"
    " and originator_id = $holder": {"redeemed-after-end", "move-differs"},
    "update accounts set reserved = reserved - 1000 where account = 'budget:spring'": {"account-differs"},
    "update accounts set spent = spent + 1 where account = 'stock:coupon-10'": {"account-differs"},
    "update accounts set allowed = 1 where account = 'budget:spring'": {
        "account-overspent",
        "account-allows-otherwise",
    },
    "update accounts set allowed = allowed + 1 where account = 'stock:coupon-10'": {"account-allows-otherwise"},
    "delete from accounts where account = 'stock:coupon-10'": {"account-missing"},
    "insert into accounts values ('budget:gone', 5, 0, 0), ('stock:gone', 5, 0, 0)": {"account-of-nothing"},
    "insert into accounts values ('budget:spring@2026-03-01T00:00:00Z', 5, 0, 0)": {"account-of-nothing"},
}


@pytest.fixture
def system(database: str) -> Iterator[GrantingSystem]:
    with two_users(database) as system:
        open_budget(database, "year", 90_000)
        open_budget(database, "spring", 50_000, parent="year")
        open_budget(database, "monthly", 50_000, period="month")
        definition = {**COUPON, "stock": 50, "budget": "spring", "validity": {"from_grant": "30 days"}}
        put_in_force(database, definition)
        system.give("bob", units=2)
        given = system.give(units=4, order_id="o1", budgets=("monthly",)).grant.grant_id
        system.redeem(given, "key:till", units=1, order_id="o9")
        revoked = system.give(units=3).grant.grant_id
        system.redeem(revoked, "key:till", units=1)
        system.revoke(revoked, "key:op")
        put_in_force(database, {**definition, "stock": 60}, version=2)
        yield system


def tamper(system: GrantingSystem, statement: str) -> None:
    with psycopg.connect(system.dsn, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("alter table accounts drop constraint accounts_never_overspent")
        row = connection.execute(
            "select grant_id, subject_id from grants where order_key is not null and status = 'open'"
        ).fetchone()
        assert row is not None
        text = statement.replace("$open", f"'{row[0]}'").replace("$holder", f"'{row[1]}'")
        assert connection.execute(text.encode()).rowcount > 0


def test_a_story_is_clean(system: GrantingSystem) -> None:
    system.clock.set(START + 40 * DAY)
    assert system.expire() == 2
    back = system.give("bob", units=3).grant.grant_id
    system.redeem(back, "key:till", units=2)
    system.claw_back(back, reclaim=True)
    used = system.give("bob", units=1).grant.grant_id
    system.redeem(used, "key:till")
    system.claw_back(used, reclaim=True)
    system.settle()
    found = proof_of(system.pool, system.keyring)
    assert found["clean"] and found["first"] == found["errors"] == []
    counted = {name: found[name] for name in ("subjects", "erased", "grants", "moves", "events", "accounts")}
    assert counted == {"subjects": 2, "erased": 0, "grants": 5, "moves": 10, "events": 14, "accounts": 4}
    assert proof_of(system.pool, system.keyring, "bob")["grants"] == 3
    with pytest.raises(UnknownUser):
        proof_of(system.pool, system.keyring, "nobody")


def test_every_tampering_is_found(system: GrantingSystem) -> None:
    """Each in a transaction of its own kind: what is tampered with is put back from a copy before the next."""
    with psycopg.connect(system.dsn, autocommit=True) as connection:
        tables = ("grants", "grant_moves", "accounts", "events")
        for table in tables:
            connection.execute(f"create table kept_{table} as select * from {table}".encode())
        for statement, expected in TAMPERINGS.items():
            tamper(system, statement)
            found = proof_of(system.pool, system.keyring)
            assert not found["clean"] and problems_of(found) >= expected, (statement, problems_of(found))
            extra = problems_of(found) - expected - {"account-differs", "account-allows-otherwise", "account-missing"}
            assert extra == set(), (statement, extra)
            assert {one["problem"] for one in found["first"]} == problems_of(found)
            connection.execute("set session_replication_role = replica")
            for table in reversed(tables):
                connection.execute(f"delete from {table}".encode())
            for table in tables:
                connection.execute(f"insert into {table} select * from kept_{table}".encode())
            connection.execute(
                "alter table accounts add constraint accounts_never_overspent check (reserved + spent <= allowed)"
            )
    assert proof_of(system.pool, system.keyring)["clean"]


def test_findings_about_a_user_name_them(system: GrantingSystem) -> None:
    tamper(system, "update grants set status = 'expired' where grant_id = $open")
    (finding,) = proof_of(system.pool, system.keyring)["first"]
    assert (finding["user_id"], finding["recorded"], finding["expected"]) == (
        "ann",
        {"status": "expired"},
        {"status": "open"},
    )


def test_who_was_erased_is_counted(system: GrantingSystem) -> None:
    with psycopg.connect(system.dsn) as connection:
        connection.execute(
            "delete from subjects s using user_ids u where u.user_id = 'ann' and s.subject_id = u.subject_id"
        )
    system.clock.set(START + 40 * DAY)
    system.expire()
    found = proof_of(system.pool, system.keyring)
    assert (found["clean"], found["erased"], found["subjects"], found["grants"]) == (True, 1, 1, 1)


def test_grants_of_merged_users_are_proven_at_the_survivor(system: GrantingSystem) -> None:
    with system.pool.connection() as connection:
        ids = dict(connection.execute("select user_id, subject_id from user_ids").fetchall())
    system.settle()
    Identities(system, moves=(move_grants, move_assignments)).merge("bob", "ann")
    given = [
        grant.hex for (grant,) in _rows(system, "select grant_id from grants where status = 'open' order by units")
    ]
    system.redeem(given[-1], "key:till", units=1, order_id="o10")
    found = proof_of(system.pool, system.keyring)
    assert found["clean"] and (found["subjects"], found["grants"], found["events"]) == (1, 3, 7), found
    with psycopg.connect(system.dsn) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("delete from events where originator_id = %s and topic like '%%revoked%%'", (ids["ann"],))
    assert "move-without-event" in problems_of(proof_of(system.pool, system.keyring))


def _rows(system: GrantingSystem, query: str) -> list[tuple]:
    with system.pool.connection() as connection:
        return connection.execute(query.encode()).fetchall()


def test_every_problem_is_planted_somewhere() -> None:
    planted = set().union(*TAMPERINGS.values())
    by_hand = {"miscounted-event", "granted-twice", "more-than-granted", "released-after-end"}  # tests/domain/benefits
    assert planted | by_hand == set(PROBLEMS) and not planted & by_hand
