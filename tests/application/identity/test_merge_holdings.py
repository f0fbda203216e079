"""A merged user's grants are the survivor's: redeemed, capped and expired on the terms that they were given."""

import pytest

from application.benefits.grant_benefit import GrantBenefit, grant_id_of
from application.benefits.redeem_grant import RedeemGrant
from domain.benefits.granting import GrantWanted
from domain.benefits.refusals import CapReached
from infrastructure.benefits.desk import PostgresGrantDesk
from infrastructure.benefits.merging import move_grants
from infrastructure.benefits.queries import PostgresGrantQueries
from infrastructure.strategies.merging import move_assignments
from tests.application.identity.test_merge import DAY, START, Identities, system
from tests.support.benefits import COUPON, accounts, put_in_force
from tests.support.ledger import LedgerSystem

__all__ = ["system"]


@pytest.fixture
def identities(system: LedgerSystem) -> Identities:
    return Identities(system, moves=(move_grants, move_assignments))


def test_grants_go_over(system: LedgerSystem, identities: Identities) -> None:
    put_in_force(system.dsn, COUPON | {"stock": 9, "caps": {"per_user": 3}, "validity": {"from_grant": "5 days"}})
    desk, queries = PostgresGrantDesk(system.pool, system.keyring), PostgresGrantQueries(system.pool)
    grant, redeem = GrantBenefit(desk, system.evaluate_user), RedeemGrant(desk, system.evaluate_user)

    def give(user: str, units: int) -> str:
        return grant(GrantWanted(grant_id_of(""), user, "coupon-10", units, order_id="a0")).grant.grant_id

    bobs = give("bob", 2)
    give("ann", 1)
    system.clock.set(START + DAY)
    identities.merge("ann", "bob")
    assert queries.grant(bobs)[0] == "ann"
    assert sum(one.left for one in queries.grants_of("bob", None, None, 10)[0]) == 3
    with pytest.raises(CapReached):
        give("bob", 1)
    used = redeem(bobs, "key:till", units=1)
    assert (used.user_id, used.grant.left) == ("ann", 1)
    assert system.events()["ann"][-1]["topic"] == "user-tier.benefit-redeemed.v1"
    system.clock.set(START + 9 * DAY)
    system.settle()
    assert desk.expire(10) == 2
    assert accounts(system.dsn) == {"stock:coupon-10": (9, 0, 1)}
    system.assert_proven()
