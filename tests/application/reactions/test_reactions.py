"""What strategies do by themselves, on a real ledger: once for each cause, in time, and to nobody else."""

from collections.abc import Iterator
from typing import Any

import pytest

from application.reactions.start_strategies_when_a_tier_changes import StartStrategiesWhenATierChanges
from infrastructure.event_store.tail import LogTail
from infrastructure.strategies.turns import PostgresReactions
from tests.support.ledger import order
from tests.support.strategies import MODEL, StrategySystem

START = 1_772_355_600_000_000  # 2026-03-01T09:00:00Z
DAY, MINUTE = 86_400_000_000, 60_000_000
GOAL = {"sum": "order.amount", "within": "30 days"}


@pytest.fixture
def system(database: str) -> Iterator[StrategySystem]:
    with StrategySystem(database) as system:
        system.clock.set(START)
        system.activate(MODEL)
        yield system


def test_who_enters_the_tier_is_taken_in_and_the_message_waits_to_be_sent(system: StrategySystem) -> None:
    system.start()
    system.spends("ann", 20_000, START)
    system.spends("bob", 5_000, START)
    system.react()
    assert system.assignments() == [("ann", "welcome", "treated", "", True, None)]
    assigned, exposed = system.told("ann")
    assert assigned["baseline"] == {"tiers": {"value": "high"}, "features": {"value": {"recency": 0, "spend": 20_000}}}
    assert (assigned["trigger"]["kind"], assigned["trigger"]["tier"]) == ("entered", "high")
    assert assigned["actions"] == [{"notify": "sms", "template": "hello"}]
    (action,) = exposed["actions"]
    assert (action["outcome"], exposed["assignment_id"]) == ("done", assigned["assignment_id"])
    messages = system.rows("select message_id, channel, template, state from outbound_messages")
    assert [(one[0].hex, *one[1:]) for one in messages] == [(action["id"], "sms", "hello", "waiting")]
    assert system.rows("select * from strategy_timers") == []
    system.assert_proven()


def test_what_happened_before_the_start_is_not_reacted_to(system: StrategySystem) -> None:
    system.spends("ann", 20_000, START)
    system.settle()
    system.start()
    system.react()
    assert system.assignments() == []
    system.spends("bob", 20_000, START)
    system.react()
    assert [row[0] for row in system.assignments()] == ["bob"]


def test_history_is_not_reacted_to(system: StrategySystem) -> None:
    system.start()
    session = system.sessions.open("test")
    system.facts([order("o1", "ann", START - DAY, 20_000)], session.history_id)
    system.sessions.seal(session.history_id, "test")
    system.react()
    assert system.events()["ann"][-1]["cause"] == "history"
    assert system.assignments() == []


@pytest.mark.parametrize(("asked", "taken"), [(False, []), (True, ["ann"])])
def test_a_model_change_is_reacted_to_when_it_is_asked_for(
    system: StrategySystem, asked: bool, taken: list[str]
) -> None:
    system.start(on_model_change=asked)
    system.spends("ann", 5_000, START)
    system.react()
    system.clock.set(START + MINUTE)
    system.activate({**MODEL, "rules": {**MODEL["rules"], "high": "spend >= money(40.00)"}})  # type: ignore[dict-item]
    system.react()
    assert [row[0] for row in system.assignments()] == taken


def test_a_reaction_that_comes_late_skips_and_says_why(system: StrategySystem) -> None:
    system.start(max_age="1 hour")
    system.spends("ann", 20_000, START)
    system.settle()
    system.clock.set(START + 61 * MINUTE)
    system.react()
    assert system.topics("ann") == ["skipped: too-old"]


def test_a_tier_that_was_left_meanwhile_is_not_acted_on(system: StrategySystem) -> None:
    system.start()
    system.spends("ann", 20_000, START)
    system.settle()
    void = {"fact_id": "v1", "user_id": "ann", "kind": "void", "occurred_at": "2026-03-01T09:00:00Z"}
    system.clock.set(START + MINUTE)
    system.facts([{**void, "attributes": {"fact_id": "o-1", "reason": "a mistake"}}])
    system.react()
    assert system.topics("ann") == ["skipped: trigger-over"]


