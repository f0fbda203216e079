"""Budgets on a real ledger: accounts follow their amounts, and never fall below what is promised."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg import errors

from application.benefits.catalogue import BenefitCatalogue
from application.budgets.ports import AccountView, BudgetView
from domain.benefits.refusals import UnknownBudget
from domain.budgets.refusals import BudgetBelowPromised, BudgetDefined, BudgetInvalid, OwnBudgetChange
from domain.budgets.terms import BudgetTerms
from domain.facts.instants import parse_instant
from domain.refusal import Refusal
from infrastructure.benefits.wiring import benefit_catalogue
from infrastructure.event_store.application import Ledger
from infrastructure.settings import Settings
from tests.support.ledger import LedgerSystem

YEAR = BudgetTerms(amount=100_000, currency="CNY", time_zone="Asia/Shanghai")
MARCH = parse_instant("2026-02-28T16:00:00Z")


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(parse_instant("2026-03-15T00:00:00Z"))
        yield system


@pytest.fixture
def budgets(system: LedgerSystem) -> BenefitCatalogue:
    settings = Settings(budget_approval_from=500_000)
    return benefit_catalogue(system.pool, Ledger(system.pool, system.keyring), settings)


def terms(**changes: Any) -> BudgetTerms:
    return BudgetTerms(**{"amount": 100_000, "currency": "CNY", "time_zone": "Asia/Shanghai"} | changes)


def define(budgets: BenefitCatalogue, name: str, **changes: Any) -> BudgetView:
    return budgets.define_budget(name, terms(**changes), "key:ann", as_admin=False)


def change(budgets: BenefitCatalogue, name: str, **changes: Any) -> BudgetView:
    return budgets.change_budget(name, changes, "key:ann", as_admin=False)


def charge(system: LedgerSystem, account: str, reserved: int, spent: int = 0, allowed: int = 100_000) -> None:
    """As a grant does."""
    with system.pool.connection() as connection:
        connection.execute("insert into accounts values (%s, %s, 0, 0) on conflict do nothing", (account, allowed))
        connection.execute(
            "update accounts set reserved = reserved + %s, spent = spent + %s where account = %s",
            (reserved, spent, account),
        )


def accounts(system: LedgerSystem) -> dict[str, int]:
    with system.pool.connection() as connection:
        return dict(connection.execute("select account, allowed from accounts").fetchall())


def topics(system: LedgerSystem) -> list[str]:
    query = "select topic from events where topic like 'budget.%%' order by position"
    with system.pool.connection() as connection:
        return [row[0].split(".")[1] for row in connection.execute(query)]


def tried(*acts: Callable[[], object]) -> list[str]:
    def one(act: Callable[[], object]) -> str:
        try:
            act()
        except Refusal as refusal:
            return type(refusal).__name__
        except errors.CheckViolation:
            return "no room"
        return "ok"

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def test_a_budget_lies_in_another_and_is_read_with_its_account(system: LedgerSystem, budgets: BenefitCatalogue) -> None:
    define(budgets, "year", labels={"zh-CN": "全年", "en": "Year"})
    define(budgets, "spring", parent="year", amount=40_000)
    charge(system, "budget:spring", 300, 200)
    year, spring = budgets.show_budget("year"), budgets.show_budget("spring")
    assert (year.status, year.children, year.terms.labels) == ("open", ("spring",), {"zh-CN": "全年", "en": "Year"})
    assert (spring.terms.parent, spring.accounts) == ("year", (AccountView(40_000, 300, 200),))
    assert spring.accounts[0].left == 39_500
    assert define(budgets, "spring", parent="year", amount=40_000) == spring, "the same again is that"
    assert [view.budget for view in budgets.show_budget.all()] == ["spring", "year"]
    assert topics(system) == ["defined", "defined"]


def test_what_is_refused(system: LedgerSystem, budgets: BenefitCatalogue) -> None:
    define(budgets, "year")
    refused: list[tuple[type[Refusal], Callable[[], object]]] = [
        (UnknownBudget, lambda: define(budgets, "spring", parent="decade")),
        (BudgetInvalid, lambda: define(budgets, "spring", parent="spring")),
        (BudgetInvalid, lambda: define(budgets, "spring", parent="year", currency="EUR")),
        (BudgetInvalid, lambda: define(budgets, "spring\0")),
        (BudgetDefined, lambda: define(budgets, "year", amount=1)),
        (UnknownBudget, lambda: change(budgets, "spring", amount=1)),
        (BudgetInvalid, lambda: change(budgets, "year", amount=-1)),
        (UnknownBudget, lambda: budgets.close_budget("spring", "key:ann")),
    ]
    for refusal, act in refused:
        with pytest.raises(refusal):
            act()
    assert (topics(system), accounts(system)) == (["defined"], {"budget:year": 100_000})


def test_the_account_follows_the_amount_and_never_falls_below_what_is_promised(
    system: LedgerSystem, budgets: BenefitCatalogue
) -> None:
    define(budgets, "year")
    charge(system, "budget:year", 300, 200)
    assert change(budgets, "year", amount=500).accounts == (AccountView(500, 300, 200),)
    with pytest.raises(BudgetBelowPromised) as refused:
        change(budgets, "year", amount=499)
    assert refused.value.complaints[0].remedy == "give at least 500, or revoke grants first"
    assert (topics(system), accounts(system)) == (["defined", "changed"], {"budget:year": 500})
    assert change(budgets, "year", ends_at=MARCH).terms.amount == 500
    assert change(budgets, "year", ends_at=None).terms.ends_at is None


def test_of_a_budget_of_periods_this_one_and_those_to_come_follow(
    system: LedgerSystem, budgets: BenefitCatalogue
) -> None:
    define(budgets, "monthly", period="month")
    assert accounts(system) == {}, "an account is opened when a period is first charged"
    february, march, april = (
        f"budget:monthly@{start}" for start in ("2026-01-31T16:00:00Z", "2026-02-28T16:00:00Z", "2026-03-31T16:00:00Z")
    )
    charge(system, february, 90_000)
    charge(system, march, 10_000, 5_000)
    charge(system, april, 1_000)
    with pytest.raises(
        BudgetBelowPromised, match="15000 of budget 'monthly' are reserved or spent since 2026-02-28T16"
    ):
        change(budgets, "monthly", amount=14_999)
    view = change(budgets, "monthly", amount=20_000)
    assert accounts(system) == {february: 100_000, march: 20_000, april: 20_000}
    assert [(account.starts_at, account.left) for account in view.accounts][1] == (MARCH, 5_000)
    assert len(view.accounts) == 3


def test_much_money_waits_for_a_second_person(system: LedgerSystem, budgets: BenefitCatalogue) -> None:
    asked = define(budgets, "big", amount=500_000)
    assert (asked.status, asked.waiting is not None, accounts(system)) == ("proposed", True, {})
    with pytest.raises(UnknownBudget):
        define(budgets, "part", parent="big")
    with pytest.raises(OwnBudgetChange):
        budgets.approve_budget("big", "key:ann", proposed_at=None)
    agreed = budgets.approve_budget("big", "key:bob", proposed_at=asked.waiting.proposed_at if asked.waiting else None)
    assert (agreed.status, agreed.waiting, accounts(system)) == ("open", None, {"budget:big": 500_000})
    raised = change(budgets, "big", amount=600_000)
    assert raised.waiting is not None and (raised.terms.amount, raised.waiting.terms.amount) == (500_000, 600_000)
    assert accounts(system) == {"budget:big": 500_000}
    assert budgets.approve_budget("big", "key:bob", proposed_at=None).accounts == (AccountView(600_000),)
    assert change(budgets, "big", amount=550_000).waiting is None, "less money needs nobody"
    by_admin = budgets.change_budget("big", {"amount": 900_000}, "key:root", as_admin=True)
    assert by_admin.terms.amount == 900_000
    assert topics(system) == ["proposed", "defined", "proposed", "changed", "changed", "changed"]


def test_closed_and_reopened(budgets: BenefitCatalogue) -> None:
    define(budgets, "year")
    assert budgets.close_budget("year", "key:ann", reason="enough").status == "closed"
    assert budgets.reopen_budget("year", "key:ann").status == "open"


def test_charges_and_lowerings_at_once_never_overspend(system: LedgerSystem, budgets: BenefitCatalogue) -> None:
    define(budgets, "year", amount=1_000)
    lowered = [lambda amount=amount: change(budgets, "year", amount=amount) for amount in (900, 700, 500)]
    charged = [lambda: charge(system, "budget:year", 100) for _ in range(8)]
    found = tried(*(act for pair in zip(charged, [*lowered * 3][:8], strict=True) for act in pair))
    (account,) = budgets.show_budget("year").accounts
    assert set(found) <= {"ok", "no room", "BudgetBelowPromised"}
    assert account.reserved == 100 * found[::2].count("ok") <= account.allowed


def test_two_definitions_at_once_leave_one(budgets: BenefitCatalogue) -> None:
    answers = tried(*(lambda n=n: define(budgets, "year", amount=n) for n in range(1, 5)))
    assert sorted(answers) == ["BudgetDefined"] * 3 + ["ok"]
