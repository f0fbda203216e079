"""Releases on a real ledger: races have one outcome, a clock that passes and a crash in between change nothing."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.approve_tier_model import ApproveTierModel
from application.tier_models.carry_out_activations import CarryOutActivations
from application.tier_models.create_tier_model import CreateTierModel
from application.tier_models.ports import by
from application.tier_models.reject_tier_model import RejectTierModel
from application.tier_models.schedule_tier_model import ScheduleTierModel
from application.tier_models.submit_tier_model import SubmitTierModel
from application.tier_models.unschedule_tier_model import UnscheduleTierModel
from domain.facts.instants import SECOND, parse_instant
from domain.refusal import Refusal
from domain.tier_model.migration import Migration, MigrationInvalid
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "high"],
    "features": {"orders": {"count": "order"}},
    "rules": {"high": "orders >= 3"},
}
STRICTER = MODEL | {"rules": {"high": "orders >= 4"}}
STRICTEST = MODEL | {"rules": {"high": "orders >= 5"}}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        yield system


@pytest.fixture
def running(system: LedgerSystem) -> LedgerSystem:
    """Version 1 in force with ann on high, version 2 submitted by its author."""
    system.activate(MODEL)
    system.facts([order(f"o{number}", "ann", START) for number in range(3)])
    system.settle()
    draft(system, STRICTER)
    SubmitTierModel(system.models)("value", 2, "key:author")
    return system


def draft(system: LedgerSystem, model: dict[str, Any]) -> None:
    CreateTierModel(system.models)(json.dumps(model), "key:author")


def approve(system: LedgerSystem, number: int = 2, actor: str = "key:boss") -> None:
    ApproveTierModel(system.models)("value", number, actor, content_hash=None)


def statuses(system: LedgerSystem) -> list[str]:
    return [view.status for view in system.models.versions("value")]


def topics(system: LedgerSystem) -> list[str]:
    query = "select topic from events where topic like 'tier-model.%%' order by position"
    with system.pool.connection() as connection:
        return [row[0].split(".")[1] for row in connection.execute(query)]


def tried(*acts: Callable[[], object]) -> list[str]:
    """All at once; ok, or the refusal's name, of each."""

    def one(act: Callable[[], object]) -> str:
        try:
            act()
        except Refusal as refusal:
            return type(refusal).__name__
        return "ok"

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def test_two_approvers_at_once_approve_once(running: LedgerSystem) -> None:
    assert tried(*(lambda n=n: approve(running, actor=f"key:{n}") for n in range(4))) == ["ok"] * 4
    assert topics(running).count("approved") == 1


def test_yes_and_no_at_once_give_one_answer(running: LedgerSystem) -> None:
    reject = RejectTierModel(running.models)
    answers = tried(
        lambda: approve(running, actor="key:bob"), lambda: reject("value", 2, "key:cid", reason="too steep")
    )
    # No after yes takes the yes back; yes after no finds nothing submitted.
    assert answers in (["ok", "ok"], ["NotSubmitted", "ok"])
    assert statuses(running)[1] == "fitted"


def test_a_change_and_an_approval_at_once_never_approve_what_nobody_saw(running: LedgerSystem) -> None:
    seen = running.models.versions("value")[1].content_hash
    changed = running.models.change

    def revise() -> None:
        with changed("value") as change:
            assert change.model is not None
            change.model.revise(2, spec=STRICTEST, content_hash="other", unfitted=[], by=by(change, "key:author"))
            change.save(change.model)

    answers = tried(
        revise, lambda: ApproveTierModel(running.models)("value", 2, "key:bob", content_hash=seen), lambda: None
    )
    assert answers[0] == "ok" and answers[1] in ("ok", "StaleDraft")
    assert statuses(running)[1] == "fitted", "whichever came first, the change stands unapproved"


def test_two_activations_at_once_come_one_after_the_other(running: LedgerSystem) -> None:
    approve(running)
    activate = ActivateTierModel(running.models, "required")
    answers = tried(*(lambda: activate("value", 2, "key:boss", as_admin=False) for _ in range(4)))
    assert answers == ["ok"] * 4
    assert topics(running).count("activated") == 2, "the first version's, and one"
    running.settle()
    running.assert_proven()


def test_two_schedules_at_once_leave_one(running: LedgerSystem) -> None:
    approve(running)
    schedule = ScheduleTierModel(running.models)
    answers = tried(*(lambda n=n: schedule("value", 2, "key:boss", at=START + n * DAY) for n in range(1, 5)))
    assert sorted(answers) == ["AlreadyScheduled"] * 3 + ["ok"]


def test_facts_after_the_instant_are_decided_by_the_new_version_before_anybody_carries_it_out(
    running: LedgerSystem,
) -> None:
    approve(running)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY)
    running.clock.set(START + 2 * DAY)
    running.facts([order("late", "bob", START + DAY + 1), order("later", "ann", START + DAY + 1)])
    running.settle()
    assert statuses(running) == ["active", "scheduled"]
    moved = running.events()["ann"][-1]
    assert (moved["receipt"]["version"], running.events()["bob"][-1]["receipt"]["version"]) == (2, 2)
    fallen = [event for event in running.events()["ann"] if event.get("cause") == "model-change"]
    assert [(event["at"], event["to"]) for event in fallen] == [(START + DAY, "low")]
    before = running.events()
    assert [view.version for view in CarryOutActivations(running.models)()] == [2]
    assert statuses(running) == ["retired", "active"]
    running.settle()
    assert running.events() == before, "writing it down decides nothing new"
    running.assert_proven()


