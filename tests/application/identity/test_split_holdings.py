"""What was given stays with the user who stays; whoever grants meanwhile finds the new one."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from application.benefits.grant_benefit import GrantBenefit, grant_id_of
from domain.benefits.granting import GrantWanted
from domain.user_tier.decide import decide
from infrastructure.benefits.desk import PostgresGrantDesk
from infrastructure.benefits.merging import move_grants
from infrastructure.benefits.queries import PostgresGrantQueries
from infrastructure.strategies.merging import move_assignments
from tests.application.identity.test_merge import START, Identities, features, system
from tests.support.benefits import COUPON, put_in_force
from tests.support.ledger import LedgerSystem, order
from tests.support.waiting import wait_for

__all__ = ["system"]


@pytest.fixture
def identities(system: LedgerSystem) -> Identities:
    return Identities(system, moves=(move_grants, move_assignments))


class Desk:
    """Gives coupons."""

    def __init__(self, system: LedgerSystem) -> None:
        put_in_force(system.dsn, COUPON | {"stock": 9, "caps": {"per_user": 3}, "validity": {"from_grant": "5 days"}})
        self.queries = PostgresGrantQueries(system.pool)
        self._grant = GrantBenefit(PostgresGrantDesk(system.pool, system.keyring), system.evaluate_user)

    def give(self, user: str, units: int) -> str:
        return self._grant(GrantWanted(grant_id_of(""), user, "coupon-10", units)).grant.grant_id

    def left(self, user: str) -> int:
        return sum(one.left for one in self.queries.grants_of(user, None, None, 10)[0])


def test_grants_stay_with_what_was_promised(system: LedgerSystem, identities: Identities) -> None:
    desk = Desk(system)
    bobs = desk.give("bob", 2)
    identities.merge("ann", "bob")
    identities.split("ann", "bob")
    system.settle()
    assert desk.queries.grant(bobs)[0] == "ann"
    assert (desk.left("ann"), desk.left("bob")) == (2, 0)
    desk.give("bob", 3)
    assert (desk.left("ann"), desk.left("bob")) == (2, 3)
    system.assert_proven()


def test_growth_that_was_granted_stays(system: LedgerSystem, identities: Identities) -> None:
    identities.merge("ann", "bob")
    growth = {"fact_id": "g1", "source": "tierline", "user_id": "bob", "kind": "visit"}
    system.facts([growth | {"occurred_at": "2026-03-02T00:00:00Z", "attributes": {"value": 5}}])
    assert identities.split("ann", "bob").facts == 3
    system.facts([order("e0", "eve", START)])
    identities.merge("eve", "ann")  # with the grants that it was for
    with system.pool.connection() as connection:
        query = "select count(*) from facts join user_ids using (subject_id) where fact_id = 'g1' and user_id = %s"
        assert [connection.execute(query, (user,)).fetchone() for user in ("eve", "bob")] == [(1,), (0,)]
    system.assert_proven()


def test_a_grant_that_waits_is_the_new_users(system: LedgerSystem, identities: Identities) -> None:
    desk = Desk(system)
    identities.merge("ann", "bob")
    system.settle()
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query like '%user_ids%'"
    with ThreadPoolExecutor(1) as threads, identities.ledger.take_split("ann", ["bob"], "") as taken:
        granting = threads.submit(desk.give, "bob", 1)
        with system.pool.connection() as connection:
            connection.autocommit = True
            wait_for(lambda: connection.execute(waits).fetchone() == (1,), seconds=20)
            connection.autocommit = False
        taken.part("two people")
        work = taken.taken.work
        taken.record(decide(work.subjects, work.table, work.forces, work.now + 1), work.subjects)
        assert desk.queries.grant(granting.result(20))[0] == "bob"
    system.settle()
    assert (desk.left("ann"), desk.left("bob"), features(system, "bob")["orders"]) == (0, 1, 3)
    system.assert_proven()
