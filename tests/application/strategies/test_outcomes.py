"""What facts say is folded back: once in effect, whatever comes twice, late, void, or about somebody else."""

from collections.abc import Iterator
from typing import Any

import pytest

from application.benefits.redeem_grant import RedeemGrant
from application.facts.record_facts import FactsRecorded, RecordFactsHandler
from application.identity.merge_users import MergeUsers
from application.strategies.show_strategy import shown_progress
from domain.facts.instants import format_instant
from infrastructure.benefits.desk import PostgresGrantDesk
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.facts.fact_log import PostgresFactLog
from infrastructure.identity.ledger import PostgresIdentities
from infrastructure.strategies.merging import move_assignments
from infrastructure.strategies.outcomes import PostgresOutcomes
from infrastructure.strategies.references import PostgresReferences
from tests.support.benefits import COUPON, put_in_force
from tests.support.ledger import order
from tests.support.messages import DAY, HOUR, MINUTE, START
from tests.support.strategies import MODEL, StrategySystem

GOAL = {"sum": "order.amount", "where": "channel = 'app'", "within": "7 days"}
BY_HAND = {"trigger": {"by": "hand"}, "goal": GOAL}


@pytest.fixture
def system(database: str) -> Iterator[StrategySystem]:
    put_in_force(database, COUPON)
    with StrategySystem(database) as system:
        log = PostgresFactLog(system.pool, system.keyring)
        system.record = RecordFactsHandler(log, PostgresFactKinds(system.pool), PostgresReferences(system.pool))
        system.clock.set(START)
        system.activate(MODEL)
        yield system


def assigned(system: StrategySystem, user_id: str = "ann", strategy: str = "welcome", arm: str | None = None) -> str:
    """The id of an assignment by hand."""
    system.spends(user_id, 500, START, f"first-{user_id}")
    system.settle()
    return system.strategies.assign(user_id, strategy, "test", arm=arm).assignment_id.hex


def touch(fact_id: str, user_id: str, at: int, **attributes: Any) -> dict[str, Any]:
    return {
        "fact_id": fact_id,
        "user_id": user_id,
        "kind": "touch",
        "occurred_at": format_instant(at),
        "attributes": attributes,
    }


def void(fact_id: str, user_id: str) -> dict[str, Any]:
    attributes = {"fact_id": fact_id, "reason": "wrong"}
    return {**touch(f"void-{fact_id}", user_id, START), "kind": "void", "attributes": attributes}


