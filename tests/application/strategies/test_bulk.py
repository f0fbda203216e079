"""A strategy for many at once, on a real ledger: looked at, done once, rested, broken off, taken back; schedules."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from application.strategies.bulk_ports import (
    BulkAssignmentCannot,
    BulkAssignmentInvalid,
    BulkNeedsAnother,
    BulkWanted,
    SegmentNoCondition,
    UnknownBulkAssignment,
)
from domain.segments.definition import ScopedStanding, SegmentSpec
from domain.strategies.refusals import StrategyNotRunning, StrategyOver, UnknownArm
from domain.tier_model.expression import ConditionInvalid
from tests.support.benefits import COUPON, put_in_force
from tests.support.strategies import MODEL, WELCOME, StrategySystem

START = 1_772_355_600_000_000  # 2026-03-01T09:00:00Z
DAY = 86_400_000_000
ARMS = {"a": {"weight": 50, "do": [{"grant": "coupon-10"}]}, "b": {"weight": 50}}
GOAL = {"sum": "order.amount", "within": "30 days"}
USERS = 12


@pytest.fixture
def system(database: str) -> Iterator[StrategySystem]:
    """Twelve users, every third on high; two of these refuse what is personal."""
    put_in_force(database, COUPON)
    with StrategySystem(database, assignment_approval_from=3) as system:
        system.clock.set(START)
        system.activate(MODEL)
        for number in range(USERS):
            profile: dict[str, Any] = {"personalisation_opt_out": True} if number in (3, 6) else {}
            system.spends(f"u-{number}", 20_000 if number % 3 == 0 else 2_000, START, **profile)
        system.react()
        yield system


def started(system: StrategySystem, **changes: Any) -> str:
    return system.start(**{"trigger": {"by": "hand"}, "do": [], "arms": ARMS, "goal": GOAL, **changes})


def previewed(system: StrategySystem, wanted: BulkWanted, users: list[str] | None = None) -> dict[str, Any]:
    bulk = system.strategies.bulk.preview(wanted, "ann", users)
    system.react()
    return system.strategies.bulk.shown(system.strategies.bulk.get(bulk.bulk_id))


def ran(system: StrategySystem, bulk_id: str, actor: str = "bob") -> dict[str, Any]:
    system.strategies.bulk.run(bulk_id, actor)
    system.react()
    return system.strategies.bulk.shown(system.strategies.bulk.get(bulk_id))


def test_looked_at_then_done_and_it_comes_as_it_was_foretold(system: StrategySystem) -> None:
    started(system)
    seen = previewed(system, BulkWanted("welcome", "tier.value = 'high'"))
    assert (seen["state"], seen["would"]["skipped"], seen["would"]["not_addressed"]) == (
        "previewed",
        {"opted-out": 2},
        8,
    )
    assert sum(seen["would"]["assigned"].values()) == 2
    assert seen["would"]["cost"] == (
        {"USD": 1000 * seen["would"]["assigned"]["a"]} if "a" in seen["would"]["assigned"] else {}
    )
    assert {one["outcome"] for one in seen["sample"]} == {"assigned", "skipped"}
    assert system.assignments() == []
    done = ran(system, seen["id"])
    assert (done["state"], done["so_far"]["assigned"], done["users_done"]) == ("done", seen["would"]["assigned"], USERS)
    assert {row[0] for row in system.assignments()} == {"u-0", "u-9"}
    assert system.topics("u-3") == ["skipped: opted-out"]
    assert system.told("u-0")[0]["trigger"]["kind"] == "bulk"
    system.assert_proven()


def test_by_a_list_with_an_arm_of_choice(system: StrategySystem) -> None:
    started(system)
    users = ["u-1", "u-2", "u-1", "nobody", "u-\0", "u-3"]  # no text in the database holds a NUL
    seen = previewed(system, BulkWanted("welcome", by_list=True, arm="b"), users)
    assert (seen["unknown"], seen["unknown_first"], seen["users"]) == (2, ["nobody", "u-"], 3)
    assert (seen["would"]["assigned"], seen["would"]["skipped"]) == ({"b": 2}, {"opted-out": 1})
    ran(system, seen["id"])
    assert sorted(row[:3] for row in system.assignments()) == [("u-1", "welcome", "b"), ("u-2", "welcome", "b")]


def test_run_again_it_assigns_and_skips_nobody_again(system: StrategySystem) -> None:
    started(system)
    seen = previewed(system, BulkWanted("welcome", "tier.value = 'high'"))
    ran(system, seen["id"])
    before = system.events()
    system.rows("update bulk_assignments set state = 'cancelled' returning bulk_id")
    ran(system, seen["id"])
    assert system.events() == before


def test_rested_broken_off_and_taken_back(system: StrategySystem) -> None:
    started(system)
    bulk = system.strategies.bulk
    seen = previewed(system, BulkWanted("welcome", "spend > money(0.00)"))
    bulk.run(seen["id"], "bob")
    bulk.pause(seen["id"])
    system.react()
    assert (bulk.state(bulk.get(seen["id"])), system.assignments()) == ("paused", [])
    bulk.run(seen["id"], "bob")
    system.react()
    assert len(system.assignments()) == USERS - 2
    bulk.revert(seen["id"], "bob")
    system.react()
    assert bulk.state(bulk.get(seen["id"])) == "reverted"
    assert {row[4:] for row in system.assignments()} == {(False, "reverted")}
    again = previewed(system, BulkWanted("welcome", "spend > money(0.00)"))
    bulk.run(again["id"], "bob")
    bulk.cancel(again["id"])
    system.react()
    assert bulk.state(bulk.get(again["id"])) == "cancelled"
    assert len(system.assignments()) == USERS - 2


def test_many_need_a_second_person(system: StrategySystem) -> None:
    started(system)
    seen = previewed(system, BulkWanted("welcome", "spend > money(0.00)"))
    with pytest.raises(BulkNeedsAnother):
        system.strategies.bulk.run(seen["id"], "ann")
    few = previewed(system, BulkWanted("welcome", by_list=True), ["u-1"])
    ran(system, few["id"], "ann")
    system.strategies.bulk.run(seen["id"], "ann", as_admin=True)


def test_a_dry_run_of_a_strategy_that_was_never_started(system: StrategySystem, database: str) -> None:
    spec = {**WELCOME, "do": [{"grant": "coupon-10"}], "where": "spend >= money(150.00)"}
    system.strategies.define(yaml.safe_dump(spec), "ann")
    bulk = system.strategies.bulk.dry_run("welcome", "ann")
    system.react()
    seen = system.strategies.bulk.shown(system.strategies.bulk.get(bulk.bulk_id))
    assert (seen["would"]["assigned"], seen["would"]["skipped"]) == ({"treated": 2}, {"opted-out": 2})
    assert (seen["would"]["not_addressed"], seen["would"]["cost"]) == (8, {"USD": 2_000})
    assert system.assignments() == []
    with pytest.raises(BulkAssignmentCannot):
        system.strategies.bulk.run(bulk.bulk_id, "bob")


def test_refused(system: StrategySystem) -> None:
    bulk = system.strategies.bulk
    started(system)
    for wanted, refusal in (
        (BulkWanted("welcome"), BulkAssignmentInvalid),
        (BulkWanted("welcome", "spend > 1", by_list=True), BulkAssignmentInvalid),
        (BulkWanted("welcome", "spent > money(1.00)"), ConditionInvalid),
        (BulkWanted("welcome", "spend > money(1.00)", arm="c"), UnknownArm),
    ):
        with pytest.raises(refusal):
            bulk.preview(wanted, "ann")
    with pytest.raises(UnknownBulkAssignment):
        bulk.get("nothing")
    seen = bulk.preview(BulkWanted("welcome", "spend > money(0.00)"), "ann")
    with pytest.raises(BulkAssignmentCannot):
        bulk.run(seen.bulk_id, "bob")
    system.react()
    for command in (bulk.pause, bulk.cancel, lambda one: bulk.revert(one, "ann")):
        with pytest.raises(BulkAssignmentCannot):
            command(seen.bulk_id)
    system.strategies.change.pause("welcome", "ann")
    with pytest.raises(StrategyNotRunning):
        bulk.run(seen.bulk_id, "bob")
    system.strategies.change.end("welcome", "ann")
    with pytest.raises(StrategyOver):
        bulk.preview(BulkWanted("welcome", "spend > money(0.00)"), "ann")


def test_a_schedule_comes_round_and_reaches_its_audience(system: StrategySystem) -> None:
    started(system, trigger={"every": "day", "at": "12:00"}, where="tier.value = 'mid'", lasts="1 hour")
    system.react()
    assert system.assignments() == []
    system.clock.set(START + DAY // 8 + 60_000_000)
    system.react()
    assert sorted(row[0] for row in system.assignments()) == sorted(f"u-{n}" for n in range(USERS) if n % 3)
    assert system.told("u-1")[0]["trigger"]["kind"] == "every"
    system.clock.set(START + 2 * DAY)  # nobody worked at noon: it is made up for while it is not too old
    system.react()
    assert len(system.assignments()) == 2 * 8
    assert system.rows("select count(*) from bulk_assignments where round is not null") == [(2,)]


def test_once_at_the_start(system: StrategySystem) -> None:
    started(system, trigger={"every": "once"}, where="tier.value = 'high'")
    system.react()
    assert {row[0] for row in system.assignments()} == {"u-0", "u-9"}
    assert system.rows("select * from strategy_rounds") == []


def test_a_saved_segment_is_taken_as_it_is_then(system: StrategySystem) -> None:
    started(system)
    system.segments["top"] = SegmentSpec("crm", "the top", "tier.value = 'high'")
    seen = previewed(system, BulkWanted("welcome", segment="top"))
    assert (seen["where"], seen["segment"], seen["would"]["not_addressed"]) == ("tier.value = 'high'", "top", 8)
    system.segments["top"] = SegmentSpec("crm", "nobody", "spend > money(999.00)")
    assert sum(ran(system, seen["id"])["so_far"]["assigned"].values()) == 2


def test_a_segment_has_to_be_a_condition_and_the_only_one(system: StrategySystem) -> None:
    started(system)
    everybody, scoped = SegmentSpec("crm", "all"), (ScopedStanding("members", "m-1"),)
    system.segments |= {"all": everybody, "m": SegmentSpec("crm", "m", "spend > 1", scoped)}
    for name in ("all", "m"):
        with pytest.raises(SegmentNoCondition):
            system.strategies.bulk.preview(BulkWanted("welcome", segment=name), "ann")
    with pytest.raises(BulkAssignmentInvalid):
        system.strategies.bulk.preview(BulkWanted("welcome", "spend > 1", segment="all"), "ann")
