"""A version's way into force, and out of it: who may, when, and what a change undoes."""

from collections.abc import Callable

import pytest

from domain.refusal import Refusal
from domain.tier_model.aggregate import TierModel
from domain.tier_model.events import Activated, Approved, Rejected, Scheduled, Submitted, Unscheduled
from domain.tier_model.migration import Migration
from domain.tier_model.refusals import (
    AlreadyInForce,
    AlreadyScheduled,
    InForceStays,
    NotApproved,
    NotScheduled,
    NotSubmitted,
    OwnDraft,
    RolloutShrinks,
    ScheduledInPast,
    StaleDraft,
    VersionPublished,
    VersionRetired,
)
from domain.tier_model.version import By

DAY = 86_400_000_000


def by(at: int, actor: str = "ann") -> By:
    return By(at=at, actor=actor, command_id=f"c-{at}")


@pytest.fixture
def value() -> TierModel:
    """One version in force since 20, another drafted by ann at 30."""
    model = TierModel.first_draft("value", spec={"v": 1}, content_hash="h1", unfitted=[], by=by(10))
    model.activate(1, by=by(20))
    model.draft(spec={"v": 2}, content_hash="h2", unfitted=[], by=by(30))
    model.collect_events()
    return model


def approved(model: TierModel, number: int = 2) -> TierModel:
    model.submit(number, note="", by=by(40))
    model.approve(number, content_hash=model.versions[number].content_hash, note="", by=by(50, "bob"))
    model.collect_events()
    return model


def told(model: TierModel) -> list[type]:
    return [type(event) for event in model.collect_events()]


def test_submitted_approved_and_in_force(value: TierModel) -> None:
    value.submit(2, note="spring", by=by(40))
    value.approve(2, content_hash="h2", note="fine", by=by(50, "bob"))
    value.activate(2, by=by(60), may_skip=False)
    submitted, agreed, activated = value.collect_events()
    assert isinstance(submitted, Submitted) and isinstance(agreed, Approved) and isinstance(activated, Activated)
    assert (activated.approved_by, agreed.content_hash) == ("bob", "h2")
    assert (value.versions[1].status, value.versions[2].status) == ("retired", "active")
    review = value.versions[2].review
    assert (review.submitted_by, review.note, review.approved_by, review.approval) == ("ann", "spring", "bob", "fine")


def test_nobody_approves_what_they_made(value: TierModel) -> None:
    value.revise(2, spec={"v": 3}, content_hash="h3", unfitted=["r"], by=by(31, "cid"))
    value.fit_cuts(2, cuts={"r": [1.0]}, fitted_at=5, spec={"v": "3r"}, content_hash="h3r", by=by(32, "dan"))
    value.submit(2, note="", by=by(40, "eve"))
    for maker in ("ann", "cid", "dan", "eve"):
        with pytest.raises(OwnDraft, match=maker):
            value.approve(2, content_hash="h3r", note="", by=by(50, maker))
    value.approve(2, content_hash="h3r", note="", by=by(50, "bob"))


def test_what_was_looked_at_is_what_is_approved(value: TierModel) -> None:
    value.submit(2, note="", by=by(40))
    value.revise(2, spec={"v": 3}, content_hash="h3", unfitted=[], by=by(41))
    with pytest.raises(StaleDraft, match="not what was looked at"):
        value.approve(2, content_hash="h2", note="", by=by(50, "bob"))
    with pytest.raises(NotSubmitted):
        value.approve(2, content_hash="h3", note="", by=by(50, "bob"))


def test_any_change_resets_an_approval(value: TierModel) -> None:
    approved(value)
    value.revise(2, spec={"v": 3}, content_hash="h3", unfitted=[], by=by(55))
    assert (value.versions[2].status, value.versions[2].review.approved_by) == ("fitted", "")
    with pytest.raises(NotApproved):
        value.activate(2, by=by(60), may_skip=False)


def test_twice_is_once(value: TierModel) -> None:
    value.submit(2, note="", by=by(40))
    value.submit(2, note="", by=by(41))
    value.approve(2, content_hash="h2", note="", by=by(50, "bob"))
    value.approve(2, content_hash="h2", note="", by=by(51, "cid"))
    value.submit(2, note="", by=by(52))
    assert told(value) == [Submitted, Approved]


