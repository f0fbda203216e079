"""A budget's terms, and what a second person has to agree to."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain.benefits.refusals import UnknownBudget
from domain.budgets.aggregate import Budget
from domain.budgets.events import Changed, Closed, Defined, Proposed, Reopened
from domain.budgets.refusals import BudgetDefined, BudgetInvalid, NothingWaits, OwnBudgetChange, StaleBudgetChange
from domain.budgets.terms import BudgetTerms, asks_for_more, require_sound, terms_from_json
from domain.tier_model.version import By

TERMS = BudgetTerms(amount=50_000, currency="CNY", time_zone="Asia/Shanghai", labels={"zh-CN": "春季", "en": "Spring"})


def by(at: int, actor: str = "ann") -> By:
    return By(at=at, actor=actor, command_id=f"c-{at}")


def told(budget: Budget) -> list[type]:
    return [type(event) for event in budget.collect_events()]


@pytest.fixture
def budget() -> Budget:
    budget = Budget.begin("spring", TERMS, waits=False, by=by(10))
    assert told(budget) == [Defined]
    return budget


@pytest.fixture
def proposed() -> Budget:
    budget = Budget.begin("spring", TERMS, waits=True, by=by(10))
    assert told(budget) == [Proposed]
    return budget


def test_it_is_there_when_a_second_person_has_agreed(proposed: Budget) -> None:
    assert (proposed.terms, proposed.waiting is not None) == (None, True)
    for use in (
        lambda: proposed.change(TERMS, waits=False, by=by(11)),
        lambda: proposed.close(reason="", by=by(11)),
        lambda: proposed.reopen(reason="", by=by(11)),
    ):
        with pytest.raises(UnknownBudget):
            use()
    with pytest.raises(OwnBudgetChange, match="ann asked for this"):
        proposed.approve(proposed_at=10, by=by(20))
    with pytest.raises(StaleBudgetChange):
        proposed.approve(proposed_at=9, by=by(20, "bob"))
    proposed.approve(proposed_at=10, by=by(20, "bob"))
    (event,) = proposed.collect_events()
    assert isinstance(event, Defined) and (event.approved_by, terms_from_json(event.terms)) == ("bob", TERMS)
    assert (proposed.terms, proposed.waiting) == (TERMS, None)
    with pytest.raises(NothingWaits):
        proposed.approve(proposed_at=None, by=by(21, "bob"))


def test_what_waits_is_replaced_and_an_old_look_does_not_approve_it(proposed: Budget) -> None:
    proposed.define(TERMS, waits=True, by=by(11))
    assert told(proposed) == [], "the same by the same person waits already"
    proposed.define(replace(TERMS, amount=90_000), waits=True, by=by(12, "cid"))
    with pytest.raises(StaleBudgetChange):
        proposed.approve(proposed_at=10, by=by(20, "bob"))
    proposed.approve(proposed_at=12, by=by(20, "ann"))
    assert proposed.terms is not None and proposed.terms.amount == 90_000


def test_a_raise_waits_while_the_amount_before_holds(budget: Budget) -> None:
    more = replace(TERMS, amount=80_000)
    budget.change(more, waits=True, by=by(20))
    assert (budget.terms, budget.waiting is not None) == (TERMS, True)
    budget.approve(proposed_at=None, by=by(30, "bob"))
    proposal, changed = budget.collect_events()
    assert isinstance(proposal, Proposed) and isinstance(changed, Changed)
    assert (changed.amount, changed.approved_by, budget.terms) == (80_000, "bob", more)


def test_what_waits_is_taken_back_by_a_change_or_by_what_there_is(budget: Budget) -> None:
    for terms in (replace(TERMS, amount=40_000), replace(TERMS, amount=40_000)):
        budget.change(replace(TERMS, amount=80_000), waits=True, by=by(20))
        budget.change(terms, waits=False, by=by(21))
        assert (budget.waiting, budget.terms) == (None, terms)
    assert told(budget) == [Proposed, Changed] * 2
    budget.change(replace(TERMS, amount=40_000), waits=False, by=by(22))
    assert told(budget) == []


def test_defined_once(budget: Budget) -> None:
    budget.define(TERMS, waits=False, by=by(20))
    assert told(budget) == []
    with pytest.raises(BudgetDefined):
        budget.define(replace(TERMS, amount=1), waits=False, by=by(20))


def test_closed_and_reopened_once_each(budget: Budget) -> None:
    for _ in range(2):
        budget.close(reason="enough", by=by(20))
    assert not budget.is_open
    for _ in range(2):
        budget.reopen(reason="", by=by(30))
    assert budget.is_open
    assert told(budget) == [Closed, Reopened]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": -1}, "amount"),
        ({"amount": 2**53}, "amount"),
        ({"currency": "cny"}, "currency"),
        ({"currency": "EUR", "parent": "year"}, "currency"),
        ({"parent": "spring"}, "parent"),
        ({"period": "week"}, "period"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"starts_at": 5, "ends_at": 5}, "ends_at"),
        ({"labels": {"fr": "x"}}, "labels.fr"),
        ({"labels": {"en": ""}}, "labels.en"),
        ({"labels": {"en": "a\nb"}}, "labels.en"),
    ],
)
def test_what_cannot_be_a_budget(changes: dict[str, Any], field: str) -> None:
    terms = replace(TERMS, **changes)
    with pytest.raises(BudgetInvalid) as refused:
        require_sound("spring", terms, "CNY" if terms.parent else None)
    assert refused.value.complaints[0].field == field and refused.value.complaints[0].remedy


def test_an_end_is_told_as_an_instant() -> None:
    with pytest.raises(BudgetInvalid) as refused:
        require_sound("spring", replace(TERMS, starts_at=5, ends_at=0), None)
    assert refused.value.complaints[0].value == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize("name", ["", "Spring", "a b", "-a", "a" * 65, "a@b", "春"])
def test_names(name: str) -> None:
    with pytest.raises(BudgetInvalid):
        require_sound(name, TERMS, None)


@pytest.mark.parametrize(
    ("changes", "period", "more"),
    [
        ({"amount": 50_001}, "", True),
        ({"amount": 49_999}, "", False),
        ({"ends_at": None}, "", False),
        ({"ends_at": None}, "month", True),
        ({"ends_at": 101}, "month", True),
        ({"ends_at": 99}, "month", False),
        ({}, "month", False),
    ],
)
def test_what_asks_for_more(changes: dict[str, Any], period: str, more: bool) -> None:
    before = replace(TERMS, period=period, ends_at=100)
    assert asks_for_more(replace(before, **changes), before) is more
    assert asks_for_more(before, None) is True
