"""A bulk grant's states: what is possible in each, what is recorded once, and how many have to agree."""

from collections.abc import Callable
from uuid import UUID

import pytest

from domain.bulk_grants.aggregate import BulkGrant
from domain.bulk_grants.refusals import BulkGrantNotApproved, BulkGrantOutOfTurn, OwnBulkGrant
from domain.bulk_grants.terms import ApprovalGrades, BulkTerms
from domain.tier_model.reviewing import WordsInvalid
from domain.tier_model.version import By

TERMS = BulkTerms("coupon-10", 1, 2, 500, "CNY", {"where": ""}, budgets=("spring",))
BY, OTHER = By(1, "key:op"), By(2, "key:ann")
Act = Callable[[BulkGrant], object]
ACTS: dict[str, Act] = {
    "approve": lambda bulk: bulk.approve(note="", by=OTHER),
    "reject": lambda bulk: bulk.reject(reason="no", by=OTHER),
    "start": lambda bulk: bulk.start(may_skip=False, by=BY),
    "pause": lambda bulk: bulk.pause(reason="", by=BY),
    "resume": lambda bulk: bulk.resume(BY),
    "cancel": lambda bulk: bulk.cancel(reason="", by=BY),
    "revert": lambda bulk: bulk.revert(reason="no", by=BY),
    "finish": lambda bulk: bulk.finish(granted=1, skipped=0, cost=1_000, by=BY),
    "end_revert": lambda bulk: bulk.end_revert(revoked=1, units=2, by=BY),
}
WAYS: dict[str, list[str]] = {
    "previewed": [],
    "running": ["start"],
    "paused": ["start", "pause"],
    "finished": ["start", "finish"],
    "cancelled": ["cancel"],
    "rejected": ["reject"],
    "reverting": ["start", "finish", "revert"],
    "reverted": ["start", "finish", "revert", "end_revert"],
}
POSSIBLE = {
    "previewed": {"approve", "reject", "start", "cancel"},
    "running": {"start", "pause", "resume", "cancel", "finish"},
    "paused": {"pause", "resume", "cancel", "revert"},
    "finished": {"start", "revert"},
    "cancelled": {"cancel", "revert"},
    "rejected": set(),
    "reverting": {"revert", "end_revert"},
    "reverted": {"revert"},
}


def planned(needed: int = 0) -> BulkGrant:
    bulk = BulkGrant.plan(UUID(int=1), TERMS, 3, BY)
    bulk.preview(cost=3_000, approvals_needed=needed, problem="", by=By(2, "bulk-grants"))
    return bulk


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("act", ACTS)
def test_what_is_possible_in_each_state(state: str, act: str) -> None:
    bulk = planned()
    for step in WAYS[state]:
        ACTS[step](bulk)
    assert bulk.state == state
    if act in POSSIBLE[state]:
        ACTS[act](bulk)
    else:
        with pytest.raises(BulkGrantOutOfTurn, match=f"is {state}"):
            ACTS[act](bulk)
        assert bulk.state == state


@pytest.mark.parametrize(("way", "again"), [("running", "start"), ("paused", "pause"), ("reverting", "revert")])
def test_twice_is_once(way: str, again: str) -> None:
    bulk = planned()
    for step in WAYS[way]:
        ACTS[step](bulk)
    recorded = len(bulk.pending_events)
    ACTS[again](bulk)
    assert len(bulk.pending_events) == recorded


def test_others_than_who_planned_it_have_to_agree() -> None:
    bulk = planned(needed=2)
    with pytest.raises(OwnBulkGrant):
        bulk.approve(note="", by=BY)
    for _ in range(2):
        bulk.approve(note="fine", by=OTHER)
    with pytest.raises(BulkGrantNotApproved):
        bulk.start(may_skip=False, by=BY)
    bulk.approve(note="", by=By(3, "key:bob"))
    bulk.start(may_skip=True, by=BY)
    assert (bulk.approved_by, bulk.skipped) == (("key:ann", "key:bob"), False)
    skipping = planned(needed=1)
    skipping.start(may_skip=True, by=BY)
    assert skipping.skipped


def test_a_reason_is_given_where_it_is_needed() -> None:
    with pytest.raises(WordsInvalid):
        planned().reject(reason=" ", by=OTHER)


@pytest.mark.parametrize(
    ("grades", "needed"),
    [
        (ApprovalGrades(), [0, 0, 0]),
        (ApprovalGrades(100), [0, 1, 1]),
        (ApprovalGrades(100, 200), [0, 1, 2]),
        (ApprovalGrades(None, 200), [0, 0, 2]),
        (ApprovalGrades(0), [1, 1, 1]),
    ],
)
def test_grades(grades: ApprovalGrades, needed: list[int]) -> None:
    assert [grades.needed(cost) for cost in (99, 100, 200)] == needed


def test_its_cost() -> None:
    assert TERMS.cost_of(3) == 3_000
