"""Benefits that are taken back and issued by themselves, on a real ledger: each once, whatever breaks."""

from collections.abc import Iterator
from typing import Any

import pytest

from application.benefits.grant_benefit import grant_id_of
from application.benefits.issuances import Issuances
from application.evaluation.evaluate_user import EvaluateUser
from domain.benefits.granting import GrantWanted
from domain.benefits.refusals import UnknownBenefit
from domain.definitions.refusals import DefinitionInvalid, DefinitionRetired, UnknownDefinition
from domain.facts.instants import SECOND, format_instant, parse_instant
from infrastructure.benefits.grants_wiring import build_grants
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {"orders": {"count": "order", "within": "30 days"}},
    "rules": {"high": "orders >= 3", "mid": "orders >= 2"},
}


class Programme(LedgerSystem):
    """With what gives and takes by itself."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, manual_clock=True)
        evaluate = EvaluateUser(self.evaluation)
        ledger, tail = Ledger(self.pool, self.keyring), LogTail(self.pool, self.keyring)
        self.grants = build_grants(self.pool, self.keyring, ledger, tail, evaluate)

    @property
    def issuances(self) -> Issuances:
        return self.grants.issuances

    def keep_up(self) -> None:
        """Decide and react until nothing is left to do."""
        while self.settle() or self.grants.keep_up():
            pass

    def at(self, instant: int | str) -> None:
        self.clock.set(parse_instant(instant) if isinstance(instant, str) else instant)
        self.keep_up()

    def given(self, user_id: str) -> list[tuple[str, str, str, int]]:
        """Benefit, cause, instant and status of the user's grants, the oldest first."""
        found, _ = self.grants.queries.grants_of(user_id, None, None, 100)
        return [(one.benefit, one.cause, format_instant(one.granted_at)[:10], one.left) for one in reversed(found)]


@pytest.fixture
def system(database: str) -> Iterator[Programme]:
    """ann stands on mid, bob on low."""
    with Programme(database) as system:
        system.clock.set(START)
        system.activate(MODEL)
        system.facts([order("o1", "ann", START), order("o2", "ann", START), order("o3", "bob", START)])
        system.keep_up()
        yield system


def give(system: Programme, user_id: str = "ann", benefit: str = "coupon-10", **further: Any) -> str:
    wanted = GrantWanted(grant_id_of(""), user_id, benefit, actor="key:op", **further)
    return system.grants.grant(wanted).grant.grant_id


def refund(fact_id: str, user_id: str, at: int, order_id: str, kind: str = "refund") -> dict[str, Any]:
    return order(fact_id, user_id, at, 50, order_id=order_id) | {"kind": kind}


def profile(fact_id: str, user_id: str, at: int, born: str) -> dict[str, Any]:
    return order(fact_id, user_id, at, born=born) | {"kind": "profile", "amount": None, "currency": None}


def test_what_is_left_is_taken_back_when_the_tier_falls(system: Programme) -> None:
    open_budget(system.dsn, "spring", 9_000)
    definition = COUPON | {"budget": "spring", "entitlement": {"value": ["mid", "high"]}}
    put_in_force(system.dsn, definition | {"clawback": {"on_downgrade": True}})
    put_in_force(system.dsn, definition | {"benefit": "kept"})
    taken, kept = give(system, units=3), give(system, benefit="kept")
    system.grants.redeem(taken, "key:till", units=1)
    system.at(START + 40 * DAY)
    grant = system.grants.queries.grant(taken)[1]
    assert (grant.status, grant.redeemed, grant.released, grant.reclaimed) == ("clawed-back", 1, 2, 0)
    assert system.grants.queries.grant(kept)[1].status == "open"
    assert accounts(system.dsn) == {"budget:spring": (9_000, 1_000, 1_000)}
    fallen, *_, back = (event for event in system.events()["ann"] if event["topic"] != "user-tier.benefit-granted.v1")
    assert (back["clawback"], back["reason"]) == (True, "no longer entitled by value")
    assert fallen["topic"] == "user-tier.user-enrolled.v1"
    system.assert_proven()


def test_who_rises_again_before_the_reaction_keeps_it(system: Programme) -> None:
    put_in_force(system.dsn, COUPON | {"entitlement": {"value": ["mid", "high"]}, "clawback": {"on_downgrade": True}})
    grant_id = give(system)
    system.clock.set(START + 40 * DAY)
    system.settle()
    at = system.clock.now()
    system.facts([order("o8", "ann", at), order("o9", "ann", at)])
    system.settle()
    system.keep_up()
    assert system.grants.queries.grant(grant_id)[1].status == "open"


