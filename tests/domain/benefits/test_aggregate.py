"""A benefit's way into force, and out of it: who may, when, and what a change undoes."""

from typing import Any

import pytest

from domain.benefits.aggregate import Benefit
from domain.benefits.events import Activated, Approved, Drafted, Rejected, Retired, Revised, Submitted
from domain.benefits.reading import parse_benefit
from domain.benefits.spec import content_hash, spec_to_json
from domain.tier_model.refusals import (
    NotApproved,
    NotSubmitted,
    OwnDraft,
    StaleDraft,
    VersionPublished,
    VersionRetired,
    VersionUnknown,
)
from domain.tier_model.version import By

COUPON = """
benefit: ten-off
kind: coupon
labels: {zh-CN: 十元券, en: Ten off}
currency: CNY
time_zone: Asia/Shanghai
unit_cost: 1000
details: {amount_off: 1000}
"""
FREE = COUPON.replace("unit_cost: 1000", "unit_cost: 0")


def by(at: int, actor: str = "ann") -> By:
    return By(at=at, actor=actor, command_id=f"c-{at}")


def content(text: str = COUPON) -> dict[str, Any]:
    spec = parse_benefit(text)
    return {"spec": spec_to_json(spec), "content_hash": content_hash(spec)}


def costing(units: int) -> dict[str, Any]:
    return content(COUPON.replace("unit_cost: 1000", f"unit_cost: {units}"))


@pytest.fixture
def benefit() -> Benefit:
    """One version drafted by ann at 10."""
    benefit = Benefit.first_draft("ten-off", **content(), by=by(10))
    assert told(benefit) == [Drafted]
    return benefit


def told(benefit: Benefit) -> list[type]:
    return [type(event) for event in benefit.collect_events()]


def approved(benefit: Benefit, number: int = 1) -> Benefit:
    benefit.submit(number, note="", by=by(20))
    benefit.approve(number, content_hash=benefit.versions[number].content_hash, note="", by=by(30, "bob"))
    benefit.collect_events()
    return benefit


def test_submitted_approved_granted_retired(benefit: Benefit) -> None:
    benefit.submit(1, note="spring", by=by(20))
    benefit.approve(1, content_hash=content()["content_hash"], note="fine", by=by(30, "bob"))
    benefit.activate(1, may_skip=False, by=by(40))
    assert benefit.active is benefit.versions[1] and benefit.versions[1].activated_at == 40
    benefit.retire(1, by=by(50))
    submitted, agreed, activated, retired = benefit.collect_events()
    assert isinstance(submitted, Submitted) and isinstance(agreed, Approved) and isinstance(retired, Retired)
    assert isinstance(activated, Activated) and (activated.approved_by, activated.command_id) == ("bob", "c-40")
    assert (benefit.active, benefit.versions[1].status) == (None, "retired")
    review = benefit.versions[1].review
    assert (review.submitted_by, review.note, review.approved_by, review.approval) == ("ann", "spring", "bob", "fine")


def test_nobody_approves_what_they_made(benefit: Benefit) -> None:
    benefit.revise(1, **costing(5), by=by(11, "cid"))
    benefit.submit(1, note="", by=by(20, "eve"))
    for maker in ("ann", "cid", "eve"):
        with pytest.raises(OwnDraft, match=f"{maker} has made version 1 of benefit 'ten-off'"):
            benefit.approve(1, content_hash=costing(5)["content_hash"], note="", by=by(30, maker))
    benefit.approve(1, content_hash=costing(5)["content_hash"], note="", by=by(30, "bob"))


