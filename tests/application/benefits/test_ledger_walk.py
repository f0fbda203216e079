"""A random walk of commands by several users against a naive model in memory: refusals, accounts and grants come out
alike, the ledger is proven, and its figures add up."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from application.benefits.ports import Recorded
from domain.benefits.refusals import BudgetExhausted, CapReached, GrantEnded, MoreThanLeft, StockExhausted
from domain.refusal import Refusal
from infrastructure.benefits.ledger import PostgresLedgerFigures
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force
from tests.support.grants import DAY, START, GrantingSystem, two_users
from tests.support.ledger import order
from tests.support.ledger_proof import proof_of

USERS = ("ann", "bob", "cat", "dan")
STEPS = 150
# benefit -> (unit cost, days until its end, units of stock, cap for a user, budgets charged)
BENEFITS: dict[str, tuple[int, int | None, int | None, int | None, tuple[str, ...]]] = {
    "coupon-10": (1000, 12, 60, None, ("spring", "year")),
    "points": (3, None, None, 40, ("points", "year")),
    "free": (0, 5, 16, 9, ()),
}
BUDGETS = {"year": 70_000, "spring": 55_000, "points": 250, "extra": 9_000}
PARENTS = {"spring": "year", "points": "year"}


@dataclass
class Naive:
    """Dictionaries, and the rules once more, as plainly as can be."""

    reserved: dict[str, int] = field(default_factory=dict)
    spent: dict[str, int] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)
    grants: dict[str, dict[str, Any]] = field(default_factory=dict)

    def grant(self, user: str, benefit: str, units: int, extra: bool, now: int) -> type[Refusal] | dict[str, Any]:
        cost, days, stock, cap, budgets = BENEFITS[benefit]
        had = sum(g["units"] - g["released"] for g in self.grants.values() if (g["user"], g["of"]) == (user, benefit))
        if cap is not None and had + units > cap:
            return CapReached
        charges = {f"budget:{name}": units * cost for name in (*budgets, *(("extra",) if extra else ()))}
        charges |= {f"stock:{benefit}": units} if stock is not None else {}
        for account, amount in charges.items():
            if self.reserved[account] + self.spent[account] + amount > self.allowed[account]:
                return StockExhausted if account.startswith("stock:") else BudgetExhausted
        for account, amount in charges.items():
            self.reserved[account] += amount
        ends = None if days is None else (now // DAY + days) * DAY
        return {"user": user, "of": benefit, "units": units, "redeemed": 0, "released": 0, "reclaimed": 0} | {
            "status": "open",
            "ends": ends,
            "charges": {account: amount // units for account, amount in charges.items()},
        }

    def redeem(self, grant: dict[str, Any], units: int, now: int) -> type[Refusal] | None:
        if self.is_over(grant, now):
            return GrantEnded
        if units > self.left(grant):
            return MoreThanLeft
        self._take(grant, units, spent=True)
        grant["redeemed"] += units
        grant["status"] = "open" if self.left(grant) else "redeemed"
        return None

    def end(self, grant: dict[str, Any], status: str) -> None:
        self._take(grant, self.left(grant), spent=False)
        grant["released"] += self.left(grant)
        grant["status"] = status

    def claw_back(self, grant: dict[str, Any], reclaim: bool, now: int) -> None:
        if not self.is_over(grant, now):
            self.end(grant, "clawed-back")
        if reclaim:
            grant["reclaimed"] = grant["redeemed"]

    def expire(self, now: int) -> int:
        over = [grant for grant in self.grants.values() if grant["status"] == "open" and self.is_over(grant, now)]
        for grant in over:
            self.end(grant, "expired")
        return len(over)

    def is_over(self, grant: dict[str, Any], now: int) -> bool:
        return grant["status"] != "open" or (grant["ends"] is not None and grant["ends"] <= now)

    def left(self, grant: dict[str, Any]) -> int:
        return grant["units"] - grant["redeemed"] - grant["released"]

    def _take(self, grant: dict[str, Any], units: int, spent: bool) -> None:
        for account, amount in grant["charges"].items():
            self.reserved[account] -= units * amount
            self.spent[account] += units * amount * spent


@pytest.fixture
def system(database: str) -> Iterator[GrantingSystem]:
    with two_users(database) as system:
        system.facts([order(f"f-{user}", user, START) for user in USERS[2:]])
        system.settle()
        for budget in ("year", "spring", "points", "extra"):
            open_budget(database, budget, BUDGETS[budget], parent=PARENTS.get(budget))
        for benefit, (cost, days, stock, cap, budgets) in BENEFITS.items():
            definition: dict[str, Any] = {**COUPON, "benefit": benefit, "unit_cost": cost}
            definition |= {"validity": {"from_grant": f"{days} days"}} if days is not None else {}
            definition |= {"stock": stock} if stock is not None else {}
            definition |= {"caps": {"per_user": cap}} if cap is not None else {}
            put_in_force(database, definition | ({"budget": budgets[0]} if budgets else {}))
        yield system


@pytest.mark.parametrize("seed", [1, 2])
def test_a_walk(system: GrantingSystem, seed: int) -> None:
    choose, naive = random.Random(seed), Naive()
    naive.allowed = {account: allowed for account, (allowed, _, _) in accounts(system.dsn).items()}
    naive.reserved = dict.fromkeys(naive.allowed, 0)
    naive.spent = dict.fromkeys(naive.allowed, 0)
    refused: set[type[Refusal] | None] = set()
    for step in range(STEPS):
        # Within a step only commands move the clock, by microseconds: no end lies in between.
        now = START + step * DAY // 3 + 60
        system.clock.set(now)
        refused.add(_step(system, naive, choose, now))
    assert refused >= {None, BudgetExhausted, StockExhausted, CapReached, GrantEnded, MoreThanLeft}
    held = accounts(system.dsn)
    assert {name: (one[1], one[2]) for name, one in held.items()} == {
        name: (naive.reserved[name], naive.spent[name]) for name in naive.allowed
    }
    _same_grants(system, naive)
    found = proof_of(system.pool, system.keyring)
    assert found["clean"] and found["grants"] == len(naive.grants) and found["moves"] > 20, found
    _figures_add_up(system, naive)
    system.settle()
    system.assert_proven()


def _step(system: GrantingSystem, naive: Naive, choose: random.Random, now: int) -> type[Refusal] | None:
    """One command, carried out on both; the refusal that both agree on."""
    act = choose.choices(("grant", "redeem", "revoke", "claw", "expire"), (8, 7, 1, 1, 1))[0]
    if act == "grant":
        user, benefit, units = choose.choice(USERS), choose.choice(list(BENEFITS)), choose.randint(1, 9)
        extra = choose.random() < 0.2
        should = naive.grant(user, benefit, units, extra, now)
        found = _carried_out(lambda: system.give(user, benefit, units=units, budgets=("extra",) if extra else ()))
        if isinstance(should, dict):
            assert isinstance(found, Recorded), (found, should)
            naive.grants[found.grant.grant_id] = should
            return None
        assert type(found) is should, (found, should, user, benefit, units)
        return should
    if act == "expire":
        assert sum(iter(system.expire, 0)) == naive.expire(now)
        return None
    if not naive.grants:
        return None
    grant_id = choose.choice(list(naive.grants))
    grant = naive.grants[grant_id]
    if act == "redeem":
        units = choose.randint(1, 5)
        refusal = naive.redeem(grant, units, now)
        found = _carried_out(lambda: system.redeem(grant_id, "key:till", units=units))
    elif act == "revoke":
        refusal = GrantEnded if naive.is_over(grant, now) else None
        found = _carried_out(lambda: system.revoke(grant_id, "key:op"))
        if refusal is None:
            naive.end(grant, "revoked")
    else:
        refusal, reclaim = None, choose.random() < 0.5
        found = _carried_out(lambda: system.claw_back(grant_id, reclaim=reclaim))
        naive.claw_back(grant, reclaim, now)
    assert (type(found) if isinstance(found, Refusal) else None) is refusal, (found, refusal, grant)
    return refusal


def _carried_out(command: Any) -> Recorded | Refusal:
    try:
        found: Recorded = command()
    except Refusal as refusal:
        return refusal
    return found


def _same_grants(system: GrantingSystem, naive: Naive) -> None:
    query = "select grant_id, units, redeemed, released, reclaimed, status from grants"
    with system.pool.connection() as connection:
        kept = {row[0].hex: row[1:] for row in connection.execute(query).fetchall()}
    names = ("units", "redeemed", "released", "reclaimed", "status")
    assert kept == {grant_id: tuple(grant[name] for name in names) for grant_id, grant in naive.grants.items()}


def _figures_add_up(system: GrantingSystem, naive: Naive) -> None:
    figures = PostgresLedgerFigures(system.pool)
    liability = figures.liability("benefit")
    left = sum(naive.left(grant) * BENEFITS[grant["of"]][0] for grant in naive.grants.values())
    assert sum(row.left.cost for row in [*liability.totals, *liability.ended]) == left
    (total,) = figures.costs("benefit").totals
    for name in ("redeemed", "released", "reclaimed"):
        assert getattr(total, name).units == sum(grant[name] for grant in naive.grants.values())
    assert total.granted.units == sum(grant["units"] for grant in naive.grants.values()) and total.open.cost == left