def came_of(system: StrategySystem, user_id: str = "ann") -> dict[str, int]:
    """Of the user's latest assignment, in minutes since the start."""
    ((view, *_), _) = system.strategies.assignments.of_user(user_id, 10, None)
    return {outcome: (at - START) // MINUTE for outcome, at in sorted(view.outcomes.items())}


def recorded(system: StrategySystem, user_id: str = "ann") -> list[tuple[str, int | None]]:
    """The user's events of outcomes, in minutes since the start."""
    events = [event for event in system.events()[user_id] if event["topic"] == "user-tier.outcome-recorded.v1"]
    return [(event["outcome"], None if event["at"] is None else (event["at"] - START) // MINUTE) for event in events]


def send(system: StrategySystem, *facts: dict[str, Any]) -> FactsRecorded:
    answer = system.facts(facts)
    assert not answer.rejected
    system.react()
    return answer


def arms(system: StrategySystem, strategy: str = "welcome") -> dict[str | None, dict[str, int]]:
    return {one.arm: dict(one.outcomes) for one in system.strategies.queries.progress(strategy).arms}


def test_first_times_are_known_on_the_assignment_in_progress_and_on_the_user(system: StrategySystem) -> None:
    system.start(**BY_HAND)
    one = assigned(system)
    send(
        system,
        touch("t-1", "ann", START + MINUTE, assignment_id=one, outcome="delivered"),
        touch("t-2", "ann", START + 3 * MINUTE, assignment_id=one, outcome="exposed"),
        touch("t-3", "ann", START + 2 * MINUTE, assignment_id=one, outcome="exposed"),
        touch("t-4", "ann", START + 5 * MINUTE, assignment_id=one, outcome="clicked"),
        order("o-2", "ann", START + 9 * MINUTE, 700, assignment_id=one, channel="app"),
    )
    expected = {"clicked": 5, "converted": 9, "delivered": 1, "exposed": 2, "ordered": 9}
    assert came_of(system) == expected
    assert dict(recorded(system)) == expected
    assert len(recorded(system)) == len(expected)
    assert arms(system) == {"treated": dict.fromkeys(expected, 1)}
    system.assert_proven()


def test_a_repeat_changes_nothing(system: StrategySystem) -> None:
    system.start(**BY_HAND)
    one = assigned(system)
    seen = touch("t-1", "ann", START, assignment_id=one, outcome="exposed")
    send(system, seen)
    assert send(system, seen).duplicates == 1
    system.rows("update reactions set position = 0 returning name")  # as if the place had been lost
    system.react()
    assert (recorded(system), arms(system)) == ([("exposed", 0)], {"treated": {"exposed": 1}})


def test_a_late_fact_moves_it_back_and_a_later_one_does_not_move_it(system: StrategySystem) -> None:
    system.start(**BY_HAND)
    one = assigned(system)
    for number, minutes in enumerate((5, 9, 2)):
        send(system, touch(f"t-{number}", "ann", START + minutes * MINUTE, assignment_id=one, outcome="clicked"))
    assert recorded(system) == [("clicked", 5), ("clicked", 2)]
    assert came_of(system) == {"clicked": 2}


def test_a_void_takes_it_back_also_one_that_comes_first(system: StrategySystem) -> None:
    system.start(**BY_HAND)
    one = assigned(system)
    send(system, void("t-2", "ann"))
    send(
        system,
        touch("t-1", "ann", START + MINUTE, assignment_id=one, outcome="exposed"),
        touch("t-2", "ann", START, assignment_id=one, outcome="exposed"),
        touch("t-3", "ann", START + 4 * MINUTE, assignment_id=one, outcome="exposed"),
    )
    assert came_of(system) == {"exposed": 1}
    send(system, void("t-1", "ann"))
    assert came_of(system) == {"exposed": 4}
    send(system, void("t-3", "ann"))
    assert (came_of(system), arms(system)) == ({}, {"treated": {}})
    assert recorded(system) == [("exposed", 1), ("exposed", 4), ("exposed", None)]


def test_the_goal_is_reached_within_its_window_by_what_counts_towards_it(system: StrategySystem) -> None:
    system.start(**BY_HAND)
    assigned(system)
    send(system, order("o-1", "ann", START + MINUTE, 700, channel="web"))
    send(system, order("o-2", "ann", START + 2 * MINUTE, 0, channel="app"))
    send(system, order("o-3", "ann", START - MINUTE, 900, channel="app"))  # before it
    system.clock.set(START + 20 * DAY)
    send(system, order("o-4", "ann", START + 7 * DAY, 900, channel="app"))  # on the first day after the window
    assert came_of(system) == {}
    send(system, order("o-5", "ann", START + 6 * DAY + 10 * HOUR, 900, channel="app"))  # known late, in time
    assert came_of(system) == {"converted": 6 * 1_440 + 600}


def test_the_held_out_convert_too_and_exposures_of_theirs_are_a_finding(system: StrategySystem) -> None:
    system.start(**BY_HAND, holdout=99.99)
    one = assigned(system)
    answer = send(
        system,
        touch("t-1", "ann", START + MINUTE, assignment_id=one, outcome="exposed"),
        order("o-2", "ann", START + 2 * MINUTE, 700, channel="app"),
    )
    (doubt,) = answer.doubtful
    assert (doubt.index, doubt.errors[0].detail) == (0, "the user is held out")
    (arm,) = system.strategies.queries.progress("welcome").arms
    assert (arm.arm, arm.holdout, arm.outcomes) == (None, "strategy", {"exposed": 1, "converted": 1})
    view = system.strategies.definitions.view("welcome")
    shown = shown_progress(view, system.strategies.queries.progress("welcome"))
    assert shown["findings"] == [
        {"finding": "held-out-but-reached", "holdout": "strategy", "reported": "exposed", "assignments": 1}
    ]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"assignment_id": "0d1f3c5e7a905b1a8c2d4e6f8091a2b3", "outcome": "clicked"}, "unknown assignment"),
        ({"assignment_id": "nonsense", "outcome": "clicked"}, "unknown assignment"),
        ({"assignment_id": 7, "outcome": "clicked"}, "unknown assignment"),
        ({"grant_id": "0d1f3c5e7a905b1a8c2d4e6f8091a2b3", "outcome": "clicked"}, "unknown grant"),
        ({"assignment_id": "MINE", "outcome": "purchased"}, "no outcome"),
        ({"assignment_id": "MINE"}, "no outcome"),
        ({"assignment_id": "BOBS", "outcome": "clicked"}, "another user's assignment"),
    ],
)
def test_what_names_nobodys_or_anothers_is_recorded_told_and_counts_for_none(
    system: StrategySystem, named: dict[str, Any], told: str
) -> None:
    system.start(**BY_HAND)
    ids = {"MINE": assigned(system), "BOBS": assigned(system, "bob")}
    attributes = {name: ids.get(value, value) for name, value in named.items()}
    answer = send(system, touch("t-1", "ann", START, **attributes))
    assert (answer.accepted, [one.errors[0].detail for one in answer.doubtful]) == (1, [told])
    assert (came_of(system, "ann"), came_of(system, "bob")) == ({}, {})