@pytest.mark.parametrize("decided_before", [False, True])
def test_a_command_at_the_very_instant_is_decided_by_the_new_version(
    running: LedgerSystem, decided_before: bool
) -> None:
    approve(running)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY)
    running.evaluate_user("ann")
    running.clock.set(START + DAY - 2)  # whatever reads it moves it on
    if decided_before:
        running.add_tag("ann", "new", "key:op")
    else:
        running.clock.set(START + DAY - 1)
    running.add_tag("ann", "vip", "key:op")
    tagged, moved = running.events()["ann"][-2:]
    assert (tagged["topic"], moved["cause"]) == ("user-tier.tag-added.v1", "model-change")
    assert tagged["at"] == moved["at"] == START + DAY
    running.clock.set(START + 2 * DAY)
    CarryOutActivations(running.models)()
    running.settle()
    running.assert_proven()


@pytest.mark.parametrize("carried_out_before", [False, True])
def test_history_is_decided_by_what_is_in_force_at_its_sealing_whoever_has_written_that_down(
    running: LedgerSystem, carried_out_before: bool
) -> None:
    approve(running)
    session = running.sessions.open("test")
    running.facts([order(f"h{number}", "eve", START - DAY) for number in range(3)], session.history_id)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY)
    running.clock.set(START + 2 * DAY)
    if carried_out_before:
        CarryOutActivations(running.models)()
    running.sessions.seal(session.history_id, "test")
    running.settle()
    CarryOutActivations(running.models)()
    running.settle()
    moved = [event for event in running.events()["eve"] if event["scheme"]]
    assert [(event["to"], event["cause"], event["receipt"]["version"]) for event in moved] == [("low", "history", 2)]
    running.assert_proven()


def test_many_carry_out_one_activation(running: LedgerSystem) -> None:
    approve(running)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY)
    running.clock.set(START + 2 * DAY)
    carry_out = CarryOutActivations(running.models)
    with ThreadPoolExecutor(4) as threads:
        carried = [view for found in threads.map(lambda _: carry_out(), range(8)) for view in found]
    assert [(view.version, view.activated_at) for view in carried] == [(2, START + DAY)]
    assert topics(running).count("activated") == 2
    running.settle()
    running.assert_proven()


def test_a_crash_between_the_table_and_the_event_leaves_neither(
    running: LedgerSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    approve(running)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY)
    running.clock.set(START + 2 * DAY)
    ledger = running.models._ledger
    real = ledger.save_joined

    def die(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "save_joined", die)
    with pytest.raises(KeyboardInterrupt):
        CarryOutActivations(running.models)()
    monkeypatch.setattr(ledger, "save_joined", real)
    assert statuses(running) == ["active", "scheduled"]
    assert [view.version for view in CarryOutActivations(running.models)()] == [2]


def test_taking_back_after_the_instant_comes_too_late(running: LedgerSystem) -> None:
    approve(running)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY)
    running.clock.set(START + 2 * DAY)
    unschedule = UnscheduleTierModel(running.models)
    assert tried(lambda: unschedule("value", 2, "key:boss"))[0] == "NotScheduled"
    CarryOutActivations(running.models)()
    assert statuses(running) == ["retired", "active"]


def test_what_is_taken_back_in_time_never_comes(running: LedgerSystem) -> None:
    approve(running)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY)
    UnscheduleTierModel(running.models)("value", 2, "key:boss", reason="not yet")
    running.clock.set(START + 2 * DAY)
    assert CarryOutActivations(running.models)() == []
    running.facts([order("later", "ann", START + DAY + 1)])
    running.settle()
    assert {event["receipt"]["version"] for event in running.events()["ann"] if "receipt" in event} == {1}


def test_an_activation_by_hand_comes_after_a_schedule_that_is_due(running: LedgerSystem) -> None:
    approve(running)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY)
    running.clock.set(START + 2 * DAY)
    ActivateTierModel(running.models)("value", 1, "key:boss")
    query = "select version, activated_at from activations order by generation"
    with running.pool.connection() as connection:
        rows = connection.execute(query).fetchall()
    assert [row[0] for row in rows] == [1, 2, 1] and rows[1][1] == START + DAY < rows[2][1]
    running.settle()
    assert [e["to"] for e in running.events()["ann"] if e.get("cause") == "model-change"] == ["low", "high"]
    running.assert_proven()


