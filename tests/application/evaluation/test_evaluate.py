"""Evaluation on a real ledger: when decisions fall, why, how often, and what a crash leaves."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from application.evaluation.evaluate_due import UsersSetAside
from application.queries import UnknownUser
from domain.facts.fact import Fact
from domain.facts.history import SubjectInHistory
from domain.facts.instants import SECOND, format_instant, parse_instant
from domain.tier_model.migration import MigrationInvalid
from domain.user_tier.decide import decide
from infrastructure.evaluation import ledger
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {"orders": {"count": "order", "within": "10 days"}},
    "rules": {"mid": "orders >= 1", "high": "orders >= 3"},
}


@pytest.fixture
def system(database: str):
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        yield system


def _told(events: list[dict[str, Any]]) -> list[tuple[str | None, str, str]]:
    return [(e["from"], e["to"], e["cause"]) for e in events if e["topic"] == "user-tier.tier-changed.v1"]


def test_causes_and_instants(system: LedgerSystem) -> None:
    system.activate(MODEL)
    system.clock.set(START + DAY // 2)
    system.facts([order("o1", "ann", START + DAY // 2)])
    system.settle()
    system.clock.set(START + 2 * DAY)
    system.facts([order("o2", "ann", START + 2 * DAY), order("o3", "ann", START + DAY)])
    system.settle()
    system.clock.set(START + 3 * DAY)
    void = {"fact_id": "v", "user_id": "ann", "kind": "void", "occurred_at": format_instant(START + 3 * DAY)}
    system.facts([{**void, "attributes": {"fact_id": "o2", "reason": "cancelled"}}])
    system.settle()
    system.clock.set(START + 20 * DAY)
    system.settle()
    events = system.events()["ann"]
    assert events[0]["topic"] == "user-tier.user-enrolled.v1"
    assert _told(events) == [
        (None, "mid", "evaluation"),
        ("mid", "high", "late-fact"),
        ("high", "mid", "late-fact"),
        ("mid", "low", "timer"),
    ]
    # o1 and o3 leave the ten days at the midnights of the 12th and 13th day.
    assert events[-1]["at"] == START + 11 * DAY
    assert events[-1]["receipt"]["features"] == {"orders": 0}
    assert events[-1]["receipt"]["facts_seen"] == 4
    assert events[-1]["receipt"]["missing"] == [{"of": "orders", "is": 0, "needs": ">= 1", "missing": 1}]


def test_a_fact_ahead_of_time_counts_when_it_occurs(system: LedgerSystem) -> None:
    system.activate(MODEL)
    system.facts([order("o1", "ann", START + 5 * DAY + 7)])
    system.settle()
    system.clock.set(START + 6 * DAY)
    system.settle()
    changes = [event for event in system.events()["ann"] if event["scheme"]]
    assert [(e["to"], e["cause"]) for e in changes] == [("low", "timer"), ("mid", "evaluation")]
    assert changes[1]["at"] == START + 5 * DAY + 7


def test_missed_instants_are_decided_in_order_each_as_of_itself(system: LedgerSystem) -> None:
    system.activate(MODEL)
    system.facts([order("o1", "ann", START)])
    system.clock.set(START + 12 * DAY)
    system.facts([order("o2", "ann", START + 12 * DAY)])
    system.settle()
    assert [e[1] for e in _told(system.events()["ann"])] == ["mid", "low", "mid"]


def test_an_activation_decides_everybody_anew_at_its_instant(system: LedgerSystem) -> None:
    system.activate(MODEL)
    for number in range(7):
        system.facts([order("o", f"user{number}", START)])
    system.settle()
    system.clock.set(START + DAY)
    system.activate({**MODEL, "rules": {"mid": "orders >= 2", "high": "orders >= 3"}})
    system.facts([order("new", "user7", START + DAY)])
    assert system.settle() == 8
    assert system.settle() == 0
    events = system.events()
    activated_at = next(view.activated_at for view in system.models.versions() if view.version == 2)
    for number in range(7):
        assert _told(events[f"user{number}"])[-1] == ("mid", "low", "model-change")
        assert events[f"user{number}"][-1]["at"] == activated_at
        assert events[f"user{number}"][-1]["receipt"]["version"] == 2
    assert _told(events["user7"]) == [(None, "low", "evaluation")]


def test_the_first_activation_decides_those_who_are_known(system: LedgerSystem) -> None:
    system.facts([order("o", "ann", START)])
    assert system.settle() == 1
    assert system.events() == {}
    system.activate(MODEL)
    system.settle()
    assert _told(system.events()["ann"]) == [(None, "mid", "model-change")]


def test_a_version_that_lacks_a_tier_in_force_is_refused(system: LedgerSystem) -> None:
    system.activate(MODEL)
    with pytest.raises(MigrationInvalid) as caught:
        system.activate({**MODEL, "tiers": ["low", "high"], "rules": {"high": "orders >= 3"}})
    assert [(complaint.field, complaint.value) for complaint in caught.value.complaints] == [
        ("migration.mapping", "mid")
    ]


def test_two_evaluators_never_decide_twice(database: str, system: LedgerSystem) -> None:
    system.activate(MODEL)
    users = [f"user{number}" for number in range(120)]
    for start in range(0, 120, 40):
        system.facts([order("o", user, START) for user in users[start : start + 40]])
    with LedgerSystem(database) as other, ThreadPoolExecutor(4) as threads:
        work = [threads.submit(evaluator.evaluate_due, 7) for _ in range(20) for evaluator in (system, other)]
        assert sum(future.result() for future in work) == 120
    assert {user: _told(events) for user, events in system.events().items()} == {
        user: [(None, "mid", "evaluation")] for user in users
    }


def test_a_crash_before_the_commit_leaves_the_work_due(database: str, system: LedgerSystem) -> None:
    system.activate(MODEL)
    system.facts([order("o", "ann", START)])

    def decide_and_die() -> None:
        with system.evaluate_due._ledger.take_due(10) as taken:
            assert taken is not None
            work = taken.work
            with psycopg.connect(database, autocommit=True) as killer:
                killer.execute("select pg_terminate_backend(%s)", (taken.connection.info.backend_pid,))
            taken.record(decide(work.subjects, work.table, work.forces, work.now))

    with pytest.raises(psycopg.OperationalError):
        decide_and_die()
    assert system.events() == {}
    assert system.settle() == 1
    assert _told(system.events()["ann"]) == [(None, "mid", "evaluation")]
    assert system.settle() == 0


def test_evaluate_now_and_what_if(system: LedgerSystem) -> None:
    system.activate(MODEL)
    system.facts([order("o1", "ann", START)])
    dry = system.evaluate_user("ann", dry_run=True)
    assert dry.position == 0
    assert dry.evaluations["value"]["decision"]["to"] == "mid"
    assert system.events() == {}
    real = system.evaluate_user("ann")
    assert real.position > 0
    assert real.evaluations["value"]["missing"] == [{"of": "orders", "is": 1, "needs": ">= 3", "missing": 2}]
    now = system.clock.now()
    if_two_more = system.evaluate_user(
        "ann", dry_run=True, hypothetical_facts=[_fact(f"h{number}", now) for number in range(2)]
    )
    assert if_two_more.evaluations["value"]["decision"]["to"] == "high"
    assert system.evaluate_user("ann").evaluations["value"] == {**real.evaluations["value"], "decision": None}
    with pytest.raises(UnknownUser):
        system.evaluate_user("nobody")


def _fact(fact_id: str, at: int) -> Any:
    return Fact(fact_id=fact_id, user_id="ann", kind="order", occurred_at=at, amount=100, currency="USD")


def test_history_is_decided_at_sealing_by_the_version_in_force_then(system: LedgerSystem) -> None:
    session = system.sessions.open("test")
    system.facts([order("o1", "ann", START - 30 * DAY), order("o2", "ann", START - 29 * DAY)], session.history_id)
    system.activate(MODEL)
    assert system.settle() == 0
    with pytest.raises(SubjectInHistory):
        system.evaluate_user("ann")
    system.clock.set(START + DAY)
    system.facts([order("live", "ann", START + DAY)])
    assert system.settle() == 0
    system.sessions.seal(session.history_id, "test")
    system.settle()
    system.clock.set(START + 40 * DAY)
    system.settle()
    assert _told(system.events()["ann"]) == [
        (None, "mid", "history"),
        ("mid", "low", "history"),
        ("low", "mid", "history"),
        ("mid", "low", "timer"),
    ]


def test_a_fact_that_comes_while_its_history_is_decided_is_not_lost_and_holds_nobody_up(system: LedgerSystem) -> None:
    session = system.sessions.open("test")
    users = [f"user{number}" for number in range(200)]  # of 16 buckets, more than one in the busy user's
    for start in range(0, 200, 100):
        facts = [order("o1", user, START - 3 * DAY) for user in users[start : start + 100]]
        system.facts(facts, session.history_id)
    system.activate(MODEL)
    system.sessions.seal(session.history_id, "test")
    with system.evaluate_due._ledger.take_history(100) as taken:
        assert taken is not None
        work = taken.work
        with system.pool.connection() as connection:
            query = "select user_id from user_ids where subject_id = %s"
            busy = connection.execute(query, (work.subjects[0].subject_id,)).fetchone()
        assert busy is not None
        user = busy[0]
        system.facts([order("live1", user, START), order("live2", user, START)])
        assert taken.record(decide(work.subjects, work.table, work.forces, work.now)) > 0
    assert len(system.events()) == len(work.subjects) - 1 > 0
    assert user not in system.events()
    system.settle()
    assert [change[1] for change in _told(system.events()[user])] == ["mid", "high"]
    assert set(system.events()) == set(users)


@pytest.mark.parametrize("history", [False, True])
def test_who_cannot_be_decided_holds_nobody_up(system: LedgerSystem, history: bool) -> None:
    session = system.sessions.open("test") if history else None
    users = [f"user{number}" for number in range(60)]
    system.activate(MODEL)
    system.facts([order("o", user, START - DAY) for user in users], session.history_id if session else None)
    if session:
        system.sessions.seal(session.history_id, "test")
    spoil = (
        "update subjects set data_key = %s from user_ids u where u.subject_id = subjects.subject_id and user_id = %s"
    )
    with system.pool.connection() as connection:
        for user in ("user0", "user31"):
            connection.execute(spoil, (bytes(60), user))
    assert system.settle() == 58
    system.evaluate_due.require_progress(3)
    with pytest.raises(UsersSetAside, match="2 users cannot be decided"):
        system.evaluate_due.require_progress(2)
    with system.pool.connection() as connection:
        waiting = connection.execute("select count(*) from timelines where decided_at is null").fetchone()
    assert waiting == (2,)


@pytest.mark.parametrize("history", [False, True])
def test_the_erased_wait_for_no_decision(system: LedgerSystem, history: bool) -> None:
    session = system.sessions.open("test") if history else None
    system.activate(MODEL)
    facts = [order("o", user, START - DAY) for user in ("ann", "bob")]
    system.facts(facts, session.history_id if session else None)
    if session:
        system.sessions.seal(session.history_id, "test")
    with system.pool.connection() as connection:
        ann = "(select subject_id from user_ids where user_id = 'ann')"
        connection.execute(f"delete from facts where subject_id = {ann}")
        connection.execute(f"delete from subjects where subject_id = {ann}")
    assert system.settle() == 2
    assert list(system.events()) == ["bob"]


def test_a_batch_reads_no_more_facts_than_it_may(system: LedgerSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_FACTS_AT_ONCE", 7)
    system.activate(MODEL)
    for user in range(4):
        system.facts([order(f"o{number}", f"user{user}", START) for number in range(3)])
    system.facts([order(f"o{number}", "many", START) for number in range(9)])
    assert [system.evaluate_due() for _ in range(4)] == [2, 2, 1, 0]


def test_ages_beyond_the_calendar_are_never_reached(system: LedgerSystem) -> None:
    features = {"age": {"days_since": "order"}}
    rules = {"mid": f"age < {2**63 - 1}", "high": "age < 1.5e300 and age > 1"}
    system.activate({**MODEL, "features": features, "rules": rules})
    system.facts([order("o", "ann", START)])
    system.clock.set(START + 5 * DAY)
    system.settle()
    assert [change[1] for change in _told(system.events()["ann"])] == ["mid", "high"]


def test_a_clock_that_was_set_back_still_moves_on(database: str) -> None:
    with LedgerSystem(database) as system:
        with system.pool.connection() as connection:
            connection.execute("select setval('clock_floor', tierline_peek() + 3_600_000_000)")
        now = system.clock.now()
        system.activate(MODEL)
        system.facts([order("o", "ann", now - DAY)])
        assert [system.evaluate_due(), system.evaluate_due()] == [1, 0]
        system.activate({**MODEL, "rules": {"mid": "orders >= 2", "high": "orders >= 3"}})
        system.settle()
        assert now < system.clock.now() < now + SECOND
        assert _told(system.events()["ann"]) == [(None, "mid", "late-fact"), ("mid", "low", "model-change")]


def test_minor_units_of_two_currencies_are_never_added(system: LedgerSystem) -> None:
    spend = {"spend": {"sum": "order.amount"}}
    model = {**MODEL, "features": spend, "rules": {"mid": "spend >= money(1.00)", "high": "spend >= money(2.00)"}}
    euro = {**order("e", "ann", START - DAY), "currency": "EUR"}
    system.facts([euro, order("u", "ann", START - DAY)])  # no scheme is in force yet: any currency comes in
    system.activate(model)
    system.settle()
    assert system.events()["ann"][-1]["receipt"]["features"] == {"spend": 100}
    assert system.facts([{**euro, "fact_id": "e2"}]).rejected_count == 1


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"features": {"orders": {"count": "order", "within": "3 years"}}}, ["tier-changed", "tier-changed"]),
        (
            {"features": {"orders": {"count": "order"}}, "policy": {"validity": "2 years"}},
            ["tier-changed", "tier-requalified"],
        ),
    ],
)
def test_a_deadline_years_ahead_is_kept(system: LedgerSystem, changes: dict[str, Any], kinds: list[str]) -> None:
    system.activate({**MODEL, **changes})
    system.facts([order("o", "ann", START)])
    system.settle()
    system.clock.set(START + 3 * 366 * DAY)
    system.settle()
    assert [event["topic"] for event in system.events()["ann"][1:]] == [f"user-tier.{kind}.v1" for kind in kinds]


def test_an_attribute_less_another_kinds_attribute(system: LedgerSystem) -> None:
    points = {"points": {"sum": "order.points", "minus": "refund.points"}}
    system.activate({**MODEL, "features": points, "rules": {"mid": "points > 0", "high": "points > 100"}})
    system.facts([order("o1", "ann", START, points=120), order("o2", "bob", START)])
    for user in ("ann", "bob"):
        refund = {**order("r", user, START, points=50, order_id="o1"), "kind": "refund"}
        system.facts([refund])
    system.settle()
    found = {user: events[-1]["receipt"]["features"]["points"] for user, events in system.events().items()}
    assert found == {"ann": 70, "bob": 0}


def test_whoever_waits_for_the_log_is_told_once_it_has_grown(system: LedgerSystem) -> None:
    system.activate(MODEL)
    system.facts([order("o1", "ann", START)])
    told: list[int] = []
    assert system.evaluate_due(recorded=lambda: told.append(len(system.events()))) == 1
    assert told == [1]
    assert system.evaluate_due(recorded=lambda: told.append(-1)) == 0
    assert told == [1]