@pytest.mark.parametrize("kind", ["refund", "order_cancelled"])
@pytest.mark.parametrize(("policy", "left", "reclaimed"), [("nothing", 2, 0), ("unredeemed", 0, 0), ("all", 0, 1)])
def test_an_order_that_comes_back(system: Programme, kind: str, policy: str, left: int, reclaimed: int) -> None:
    put_in_force(system.dsn, COUPON | {"clawback": {"on_refund": policy}})
    for_order, for_another = give(system, units=3, order_id="o1"), give(system, order_id="o2")
    system.grants.redeem(for_order, "key:till", units=1)
    system.facts([refund("r1", "ann", START, "o1", kind), refund("r2", "bob", START, "o2", kind)])
    system.keep_up()
    found = system.grants.queries.grant(for_order)[1]
    assert (found.left, found.reclaimed, found.redeemed) == (left, reclaimed, 1)
    assert system.grants.queries.grant(for_another)[1].left == 1, "bob's refund of the same number is another order"
    system.facts([refund("r3", "ann", START, "o1", kind)])
    system.keep_up()
    assert system.grants.queries.grant(for_order)[1] == found, "a second refund takes nothing twice"


def test_facts_of_the_past_take_nothing_back(system: Programme) -> None:
    put_in_force(system.dsn, COUPON | {"clawback": {"on_refund": "all"}})
    session = system.sessions.open("test")
    system.facts([order("h1", "hal", START - DAY), refund("h2", "hal", START - DAY, "h1")], session.history_id)
    system.sessions.seal(session.history_id, "test")
    system.keep_up()
    grant_id = give(system, "hal", order_id="h1")
    system.keep_up()
    assert system.grants.queries.grant(grant_id)[1].status == "open"


def test_every_month_for_whoever_is_entitled(system: Programme) -> None:
    put_in_force(system.dsn, COUPON | {"entitlement": {"value": ["mid", "high"]}})
    system.issuances.define("monthly", {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 10}, "key:op")
    system.keep_up()
    assert system.given("ann") == []
    system.at("2026-03-10T06:00:00Z")
    assert system.given("ann") == [("coupon-10", "issuance", "2026-03-10", 1)]
    assert system.given("bob") == []
    shown = system.issuances.shown(system.issuances.find("monthly"))
    assert (shown["issued"], shown["refused"]) == (1, {"NotEntitled": 1})
    system.at("2026-03-20T00:00:00Z")
    at = system.clock.now()
    system.facts([order("o7", "bob", at), order("o8", "bob", at)])
    system.keep_up()
    system.at("2026-04-09T23:59:59Z")
    assert system.given("bob") == []
    system.at("2026-04-10T00:00:01Z")
    assert [len(system.given(user)) for user in ("ann", "bob")] == [1, 1], "ann has fallen by then, bob has risen"
    system.assert_proven()


def test_months_that_were_missed_are_made_up_for(system: Programme) -> None:
    put_in_force(system.dsn, COUPON)
    system.issuances.define("monthly", {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 31}, "key:op")
    system.keep_up()
    system.at("2026-05-01T00:00:00Z")
    assert [at for _, _, at, _ in system.given("ann")] == ["2026-05-01", "2026-05-01"], "31 March and 30 April"


def test_turns_that_come_before_anybody_has_looked_are_made_up_for(system: Programme) -> None:
    put_in_force(system.dsn, COUPON)
    system.issuances.define("monthly", {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 10}, "key:op")
    system.at("2026-03-10T06:00:00Z")
    assert [at for _, _, at, _ in system.given("ann")] == ["2026-03-10"]
    wanted = {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 5, "units": 2}
    system.issuances.define("monthly", wanted, "key:op")
    system.clock.set(parse_instant("2026-04-06T00:00:00Z"))
    system.facts([order("o9", "eve", system.clock.now())])
    system.keep_up()
    assert [(at, left) for _, _, at, left in system.given("ann")] == [("2026-03-10", 1), ("2026-04-06", 2)]
    assert system.given("eve") == [], "was not there when the others had their turn"
    assert system.issuances.shown(system.issuances.find("monthly"))["issued"] == 4
    system.at("2026-05-06T00:00:00Z")
    assert [at for _, _, at, _ in system.given("eve")] == ["2026-05-06"]
    system.assert_proven()


def test_birthdays(system: Programme) -> None:
    put_in_force(system.dsn, COUPON)
    system.issuances.define("birthday", {"benefit": "coupon-10", "time_zone": "UTC", "birthday": "born"}, "key:op")
    system.facts(
        [{**order("p1", "ann", START, born="1990-03-05"), "kind": "profile", "amount": None, "currency": None}]
    )
    system.keep_up()
    system.at("2026-03-05T00:00:01Z")
    assert system.given("ann") == [("coupon-10", "issuance", "2026-03-05", 1)]
    system.facts([profile("p2", "ann", system.clock.now(), "1990-03-06")])
    system.keep_up()
    system.at("2026-03-06T00:00:01Z")
    assert len(system.given("ann")) == 1, "once a year, whatever becomes of the day"
    system.at("2027-03-06T00:00:01Z")
    assert len(system.given("ann")) == 2
    assert system.given("bob") == []