def test_one_who_is_due_is_decided_first(system: StrategySystem) -> None:
    system.start()
    system.spends("ann", 20_000, START)
    system.settle()
    system.spends("ann", 300, START, "o-2")
    assert system.react_once()
    assigned, _ = system.told("ann")
    assert assigned["baseline"]["features"]["value"]["spend"] == 20_300
    system.assert_proven()


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ({"personalisation_opt_out": True}, "opted-out"),
        ({"minor": True}, "minor"),
        ({"risk_listed": True}, "risk-listed"),
        ({"unsubscribed_sms": True}, "unsubscribed"),
    ],
)
def test_consent_suppresses_when_it_is_decided(system: StrategySystem, profile: dict[str, Any], reason: str) -> None:
    system.start()
    system.spends("ann", 20_000, START, **profile)
    system.react()
    assert system.topics("ann") == [f"skipped: {reason}"]
    assert system.rows("select * from outbound_messages") == []


def test_consent_suppresses_again_when_it_is_sent(system: StrategySystem) -> None:
    system.start(when={"delay": "2 hours"})
    system.spends("ann", 20_000, START)
    system.react()
    assert system.topics("ann") == ["assigned"]
    told = {"fact_id": "p", "user_id": "ann", "kind": "profile", "occurred_at": "2026-03-01T09:00:01Z"}
    system.clock.set(START + 60 * MINUTE)
    system.facts([{**told, "attributes": {"unsubscribed": True}}])
    system.react()
    system.clock.set(START + 121 * MINUTE)
    system.react()
    assert system.topics("ann") == ["assigned", "skipped: unsubscribed"]
    (action,) = system.told("ann")[-1]["actions"]
    assert (action["outcome"], action["reason"]) == ("suppressed", "unsubscribed")
    assert system.rows("select * from outbound_messages") == []


def test_a_delay_waits_and_a_tier_that_was_left_meanwhile_ends_it(system: StrategySystem) -> None:
    system.start(when={"delay": "40 days"}, lasts="60 days")
    system.spends("ann", 20_000, START)
    system.react()
    system.clock.set(START + 41 * DAY)
    system.react()
    assert system.topics("ann") == ["assigned", "skipped: trigger-over"]


def test_the_holdout_is_recorded_and_nothing_is_done(system: StrategySystem) -> None:
    system.start(holdout=100, goal=GOAL)
    system.spends("ann", 20_000, START)
    system.react()
    assert system.assignments() == [("ann", "welcome", None, "strategy", True, None)]
    assert system.topics("ann") == ["assigned"]
    assert system.told("ann")[0]["actions"] == []
    assert system.rows("select * from outbound_messages") == []


def test_held_is_reacted_to_when_it_was_held(system: StrategySystem) -> None:
    system.start(trigger={"held": "value.high", "for": "10 days"})
    system.spends("ann", 20_000, START)
    system.spends("bob", 20_000, START)
    system.react()
    assert system.assignments() == []
    system.clock.set(START + 5 * DAY)
    void = {"fact_id": "v1", "user_id": "bob", "kind": "void", "occurred_at": "2026-03-01T09:00:00Z"}
    system.facts([{**void, "attributes": {"fact_id": "o-1", "reason": "a mistake"}}])
    system.react()
    system.clock.set(START + 11 * DAY)
    system.react()
    assert system.assignments() == [("ann", "welcome", "treated", "", True, None)]
    assert system.topics("bob") == ["skipped: trigger-over"]


def test_left_and_at_risk(system: StrategySystem) -> None:
    model = {**MODEL, "policy": {"downgrade": {"review": "continuous", "grace": "5 days"}}}
    system.activate(model)
    system.start(strategy="stay", trigger={"at_risk": "value.high"})
    system.start(strategy="come-back", trigger={"left": "value.high"})
    system.spends("ann", 20_000, START)
    system.react()
    system.clock.set(START + 30 * DAY)
    system.react()
    assert [row[1] for row in system.assignments()] == ["stay"]
    system.clock.set(START + 35 * DAY)
    system.react()
    assert [row[1] for row in system.assignments()] == ["stay", "come-back"]
    assert [event["trigger"]["kind"] for event in system.told("ann") if "baseline" in event] == ["at_risk", "left"]


def test_a_tag_given_by_hand_or_by_a_strategy(system: StrategySystem) -> None:
    system.start(strategy="first", do=[{"tag": "pilot", "days": "10 days"}])
    system.start(strategy="second", trigger={"tagged": "pilot"})
    system.spends("ann", 20_000, START)
    system.react()
    assert [row[:3] for row in system.assignments()] == [("ann", "first", "treated"), ("ann", "second", "treated")]
    assert system.observed("ann").tag_until["pilot"] // DAY == (START + 10 * DAY) // DAY
    system.assert_proven()