def test_a_mapping_that_misses_a_tier_is_refused(running: LedgerSystem) -> None:
    draft(running, MODEL | {"tiers": ["low", "top"], "rules": {"top": "orders >= 3"}})
    activate = ActivateTierModel(running.models)
    with pytest.raises(MigrationInvalid) as caught:
        activate("value", 3, "key:boss")
    assert [(c.field, c.value) for c in caught.value.complaints] == [("migration.mapping", "high")]
    activate("value", 3, "key:boss", migration=Migration(mapping={"high": "top"}))
    running.settle()
    renamed = running.events()["ann"][-1]
    assert (renamed["from"], renamed["to"], renamed["cause"]) == ("high", "top", "model-change")
    running.assert_proven()


RENAMED = MODEL | {"tiers": ["low", "top"], "rules": {"top": "orders >= 3"}}


def test_of_two_who_activate_instead_of_the_same_version_one_is_refused(running: LedgerSystem) -> None:
    draft(running, STRICTEST)
    activate = ActivateTierModel(running.models)
    approve(running)
    outcomes = tried(*(lambda n=n: activate("value", n, f"key:{n}", instead_of=1) for n in (2, 3)))
    assert sorted(outcomes) == ["InForceChanged", "ok"]
    assert statuses(running).count("active") == 1
    assert tried(lambda: activate("value", 1, "key:boss", instead_of=9)) == ["InForceChanged"]
    there = 3 if statuses(running)[2] == "active" else 2
    assert tried(lambda: activate("value", there, f"key:{there}", instead_of=1)) == ["ok"], "a repeat finds it done"


def test_what_is_scheduled_has_to_know_the_tiers_of_what_comes_before_it(running: LedgerSystem) -> None:
    approve(running)
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + 10 * DAY)
    draft(running, RENAMED)
    activate = ActivateTierModel(running.models)
    with pytest.raises(MigrationInvalid) as caught:
        activate("value", 3, "key:boss", migration=Migration(mapping={"high": "top"}))
    (one,) = caught.value.complaints
    assert (one.field, one.value) == ("version", 3) and "has no tier top: unschedule it first" in one.remedy
    UnscheduleTierModel(running.models)("value", 2, "key:boss", reason="another comes first")
    activate("value", 3, "key:boss", migration=Migration(mapping={"high": "top"}))
    ScheduleTierModel(running.models)(
        "value", 2, "key:boss", at=START + 10 * DAY, migration=Migration(mapping={"top": "high"})
    )
    running.clock.set(START + 11 * DAY)
    CarryOutActivations(running.models)()
    running.settle()
    assert running.events()["ann"][-1]["to"] == "low" and running.evaluation.aside() == 0
    running.assert_proven()


def test_while_more_of_a_rollout_is_scheduled_its_version_is_in_force(running: LedgerSystem) -> None:
    draft(running, RENAMED)
    activate, mapping = ActivateTierModel(running.models), {"high": "top"}
    activate("value", 3, "key:boss", migration=Migration(mapping=mapping, percent=50))
    schedule, unschedule = ScheduleTierModel(running.models), UnscheduleTierModel(running.models)
    schedule("value", 3, "key:boss", at=START + DAY, migration=Migration(percent=80))
    assert statuses(running) == ["active", "submitted", "active"]
    assert running.models.versions("value")[2].scheduled_at == START + DAY
    assert tried(lambda: activate("value", 3, "key:boss", migration=Migration(percent=60))) == ["AlreadyScheduled"]
    with pytest.raises(MigrationInvalid) as caught:
        activate("value", 1, "key:boss")
    assert caught.value.complaints[0].value == "top", "half of the users are on it"
    unschedule("value", 3, "key:boss", reason="not yet")
    assert statuses(running) == ["active", "submitted", "active"]
    assert tried(lambda: activate("value", 3, "key:boss", migration=Migration(percent=40))) == ["RolloutShrinks"]


def test_a_roll_back_takes_back_what_was_scheduled_of_the_rollout(running: LedgerSystem) -> None:
    activate = ActivateTierModel(running.models)
    approve(running)
    activate("value", 2, "key:boss", migration=Migration(percent=50))
    ScheduleTierModel(running.models)("value", 2, "key:boss", at=START + DAY, migration=Migration(percent=80))
    activate("value", 1, "key:boss")
    assert (statuses(running), topics(running)[-2:]) == (["active", "retired"], ["unscheduled", "activated"])
    running.clock.set(START + 2 * DAY)
    assert CarryOutActivations(running.models)() == []
    running.facts([order("later", "ann", START + 2 * DAY)])
    running.settle()
    assert running.observed("ann").schemes["value"][""].version == 1
    running.assert_proven()


@pytest.mark.parametrize("back", [True, False])
def test_two_versions_that_say_the_same_are_two(running: LedgerSystem, back: bool) -> None:
    activate = ActivateTierModel(running.models)
    approve(running)
    activate("value", 2, "key:boss")
    draft(running, MODEL)  # the first one is retired: this is a third
    activate("value", 3, "key:boss")
    running.settle()
    assert running.observed("ann").schemes["value"][""].version == 3
    if back:
        activate("value", 1, "key:boss")
        running.settle()
    running.facts([order("more", "ann", START), order("first", "bob", START)])
    running.settle()
    for user_id in ("ann", "bob"):
        assert running.observed(user_id).schemes["value"][""].version == (1 if back else 3)
    running.assert_proven()
