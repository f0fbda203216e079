"""Grants on a real ledger: on what is decided, charged whole or not at all, once for a command, proven after."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from application.benefits.grant_benefit import grant_id_of
from application.benefits.ports import MoveWanted, Recorded
from application.queries import UnknownUser
from domain.benefits.granting import GrantWanted
from domain.benefits.refusals import (
    BenefitNotInForce,
    BudgetExhausted,
    BudgetNotOpen,
    BudgetOfAnotherCurrency,
    CapReached,
    GrantEnded,
    GrantEndsInPast,
    GrantingStopped,
    GrantRequestInvalid,
    MoreThanLeft,
    NotEntitled,
    NotInPart,
    RedeemedTooOften,
    StockExhausted,
    UnknownBenefit,
    UnknownBudget,
    UnknownGrant,
)
from domain.facts.history import SubjectInHistory
from domain.facts.instants import parse_instant
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force
from tests.support.grants import DAY, MODEL, START, GrantingSystem, two_users
from tests.support.ledger import order


@pytest.fixture
def system(database: str) -> Iterator[GrantingSystem]:
    with two_users(database) as system:
        yield system


def test_a_grant_is_redeemed_in_part_and_then_whole(system: GrantingSystem) -> None:
    open_budget(system.dsn, "spring", 10_000)
    put_in_force(system.dsn, {**COUPON, "stock": 5, "budget": "spring", "validity": {"from_grant": "30 days"}})
    given = system.give(units=3, reason="welcome", order_id="o1")
    grant = given.grant
    assert (grant.units, grant.left, grant.status, grant.version, grant.unit_cost) == (3, 3, "open", 1, 1000)
    assert grant.expires_at == START + 30 * DAY
    assert accounts(system.dsn) == {"budget:spring": (10_000, 3_000, 0), "stock:coupon-10": (5, 3, 0)}
    part = system.redeem(grant.grant_id, "key:till", units=1, order_id="o9")
    assert (part.grant.left, part.grant.status, part.moved) == (2, "open", 1)
    whole = system.redeem(grant.grant_id, "key:till")
    assert (whole.grant.left, whole.grant.status, whole.moved, whole.grant.times) == (0, "redeemed", 2, 2)
    assert given.position < part.position < whole.position
    assert accounts(system.dsn) == {"budget:spring": (10_000, 0, 3_000), "stock:coupon-10": (5, 0, 3)}
    with pytest.raises(GrantEnded, match="redeemed"):
        system.redeem(grant.grant_id, "key:till", command_id="another")
    told = [(e["topic"][10:-3], e.get("units"), e.get("cost"), e.get("order_id")) for e in system.events()["ann"][-3:]]
    assert told == [
        ("benefit-granted", 3, 3000, "o1"),
        ("benefit-redeemed", 1, 1000, "o9"),
        ("benefit-redeemed", 2, 2000, ""),
    ]
    assert system.events()["ann"][-3]["tiers"] == {"value": "high"}
    system.assert_proven()


def test_what_is_revoked_can_be_promised_again(system: GrantingSystem) -> None:
    open_budget(system.dsn, "spring", 3_000)
    put_in_force(system.dsn, {**COUPON, "stock": 3, "budget": "spring"})
    grant_id = system.give(units=3).grant.grant_id
    system.redeem(grant_id, "key:till", units=1)
    revoked = system.revoke(grant_id, "key:op", reason="a mistake")
    assert (revoked.grant.status, revoked.moved, revoked.grant.released) == ("revoked", 2, 2)
    assert accounts(system.dsn) == {"budget:spring": (3_000, 0, 1_000), "stock:coupon-10": (3, 0, 1)}
    with pytest.raises(GrantEnded, match="revoked"):
        system.revoke(grant_id, "key:op")
    assert system.give("bob", units=2).grant.left == 2


def test_a_grant_expires_as_of_its_end_however_late(system: GrantingSystem) -> None:
    open_budget(system.dsn, "spring", 3_000)
    put_in_force(system.dsn, {**COUPON, "budget": "spring", "validity": {"from_grant": "2 days"}})
    grant_id = system.give(units=2).grant.grant_id
    system.clock.set(START + 2 * DAY - 10)
    assert system.redeem(grant_id, "key:till", units=1).grant.left == 1
    assert system.expire() == 0
    system.clock.set(START + 9 * DAY)
    with pytest.raises(GrantEnded, match="expired since 2026-03-04T00:00:00Z"):
        system.redeem(grant_id, "key:till")
    assert (system.expire(), system.expire()) == (1, 0)
    last = system.events()["ann"][-1]
    assert (last["topic"], last["at"], last["units"]) == ("user-tier.benefit-expired.v1", START + 2 * DAY, 1)
    assert accounts(system.dsn) == {"budget:spring": (3_000, 0, 1_000)}
    system.settle()
    system.assert_proven()


def test_a_budget_and_all_it_lies_in_are_charged_or_none(system: GrantingSystem) -> None:
    open_budget(system.dsn, "year", 2_500)
    open_budget(system.dsn, "spring", 10_000, parent="year")
    put_in_force(system.dsn, {**COUPON, "stock": 10, "budget": "spring"})
    system.give(units=2)
    with pytest.raises(BudgetExhausted, match="'year' has no room for 1000"):
        system.give("bob")
    assert accounts(system.dsn) == {
        "budget:spring": (10_000, 2_000, 0),
        "budget:year": (2_500, 2_000, 0),
        "stock:coupon-10": (10, 2, 0),
    }
    assert [event["topic"] for event in system.events()["bob"]] == [
        "user-tier.user-enrolled.v1",
        "user-tier.tier-changed.v1",
    ]


def test_a_budget_of_periods_has_a_fresh_amount_in_each(system: GrantingSystem) -> None:
    open_budget(system.dsn, "monthly", 1_500, period="month")
    put_in_force(system.dsn, {**COUPON, "budget": "monthly"})
    system.give()
    with pytest.raises(BudgetExhausted):
        system.give("bob")
    system.clock.set(parse_instant("2026-04-01T00:00:00Z"))
    system.give("bob")
    assert accounts(system.dsn) == {
        "budget:monthly@2026-03-01T00:00:00Z": (1_500, 1_000, 0),
        "budget:monthly@2026-04-01T00:00:00Z": (1_500, 1_000, 0),
    }


def test_a_command_brings_a_budget_of_its_own(system: GrantingSystem) -> None:
    open_budget(system.dsn, "launch", 1_000)
    open_budget(system.dsn, "yen", 1_000, currency="JPY")
    open_budget(system.dsn, "later", 1_000, starts_at=START + DAY)
    open_budget(system.dsn, "over", 1_000, ends_at=START)
    put_in_force(system.dsn, COUPON)
    assert system.give(budgets=("launch",)).grant.left == 1
    with pytest.raises(BudgetExhausted):
        system.give("bob", budgets=("launch",))
    with pytest.raises(BudgetOfAnotherCurrency):
        system.give(budgets=("yen",))
    with pytest.raises(BudgetNotOpen, match="opens on"):
        system.give(budgets=("later",))
    with pytest.raises(BudgetNotOpen, match="ended on"):
        system.give(budgets=("over",))
    with pytest.raises(UnknownBudget):
        system.give(budgets=("nowhere",))


def test_stock_runs_out(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "stock": 2})
    system.give(units=2)
    with pytest.raises(StockExhausted):
        system.give("bob")
    assert accounts(system.dsn) == {"stock:coupon-10": (2, 2, 0)}


def test_who_is_not_entitled_gets_nothing(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "entitlement": {"value": ["high"]}})
    assert system.give().grant.left == 1
    with pytest.raises(NotEntitled, match="stands on 'low' on scheme 'value'"):
        system.give("bob")


def test_what_is_due_is_decided_before_the_grant(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "entitlement": {"value": ["high"]}})
    system.facts([order("o4", "bob", START)])
    assert system.give("bob").grant.left == 1, "two orders by now, and nobody has decided yet"
    system.clock.set(START + 40 * DAY)
    with pytest.raises(NotEntitled):
        system.give("bob")
    system.assert_proven()


def test_an_activation_reaches_a_user_before_a_grant_does(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "entitlement": {"value": ["high"]}})
    system.activate({**MODEL, "rules": {"high": "orders >= 1"}})
    assert system.give("bob").grant.left == 1
    system.assert_proven()


def test_redeeming_may_ask_for_the_tier_again(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "entitlement": {"value": ["high"]}, "redemption": {"while_entitled": True}})
    grant_id = system.give(units=2).grant.grant_id
    system.redeem(grant_id, "key:till", units=1)
    system.clock.set(START + 40 * DAY)
    with pytest.raises(NotEntitled):
        system.redeem(grant_id, "key:till")


def test_caps_hold_for_a_user_and_in_a_period(system: GrantingSystem) -> None:
    caps = {"per_user": 3, "per_period": {"units": 2, "period": "month"}}
    put_in_force(system.dsn, {**COUPON, "caps": caps})
    first = system.give(units=2).grant.grant_id
    with pytest.raises(CapReached, match="2 of 'coupon-10' a month"):
        system.give()
    system.clock.set(parse_instant("2026-04-01T00:00:00Z"))
    with pytest.raises(CapReached, match="3 of 'coupon-10' in all"):
        system.give(units=2)
    system.give()
    with pytest.raises(CapReached):
        system.give()
    system.revoke(first, "key:op")
    assert system.give().grant.left == 1, "what was released does not count"
    put_in_force(system.dsn, {**COUPON, "caps": {"per_user": 2}}, version=2)
    with pytest.raises(CapReached):
        system.give()


def test_rules_of_redemption(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "redemption": {"most_times": 2}})
    grant_id = system.give(units=5).grant.grant_id
    with pytest.raises(MoreThanLeft, match="has 5 left, and 6"):
        system.redeem(grant_id, "key:till", units=6)
    system.redeem(grant_id, "key:till", units=1)
    system.redeem(grant_id, "key:till", units=1)
    with pytest.raises(RedeemedTooOften):
        system.redeem(grant_id, "key:till", units=1)
    put_in_force(system.dsn, {**COUPON, "redemption": {"in_part": False}}, version=2)
    assert system.redeem(system.give("bob", units=2).grant.grant_id, "key:till").moved == 2
    whole = system.give("bob", units=2).grant.grant_id
    with pytest.raises(NotInPart):
        system.redeem(whole, "key:till", units=1)
    with pytest.raises(RedeemedTooOften):
        system.redeem(grant_id, "key:till", units=1)  # by the version it was given under
    for wrong in (0, -1, 2**53):
        with pytest.raises(GrantRequestInvalid):
            system.redeem(whole, "key:till", units=wrong)


def test_a_clawback_takes_what_is_left_and_owes_what_was_used(system: GrantingSystem) -> None:
    open_budget(system.dsn, "spring", 5_000)
    put_in_force(system.dsn, {**COUPON, "budget": "spring"})
    grant_id = system.give(units=3).grant.grant_id
    system.redeem(grant_id, "key:till", units=1)
    back = system.desk.move(MoveWanted("claw-back", grant_id, "reaction", reclaim=True, reason="o1 was refunded"))
    assert isinstance(back, Recorded)
    assert (back.grant.status, back.grant.released, back.grant.reclaimed) == ("clawed-back", 2, 1)
    assert accounts(system.dsn) == {"budget:spring": (5_000, 0, 1_000)}, "what was used stays spent, and is owed"
    again = system.desk.move(MoveWanted("claw-back", grant_id, "reaction", reclaim=True))
    assert isinstance(again, Recorded)
    assert again.replayed
    last = system.events()["ann"][-1]
    assert (last["units"], last["reclaimed"], last["clawback"]) == (2, 1, True)


def test_one_command_is_one_grant_and_one_redemption(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "stock": 10})
    first, second = system.give(command_id="k/1", units=2), system.give(command_id="k/1", units=2)
    assert (first.grant.grant_id, first.replayed, second.replayed) == (second.grant.grant_id, False, True)
    for replayed in (False, True):
        redeemed = system.redeem(first.grant.grant_id, "key:till", units=1, command_id="k/2")
        assert (redeemed.replayed, redeemed.grant.left) == (replayed, 1)
    assert accounts(system.dsn) == {"stock:coupon-10": (10, 1, 1)}


def test_a_stop_holds_everything_of_its_scope(system: GrantingSystem) -> None:
    open_budget(system.dsn, "launch", 9_000)
    put_in_force(system.dsn, COUPON)
    put_in_force(system.dsn, {**COUPON, "benefit": "other"})
    scopes = {
        "*": {},
        "benefit:coupon-10": {},
        "campaign:c1": {"campaign": "c1"},
        "budget:launch": {"budgets": ("launch",)},
    }
    for scope, further in scopes.items():
        with psycopg.connect(system.dsn) as connection:
            connection.execute("insert into grant_stops values (%s, 'key:op', 0, 'wrong price')", (scope,))
        with pytest.raises(GrantingStopped):
            system.give(**further)
        if scope != "*":
            assert system.give("bob", "other").grant.left == 1
        with psycopg.connect(system.dsn) as connection:
            connection.execute("delete from grant_stops")
        assert system.give(**further).grant.left == 1


def test_what_cannot_be_granted(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "validity": {"until": "2026-03-01T00:00:00Z"}})
    with pytest.raises(GrantEndsInPast):
        system.give()
    with pytest.raises(UnknownBenefit):
        system.give(benefit="nothing")
    with psycopg.connect(system.dsn) as connection:
        connection.execute("update benefits set status = 'retired'")
    with pytest.raises(BenefitNotInForce):
        system.give()
    for nobody in ("nobody", "a\0b"):
        with pytest.raises(UnknownUser):
            system.give(nobody)
    for wrong in ({"units": 0}, {"units": 2**53}, {"reason": "a\nb"}, {"order_id": "x" * 501}):
        with pytest.raises(GrantRequestInvalid):
            system.give(**wrong)
    for grant_id in ("nonsense", grant_id_of("x")):
        with pytest.raises(UnknownGrant):
            system.redeem(grant_id, "key:till")
    session = system.sessions.open("test")
    system.facts([order("h1", "hal", START - DAY)], session.history_id)
    with pytest.raises(SubjectInHistory):
        system.give("hal")


def test_a_batch_refuses_one_and_grants_the_rest(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "stock": 2, "entitlement": {"value": ["high", "low"]}})
    wanted = [GrantWanted(grant_id_of(""), user, "coupon-10") for user in ("ann", "nobody", "bob", "ann", "bob")]
    outcomes = system.desk.grant_many(wanted)
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [Recorded, UnknownUser, Recorded, StockExhausted, StockExhausted]
    assert accounts(system.dsn) == {"stock:coupon-10": (2, 2, 0)}
    positions = [event for event in outcomes if isinstance(event, Recorded)]
    assert positions[1].position == positions[0].position + 1


def test_many_at_once_never_overspend(system: GrantingSystem) -> None:
    """40 users, 8 threads, room for 25 units in the budget and 20 in stock."""
    open_budget(system.dsn, "spring", 25_000)
    put_in_force(system.dsn, {**COUPON, "stock": 20, "budget": "spring"})
    users = [f"u{n}" for n in range(40)]
    system.facts([order(f"f-{user}", user, START) for user in users])
    system.settle()

    def claim(user: str) -> bool:
        try:
            return system.give(user).grant.left == 1
        except (StockExhausted, BudgetExhausted):
            return False

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(claim, users))
    assert sum(won) == 20
    assert accounts(system.dsn) == {"budget:spring": (25_000, 20_000, 0), "stock:coupon-10": (20, 20, 0)}
    granted = [user for user, events in system.events().items() if events[-1]["topic"].endswith("benefit-granted.v1")]
    assert len(granted) == 20


def test_two_names_of_one_user_share_their_caps(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "caps": {"per_user": 1}})
    with psycopg.connect(system.dsn) as connection:
        connection.execute("insert into user_ids select 'anne', subject_id from user_ids where user_id = 'ann'")
    wanted = [GrantWanted(grant_id_of(""), user, "coupon-10") for user in ("ann", "anne")]
    assert [type(outcome) for outcome in system.desk.grant_many(wanted)] == [Recorded, CapReached]


def test_what_is_left_of_an_erased_user_is_released(system: GrantingSystem) -> None:
    put_in_force(system.dsn, {**COUPON, "stock": 3, "validity": {"from_grant": "1 day"}})
    system.give(units=2)
    with psycopg.connect(system.dsn) as connection:
        connection.execute(
            "delete from subjects using user_ids u where u.user_id = 'ann' and subjects.subject_id = u.subject_id"
        )
    system.clock.set(START + 2 * DAY)
    assert system.expire() == 1
    assert accounts(system.dsn) == {"stock:coupon-10": (3, 0, 0)}