def test_one_strategy_starts_another_by_its_own_rules(system: StrategySystem) -> None:
    system.start(strategy="second", trigger={"by": "hand"}, where="spend >= money(300.00)")
    system.start(strategy="first", do=[{"start": "second"}])
    system.spends("ann", 20_000, START)
    system.spends("bob", 40_000, START)
    system.react()
    assert [row[:2] for row in system.assignments()] == [("ann", "first"), ("bob", "first"), ("bob", "second")]
    (action,) = system.told("ann")[-1]["actions"]
    assert (action["outcome"], action["reason"]) == ("refused", "not-addressed")
    assert system.topics("bob") == ["assigned", "assigned", "exposed", "exposed"]


def test_coming_to_match_a_condition_counts_once_and_again_after_leaving(system: StrategySystem) -> None:
    system.start(trigger={"joins": "spend >= money(50.00) and tier.value = 'mid'"}, lasts="1 day")
    system.spends("ann", 6_000, START)
    system.react()
    system.spends("ann", 100, START, "o-2")
    system.react()
    assert system.topics("ann") == ["assigned", "exposed"]
    system.clock.set(START + 2 * DAY)
    system.spends("ann", 20_000, START, "o-3")
    system.react()
    assert system.rows("select * from strategy_members") == []
    void = {"fact_id": "v1", "user_id": "ann", "kind": "void", "occurred_at": "2026-03-01T09:00:00Z"}
    system.facts([{**void, "attributes": {"fact_id": "o-3", "reason": "a mistake"}}])
    system.react()
    assert system.topics("ann") == ["assigned", "exposed", "ended: over", "assigned", "exposed"]


def test_of_one_group_the_more_important_one_takes_the_user_in(system: StrategySystem) -> None:
    system.start(strategy="small", group="g", priority=1)
    system.start(strategy="large", group="g", priority=2)
    system.start(strategy="apart")
    system.spends("ann", 20_000, START)
    system.react()
    assert {row[1] for row in system.assignments()} == {"large", "apart"}
    skipped = next(event for event in system.told("ann") if "detail" in event)
    assert (skipped["strategy"], skipped["reason"], skipped["detail"]) == ("small", "excluded", "large")


def test_a_paused_strategy_takes_nobody_in_and_does_nothing(system: StrategySystem) -> None:
    system.start(when={"delay": "1 hour"})
    system.spends("ann", 20_000, START)
    system.react()
    system.strategies.change.pause("welcome", "test")
    system.clock.set(START + 120 * MINUTE)
    system.spends("bob", 20_000, START)
    system.react()
    assert (system.topics("ann"), system.topics("bob")) == (["assigned"], [])
    system.strategies.change.start("welcome", "test", as_admin=True)
    system.react()
    assert (system.topics("ann"), system.topics("bob")) == (["assigned", "exposed"], [])


def test_an_ended_strategys_assignments_end_and_what_was_to_be_done_is_not(system: StrategySystem) -> None:
    system.start(when={"delay": "1 hour"})
    system.spends("ann", 20_000, START)
    system.react()
    system.strategies.change.end("welcome", "test")
    system.react()
    system.clock.set(START + 120 * MINUTE)
    system.react()
    assert system.topics("ann") == ["assigned", "ended: strategy-ended"]
    assert system.rows("select * from strategy_timers") == []


def test_reading_again_assigns_nobody_again(system: StrategySystem) -> None:
    """As if the place in the log had been lost: the causes are known by their names."""
    system.start()
    system.spends("ann", 20_000, START)
    system.react()
    system.rows("update reactions set position = 0 returning name")
    system.react()
    assert len(system.assignments()) == 1
    assert system.topics("ann") == ["assigned", "exposed"]


def test_who_cannot_be_decided_is_put_off_and_holds_nobody_up(system: StrategySystem) -> None:
    system.start()
    for user in ("ann", "bob"):
        system.spends(user, 20_000, START)
    system.settle()
    system.spends("ann", 300, START, "o-2")
    reactions = PostgresReactions(system.pool, system.keyring, LogTail(system.pool, system.keyring))
    StartStrategiesWhenATierChanges(reactions, lambda _user_id: None)()
    assert [row[0] for row in system.assignments()] == ["bob"]
    assert system.rows("select kind from strategy_timers order by kind") == [("actions",), ("trigger",)]
    system.clock.set(START + 2 * MINUTE)
    system.react()
    assert [row[0] for row in system.assignments()] == ["bob", "ann"]
    assert system.topics("ann") == ["assigned", "exposed"]