def test_any_change_resets_the_approval_and_the_same_content_does_not(benefit: Benefit) -> None:
    approved(benefit).revise(1, **content(), by=by(35, "cid"))
    assert (told(benefit), benefit.versions[1].status) == ([], "approved")
    benefit.revise(1, **costing(5), by=by(36, "cid"))
    assert (told(benefit), benefit.versions[1].status) == ([Revised], "draft")
    with pytest.raises(StaleDraft):
        benefit.approve(1, content_hash=content()["content_hash"], note="", by=by(40, "bob"))
    with pytest.raises(NotSubmitted):
        benefit.approve(1, content_hash=costing(5)["content_hash"], note="", by=by(40, "bob"))
    with pytest.raises(NotApproved):
        benefit.activate(1, may_skip=False, by=by(41))


def test_what_costs_money_needs_a_second_person_unless_an_admin_may_skip_it(benefit: Benefit) -> None:
    with pytest.raises(NotApproved, match="version 1 of benefit 'ten-off' is draft"):
        benefit.activate(1, may_skip=False, by=by(20))
    benefit.activate(1, may_skip=True, by=by(20))
    (event,) = benefit.collect_events()
    assert isinstance(event, Activated) and event.approved_by is None


@pytest.mark.parametrize(("text", "needed"), [(FREE, False), (FREE + "budget: gifts\n", True), (COUPON, True)])
def test_what_costs_nothing_and_names_no_budget_needs_nobody(text: str, needed: bool) -> None:
    benefit = Benefit.first_draft("ten-off", **content(text), by=by(10))
    assert benefit.versions[1].needs_approval is needed
    if needed:
        with pytest.raises(NotApproved):
            benefit.activate(1, may_skip=False, by=by(20))
    else:
        benefit.activate(1, may_skip=False, by=by(20))


@pytest.mark.parametrize("text", [FREE, COUPON])
def test_what_was_submitted_or_rejected_needs_approval_whoever_asks(text: str) -> None:
    benefit = Benefit.first_draft("ten-off", **content(text), by=by(10))
    benefit.submit(1, note="", by=by(20))
    with pytest.raises(NotApproved, match="submitted"):
        benefit.activate(1, may_skip=True, by=by(30))
    benefit.reject(1, reason="too dear", by=by(40, "bob"))
    with pytest.raises(NotApproved, match="rejected"):
        benefit.activate(1, may_skip=True, by=by(50))
    assert told(benefit) == [Drafted, Submitted, Rejected]


def test_one_version_is_granted_at_a_time_and_one_that_was_comes_back(benefit: Benefit) -> None:
    approved(benefit).activate(1, may_skip=False, by=by(40))
    assert benefit.draft(**costing(7), by=by(50)) == 2
    approved(benefit, 2).activate(2, may_skip=False, by=by(60))
    assert [version.status for version in benefit.versions.values()] == ["retired", "active"]
    benefit.activate(1, may_skip=False, by=by(70))
    assert [version.status for version in benefit.versions.values()] == ["active", "retired"]


def test_twice_is_once(benefit: Benefit) -> None:
    approved(benefit).submit(1, note="", by=by(31))
    benefit.approve(1, content_hash=content()["content_hash"], note="", by=by(32, "cid"))
    for _ in range(2):
        benefit.activate(1, may_skip=False, by=by(40))
    for _ in range(2):
        benefit.retire(1, by=by(50))
    assert told(benefit) == [Activated, Retired]


def test_what_is_or_was_granted_never_changes_and_what_never_was_does_not_come_back(benefit: Benefit) -> None:
    approved(benefit).activate(1, may_skip=False, by=by(40))
    for use in (
        lambda: benefit.revise(1, **costing(5), by=by(50)),
        lambda: benefit.submit(1, note="", by=by(50)),
    ):
        with pytest.raises(VersionPublished):
            use()
    with pytest.raises(NotSubmitted):
        benefit.reject(1, reason="no", by=by(50, "bob"))
    benefit.draft(**costing(5), by=by(60))
    benefit.retire(2, by=by(61))
    with pytest.raises(VersionRetired):
        benefit.activate(2, may_skip=True, by=by(62))
    with pytest.raises(VersionUnknown, match="benefit 'ten-off' has no version 3"):
        benefit.activate(3, may_skip=True, by=by(62))