def test_a_clock_that_is_a_little_behind_is_forgiven(system: StrategySystem) -> None:
    system.start(**BY_HAND)
    one = assigned(system)
    send(system, touch("t-1", "ann", START - 25 * HOUR, assignment_id=one, outcome="clicked"))
    assert came_of(system) == {}
    send(system, touch("t-2", "ann", START - 23 * HOUR, assignment_id=one, outcome="clicked"))
    assert came_of(system) == {"clicked": -23 * 60}


def test_a_grant_leads_to_its_assignment_and_its_redemption_is_counted(system: StrategySystem) -> None:
    system.start(do=[{"grant": "coupon-10"}], **BY_HAND)
    assigned(system)
    system.react()
    ((grant_id,),) = system.rows("select grant_id from grants")
    answer = send(system, order("o-2", "ann", START + MINUTE, 700, grant_id=grant_id.hex))
    assert answer.doubtful == []
    assert came_of(system) == {"ordered": 1}
    system.clock.set(START + 4 * MINUTE)
    RedeemGrant(PostgresGrantDesk(system.pool, system.keyring), system.evaluate_user)(grant_id.hex, "test")
    assert came_of(system) == {"ordered": 1, "redeemed": 4}
    assert arms(system) == {"treated": {"ordered": 1, "redeemed": 1}}


def test_facts_of_who_is_in_nothing_are_passed_over(system: StrategySystem) -> None:
    system.spends("eve", 20_000, START)
    system.react()
    ((place,),) = system.rows("select position from reactions where name = 'fold_back_what_came_of_assignments'")
    assert place == system.rows("select max(position) from facts")[0][0]


def test_a_merge_takes_it_along(system: StrategySystem) -> None:
    system.start(**BY_HAND)
    assigned(system, "bob")
    one = assigned(system, "ann")
    send(system, touch("t-1", "ann", START + MINUTE, assignment_id=one, outcome="exposed"))
    system.strategies.end("bob", "welcome", "test")
    identities = PostgresIdentities(system.pool, system.keyring, system.evaluation, (move_assignments,))
    MergeUsers(identities)("bob", "ann", "test", reason="the same")
    send(system, touch("t-2", "ann", START + 2 * MINUTE, assignment_id=one, outcome="clicked"))
    found = {view.assignment_id: view.outcomes for view in system.strategies.assignments.of_user("ann", 10, None)[0]}
    assert found[one] == {"exposed": START + MINUTE, "clicked": START + 2 * MINUTE}
    send(system, void("t-1", "bob"))
    found = {view.assignment_id: view.outcomes for view in system.strategies.assignments.of_user("bob", 10, None)[0]}
    assert found[one] == {"clicked": START + 2 * MINUTE}


def test_pages_of_assignments(system: StrategySystem) -> None:
    for name in ("a", "b", "c"):
        system.start(strategy=name, **BY_HAND)
        assigned(system, "ann", name)
    first, cursor = system.strategies.assignments.of_user("ann", 2, None)
    rest, end = system.strategies.assignments.of_user("ann", 2, cursor)
    assert ([view.strategy for view in (*first, *rest)], end) == (["c", "b", "a"], None)


def test_who_is_merged_while_outcomes_are_made_holds_nobody_up(system: StrategySystem) -> None:
    """A hundred users are read at once: the one who is left over is the survivor's by the time they are read."""
    system.start(goal=GOAL)
    users = [f"u-{number}" for number in range(101)]
    system.facts([order(f"o-{user}", user, START, 20_000) for user in users])
    system.facts([order("o-ann", "ann", START, 500)])
    system.react()
    system.clock.set(START + HOUR)
    system.facts([order(f"app-{user}", user, START + HOUR, channel="app") for user in users])
    ((last,),) = system.rows("select user_id from user_ids where user_id <> 'ann' order by subject_id desc limit 1")
    identities = PostgresIdentities(system.pool, system.keyring, system.evaluation, (move_assignments,))
    followed = []
    with PostgresOutcomes(system.pool, system.keyring).turn() as turn:
        assert turn is not None
        for material in turn.materials():
            if not followed:
                MergeUsers(identities)("ann", last, "test", reason="the same")
            followed.append(len(material.followed))
    assert followed == [100, 0]
    system.react()
    assert system.rows("select count(*) from assignment_outcomes where told_at is not null") == [(101,)]