def test_an_upgrade_once_a_year(system: Programme) -> None:
    put_in_force(system.dsn, COUPON)
    wanted = {"benefit": "coupon-10", "time_zone": "UTC", "upgrade": "value", "into": ["mid", "high"]}
    system.issuances.define("gift", wanted, "key:op")
    system.keep_up()
    assert system.given("ann") == [], "what was before it was defined is not reacted to"
    system.facts([order("o4", "bob", START)])
    system.keep_up()
    assert system.given("bob") == [("coupon-10", "issuance", "2026-03-02", 1)]
    system.facts([order("o5", "bob", START)])
    system.keep_up()
    assert len(system.given("bob")) == 1
    system.at("2027-01-05T00:00:00Z")
    at = system.clock.now()
    system.facts([order("o6", "bob", at), order("o7", "bob", at)])
    system.keep_up()
    assert len(system.given("bob")) == 2
    assert system.issuances.shown(system.issuances.find("gift"))["issued"] == 2
    system.activate({**MODEL, "rules": {"high": "orders >= 1", "mid": "orders >= 1"}})
    system.keep_up()
    assert system.given("ann") == [], "another model is no upgrade"


def test_a_retired_issuance_issues_nothing(system: Programme) -> None:
    put_in_force(system.dsn, COUPON)
    system.issuances.define("monthly", {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 10}, "key:op")
    system.keep_up()
    system.issuances.retire("monthly", "key:op", "the programme has ended")
    system.at("2026-04-10T06:00:00Z")
    assert system.given("ann") == []
    with pytest.raises(DefinitionRetired):
        system.issuances.define("monthly", {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 11}, "key:op")


def test_a_revision_turns_everybody_round(system: Programme) -> None:
    put_in_force(system.dsn, COUPON)
    system.issuances.define("monthly", {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 20}, "key:op")
    system.keep_up()
    system.issuances.define("monthly", {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 5}, "key:op")
    system.keep_up()
    system.at("2026-03-06T00:00:00Z")
    assert [at for _, _, at, _ in system.given("ann")] == ["2026-03-06"]


def test_a_budget_that_is_exhausted_is_told(system: Programme) -> None:
    open_budget(system.dsn, "small", 1_000)
    put_in_force(system.dsn, COUPON | {"budget": "small"})
    system.issuances.define("monthly", {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 10}, "key:op")
    system.keep_up()
    system.at("2026-03-10T06:00:00Z")
    shown = system.issuances.shown(system.issuances.find("monthly"))
    assert (shown["issued"], shown["refused"]) == (1, {"BudgetExhausted": 1})
    assert accounts(system.dsn) == {"budget:small": (1_000, 1_000, 0)}


def test_what_cannot_be_defined(system: Programme) -> None:
    put_in_force(system.dsn, COUPON)
    good = {"benefit": "coupon-10", "time_zone": "UTC", "monthly": 10}
    for wrong, field in (
        ({"monthly": 32}, "monthly"),
        ({"birthday": "born"}, "issuance"),
        ({"time_zone": "Mars"}, "time_zone"),
        ({"units": 0}, "units"),
        ({"into": ["high"]}, "issuance"),
        ({"colour": "red"}, "colour"),
    ):
        with pytest.raises(DefinitionInvalid) as refused:
            system.issuances.define("monthly", good | wrong, "key:op")
        assert refused.value.complaints[0].field == field
    nowhere = {"benefit": "coupon-10", "time_zone": "UTC", "upgrade": "value", "into": ["hig"], "budgets": ["winter"]}
    with pytest.raises(DefinitionInvalid) as refused:
        system.issuances.define("gift", nowhere, "key:op")
    assert [(one.field, one.value, one.remedy) for one in refused.value.complaints] == [
        ("budgets", "winter", "define it, or leave it out"),
        ("into", "hig", "Did you mean high? There are: high, low, mid"),
    ]
    with pytest.raises(DefinitionInvalid) as refused:
        system.issuances.define("gift", nowhere | {"upgrade": "valu", "budgets": []}, "key:op")
    assert [one.field for one in refused.value.complaints] == ["upgrade"]
    with pytest.raises(DefinitionInvalid):
        system.issuances.define("a b", good, "key:op")
    with pytest.raises(UnknownBenefit):
        system.issuances.define("monthly", good | {"benefit": "nothing"}, "key:op")
    system.issuances.define("monthly", good, "key:op")
    with pytest.raises(UnknownDefinition) as unknown:
        system.issuances.retire("nothing", "key:op")
    assert unknown.value.complaints[0].remedy == "use one of monthly"