def test_a_rejected_version_goes_back_and_has_to_be_approved(value: TierModel) -> None:
    value.submit(2, note="", by=by(40))
    value.reject(2, reason="too steep", by=by(50, "bob"))
    assert (value.versions[2].status, value.versions[2].review.reason) == ("fitted", "too steep")
    with pytest.raises(NotApproved, match="rejected"):
        value.activate(2, by=by(60), may_skip=True)
    value.submit(2, note="", by=by(70))
    value.approve(2, content_hash="h2", note="", by=by(80, "bob"))
    value.activate(2, by=by(90), may_skip=False)
    assert told(value) == [Submitted, Rejected, Submitted, Approved, Activated]


def test_an_approval_can_be_taken_back_until_it_is_used(value: TierModel) -> None:
    approved(value).reject(2, reason="second thoughts", by=by(55, "bob"))
    with pytest.raises(NotApproved):
        value.activate(2, by=by(60), may_skip=False)


def test_what_was_submitted_is_approved_first_whoever_asks(value: TierModel) -> None:
    value.submit(2, note="", by=by(40))
    with pytest.raises(NotApproved, match="submitted"):
        value.activate(2, by=by(60), may_skip=True)


def test_without_approval_only_who_may_skip_it_and_the_event_says_so(value: TierModel) -> None:
    with pytest.raises(NotApproved):
        value.activate(2, by=by(60), may_skip=False)
    value.activate(2, by=by(60), may_skip=True)
    (event,) = value.collect_events()
    assert isinstance(event, Activated) and event.approved_by is None


def test_a_schedule_comes_true_at_its_instant(value: TierModel) -> None:
    migration = Migration("soft-landing", grace_days=30)
    approved(value).schedule(2, at=100, migration=migration, notice_days=0, may_skip=False, by=by(60))
    assert value.carry_out(by=by(100, "timer")) is None, "an instant is decided once it has passed"
    assert value.versions[2].status == "scheduled"
    carried = value.carry_out(by=by(101, "timer"))
    assert carried is not None and (carried.status, carried.activated_at) == ("active", 100)
    assert value.carry_out(by=by(102, "timer")) is None
    scheduled, activated = value.collect_events()
    assert isinstance(scheduled, Scheduled) and isinstance(activated, Activated)
    assert (activated.effective_at, activated.scheduled, activated.actor) == (100, True, "timer")
    assert (activated.approved_by, activated.migration) == ("bob", migration.to_json())


def test_the_time_of_notice_is_kept(value: TierModel) -> None:
    approved(value)
    for at, days in ((60, 0), (59, 0), (60 + 7 * DAY, 7)):
        with pytest.raises(ScheduledInPast):
            value.schedule(2, at=at, migration=Migration(), notice_days=days, may_skip=False, by=by(60))
    value.schedule(2, at=61 + 7 * DAY, migration=Migration(), notice_days=7, may_skip=False, by=by(60))


def test_a_schedule_is_taken_back_before_its_instant(value: TierModel) -> None:
    approved(value).schedule(2, at=100, migration=Migration(), notice_days=0, may_skip=False, by=by(60))
    with pytest.raises(NotScheduled):
        value.unschedule(2, reason="", by=by(100))
    value.unschedule(2, reason="not yet", by=by(99))
    assert told(value) == [Scheduled, Unscheduled]
    assert (value.versions[2].status, value.versions[2].scheduled_at) == ("approved", None)
    assert value.carry_out(by=by(200)) is None


def test_one_schedule_at_a_time(value: TierModel) -> None:
    approved(value).schedule(2, at=100, migration=Migration(), notice_days=0, may_skip=False, by=by(60))
    value.draft(spec={"v": 3}, content_hash="h3", unfitted=[], by=by(61))
    with pytest.raises(AlreadyScheduled):
        value.schedule(3, at=200, migration=Migration(), notice_days=0, may_skip=True, by=by(62))
    with pytest.raises(AlreadyScheduled):
        value.activate(2, by=by(62))
    value.activate(3, by=by(63))
    assert value.versions[2].status == "scheduled", "another version may come in between"


