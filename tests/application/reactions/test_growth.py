"""Growth value that is granted counts towards tiers, once, and no more when it is taken back: on a real ledger."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from application.reactions.record_growth_of_grants import GrowthNotRecorded
from domain.facts.kinds import KindDefinition
from infrastructure.facts.fact_kinds import PostgresFactKinds
from tests.application.reactions.test_benefits import DAY, START, Programme, give
from tests.support.benefits import COUPON, put_in_force
from tests.support.ledger import order

MODEL: dict[str, Any] = {
    "scheme": "growth",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["plain", "silver", "gold"],
    "features": {"orders": {"count": "order"}},
    "growth": {
        "earn": {
            "shopping": {"points": 1, "each": "money(1.00)", "of": "order.amount"},
            "gifts": {"points": 1, "each": 1, "of": "growth_gift.value"},
        },
        "deduct": {"silver": 300},
    },
    "rules": {"gold": "growth >= 1500", "silver": "growth >= 500"},
    "policy": {"downgrade": {"review": "validity"}, "validity": "6 months"},
}
GIFT: dict[str, Any] = COUPON | {
    "benefit": "growth-gift",
    "kind": "points",
    "unit_cost": 0,
    "details": {"of": "growth", "fact_kind": "growth_gift"},
}


@pytest.fixture
def system(database: str) -> Iterator[Programme]:
    """ann has earned 100 growth value."""
    with Programme(database) as system:
        system.clock.set(START)
        PostgresFactKinds(system.pool).register("growth_gift", KindDefinition())
        system.activate(MODEL)
        put_in_force(system.dsn, GIFT)
        system.facts([order("o1", "ann", START, 10_000)])
        system.keep_up()
        yield system


def standing(system: Programme, user_id: str = "ann") -> tuple[str, Any]:
    found = system.observed(user_id).schemes["growth"][""]
    return found.standing.tier, found.features["growth"]


def recorded(system: Programme) -> list[tuple[str, str, int | None, str | None]]:
    """Kind, id, amount and currency of what Tierline itself has recorded, in order."""
    query = "select kind, fact_id, amount, currency from facts where source = 'tierline' order by position"
    with psycopg.connect(system.dsn) as connection:
        return connection.execute(query).fetchall()


def test_a_grant_raises_the_balance_and_its_revocation_lowers_it(system: Programme) -> None:
    assert standing(system) == ("plain", 100)
    grant_id = give(system, benefit="growth-gift", units=450)
    system.keep_up()
    assert standing(system) == ("silver", 550)
    assert recorded(system) == [("growth_gift", grant_id, None, None)]
    system.grants.revoke(grant_id, "key:op", reason="the wrong user")
    system.keep_up()
    assert standing(system) == ("silver", 100), "a level holds for its term"
    assert [one[:2] for one in recorded(system)] == [("growth_gift", grant_id), ("void", f"{grant_id}/void")]
    system.at(START + 200 * DAY)
    assert standing(system)[0] == "plain"
    system.assert_proven()


def test_what_is_granted_and_taken_back_by_policy(system: Programme) -> None:
    put_in_force(system.dsn, GIFT | {"benefit": "with-order", "clawback": {"on_refund": "unredeemed"}})
    grant_id = give(system, benefit="with-order", units=450, order_id="o1")
    system.keep_up()
    assert standing(system) == ("silver", 550)
    system.facts([order("r1", "ann", START, 1, order_id="o1") | {"kind": "refund"}])
    system.keep_up()
    assert standing(system) == ("silver", 100)
    assert recorded(system)[-1][1] == f"{grant_id}/void"


def test_each_is_recorded_once_whatever_is_read_again(system: Programme) -> None:
    kept, revoked = (give(system, benefit="growth-gift", units=units) for units in (450, 7))
    system.keep_up()
    system.grants.revoke(revoked, "key:op")
    system.keep_up()
    before = recorded(system)
    with psycopg.connect(system.dsn) as connection:
        connection.execute("update reactions set position = 0 where name = 'record_growth_of_grants'")
    system.keep_up()
    assert recorded(system) == before and len(before) == 3
    assert standing(system) == ("silver", 550)
    assert kept in {fact_id for _, fact_id, *_ in before}


def test_what_is_revoked_before_the_reaction_was_never_earned(system: Programme) -> None:
    grant_id = give(system, benefit="growth-gift", units=450)
    system.grants.revoke(grant_id, "key:op")
    system.keep_up()
    assert recorded(system) == []


def test_what_was_used_in_part_stays_earned(system: Programme) -> None:
    grant_id = give(system, benefit="growth-gift", units=450)
    system.keep_up()
    system.grants.redeem(grant_id, "key:till", units=1)
    system.grants.revoke(grant_id, "key:op")
    system.keep_up()
    assert standing(system) == ("silver", 550)


def test_a_coupon_and_points_earn_nothing(system: Programme) -> None:
    put_in_force(system.dsn, COUPON)
    put_in_force(system.dsn, GIFT | {"benefit": "points", "details": {"of": "points"}})
    give(system)
    give(system, benefit="points", units=450)
    system.keep_up()
    assert (standing(system), recorded(system)) == (("plain", 100), [])


def test_a_kind_that_asks_for_an_amount_gets_the_units(system: Programme) -> None:
    PostgresFactKinds(system.pool).register("paid_gift", KindDefinition(requires=("amount", "currency")))
    put_in_force(system.dsn, GIFT | {"details": {"of": "growth", "fact_kind": "paid_gift"}}, version=2)
    grant_id = give(system, benefit="growth-gift", units=450)
    system.keep_up()
    assert recorded(system) == [("paid_gift", grant_id, 450, "USD")]


def test_what_the_log_refuses_is_waited_for_and_holds_up_nobody_before_it(system: Programme) -> None:
    put_in_force(system.dsn, GIFT | {"benefit": "faulty", "details": {"of": "growth", "fact_kind": "nowhere"}})
    faulty, good = give(system, benefit="faulty", units=1), give(system, benefit="growth-gift", units=450)
    with pytest.raises(GrowthNotRecorded, match=r"'faulty' earns no growth value: kind: use one of .*, or register it"):
        system.keep_up()
    assert [fact_id for _, fact_id, *_ in recorded(system)] == [good]
    system.grants.revoke(faulty, "key:op")
    system.keep_up()
    assert [fact_id for _, fact_id, *_ in recorded(system)] == [good]
    assert standing(system) == ("silver", 550)
