"""A ledger with a desk: what grants and moves under test, on two users who stand on two tiers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from application.benefits.expire_grants import ExpireGrants
from application.benefits.grant_benefit import GrantBenefit, grant_id_of
from application.benefits.ports import MoveWanted, Recorded
from application.benefits.redeem_grant import RedeemGrant
from application.benefits.revoke_grant import RevokeGrant
from domain.benefits.granting import GrantWanted
from domain.facts.instants import SECOND, parse_instant
from infrastructure.benefits.desk import PostgresGrantDesk
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "high"],
    "features": {"orders": {"count": "order", "within": "30 days"}},
    "rules": {"high": "orders >= 2"},
}


class GrantingSystem(LedgerSystem):
    """With what grants."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, manual_clock=True)
        self.desk = PostgresGrantDesk(self.pool, self.keyring)
        self.grant = GrantBenefit(self.desk, self.evaluate_user)
        self.redeem = RedeemGrant(self.desk, self.evaluate_user)
        self.revoke = RevokeGrant(self.desk, self.evaluate_user)
        self.expire = ExpireGrants(self.desk)

    def give(self, user_id: str = "ann", benefit: str = "coupon-10", **further: Any) -> Recorded:
        """A grant; under a command_id once."""
        command_id = further.pop("command_id", "")
        wanted = GrantWanted(
            grant_id_of(command_id), user_id, benefit, actor="key:op", command_id=command_id, **further
        )
        return self.grant(wanted)

    def claw_back(self, grant_id: str, *, reclaim: bool = False) -> Recorded:
        """As a reaction does."""
        found = self.desk.move(MoveWanted("claw-back", grant_id, "reaction", reclaim=reclaim))
        assert isinstance(found, Recorded)
        return found


@contextmanager
def two_users(dsn: str) -> Iterator[GrantingSystem]:
    """ann stands on high, bob on low."""
    with GrantingSystem(dsn) as system:
        assert isinstance(system, GrantingSystem)
        system.clock.set(START)
        system.activate(MODEL)
        system.facts([order("o1", "ann", START), order("o2", "ann", START), order("o3", "bob", START)])
        system.settle()
        yield system