def test_more_of_a_rollout_that_was_left_scheduled_beside_another_version_comes_to_nothing(value: TierModel) -> None:
    """As ledgers have it from when another activation did not take it back."""
    approved(value).activate(2, by=by(60), migration=Migration(percent=50))
    value.schedule(2, at=100, migration=Migration(percent=80), notice_days=0, may_skip=False, by=by(61))
    assert (value.versions[2].status, value.versions[2].scheduled_at) == ("active", 100)
    value.draft(spec={"v": 3}, content_hash="h3", unfitted=[], by=by(62))
    value._record(Activated, 3, by(63), migration=None, approved_by=None, scheduled=False)
    assert (value.versions[2].status, value.scheduled) == ("retired", value.versions[2])
    value.unschedule(2, reason="", by=by(64))
    assert [version.status for version in value.versions.values()] == ["retired", "retired", "active"]
    assert value.versions[2].migration == Migration(percent=50)


@pytest.mark.parametrize("percent", [10.0, 100.0])
def test_what_is_in_force_already_is_not_scheduled(value: TierModel, percent: float) -> None:
    migration = Migration(percent=percent)
    approved(value).activate(2, by=by(60), migration=migration)
    with pytest.raises(AlreadyInForce, match=f"for {percent:g} percent already"):
        value.schedule(2, at=100, migration=migration, notice_days=0, may_skip=False, by=by(70))
    assert told(value) == [Activated]


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.revise(2, spec={}, content_hash="h", unfitted=[], by=by(70)),
        lambda model: model.submit(2, note="", by=by(70)),
    ],
)
def test_what_is_scheduled_does_not_change(value: TierModel, change: Callable[[TierModel], None]) -> None:
    approved(value).schedule(2, at=100, migration=Migration(), notice_days=0, may_skip=False, by=by(60))
    with pytest.raises(VersionPublished):
        change(value)
    with pytest.raises(InForceStays):
        value.retire(2, by=by(70))


def test_a_rollout_grows_and_leaves_the_others_where_they_are(value: TierModel) -> None:
    value.activate(2, by=by(40), migration=Migration(percent=10))
    assert (value.versions[1].status, value.versions[2].status) == ("active", "active")
    assert value.active is value.versions[2]
    value.activate(2, by=by(50), migration=Migration(percent=10))
    with pytest.raises(RolloutShrinks):
        value.activate(2, by=by(51), migration=Migration(percent=5))
    value.activate(2, by=by(60), migration=Migration(percent=100))
    assert told(value) == [Activated, Activated]
    assert (value.versions[1].status, value.versions[2].activated_at) == ("retired", 60)


def test_roll_back_brings_the_version_before_back_with_its_approval(value: TierModel) -> None:
    approved(value).activate(2, by=by(60), may_skip=False)
    value.activate(1, by=by(70), may_skip=False)
    assert (value.versions[1].status, value.versions[2].status) == ("active", "retired")
    value.activate(2, by=by(80), may_skip=False)
    *_, last = value.collect_events()
    assert isinstance(last, Activated) and last.approved_by == "bob"


def test_a_rollout_is_rolled_back_by_the_version_before(value: TierModel) -> None:
    value.activate(2, by=by(40), migration=Migration(percent=10))
    value.activate(1, by=by(50))
    assert (value.versions[1].status, value.versions[2].status) == ("active", "retired")


def test_what_is_put_away_unused_never_comes_into_force(value: TierModel) -> None:
    approved(value).retire(2, by=by(60))
    for use in (
        lambda: value.activate(2, by=by(70)),
        lambda: value.schedule(2, at=100, migration=Migration(), notice_days=0, may_skip=True, by=by(70)),
    ):
        with pytest.raises(VersionRetired):
            use()
    with pytest.raises(InForceStays):
        value.retire(1, by=by(70))


def test_what_is_in_force_or_unsubmitted_is_neither_approved_nor_rejected(value: TierModel) -> None:
    tries: list[Callable[[], None]] = [
        lambda: value.approve(1, content_hash="h1", note="", by=by(70, "bob")),
        lambda: value.approve(2, content_hash="h2", note="", by=by(70, "bob")),
        lambda: value.reject(1, reason="no", by=by(70, "bob")),
        lambda: value.reject(2, reason="no", by=by(70, "bob")),
    ]
    for attempt in tries:
        with pytest.raises(NotSubmitted):
            attempt()
    refused: type[Refusal] = NotScheduled
    with pytest.raises(refused):
        value.unschedule(2, reason="", by=by(70))
