"""What a bulk records of its users is what is recorded of them one by one: tried on two copies of a ledger."""

from collections.abc import Collection
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from application.strategies.bulk_ports import BulkWanted
from application.strategies.ports import LeftOut, Outcome, Wanted
from domain.strategies.cause import Cause, actor_of
from infrastructure.strategies.desk import PostgresAssignmentDesk
from tests.support import servers
from tests.support.benefits import COUPON, put_in_force
from tests.support.strategies import MODEL, StrategySystem

START = 1_772_355_600_000_000  # 2026-03-01T09:00:00Z
DAY = 86_400_000_000
USERS = 60
WHERE = "spend >= money(50.00) and recency < 30"
SPEC: dict[str, Any] = {
    "do": [],
    "arms": {
        "a": {"weight": 30, "do": [{"grant": "coupon-10"}, {"notify": "sms", "template": "x"}]},
        "b": {"weight": 70},
    },
    "goal": {"sum": "order.amount", "within": "30 days"},
    "holdout": 20,
    "group": "spring",
    "when": {
        "delay": "2 hours",
        "quiet": {"from": "10:00", "to": "12:00"},
        "at_most": {"times": 1, "within": "90 days"},
    },
}
PROFILES: dict[int, dict[str, Any]] = {
    1: {"personalisation_opt_out": True},
    2: {"minor": "true"},
    3: {"risk_listed": True},
    4: {"time_zone": "Asia/Tokyo"},
    11: {"time_zone": "America/New_York"},
}
REASONS = {"opted-out", "minor", "risk-listed", "excluded", "too-often", "already-assigned"}
ROWS = """
select u.user_id, a.strategy, a.version, a.campaign, a.arm, a.holdout, a.group_name, a.assigned_at / 1000000,
       a.ends_at / 1000000, a.cause - 'at', (a.cause ->> 'at')::bigint / 1000000, a.assignment_id, t.kind,
       t.due_at / 1000000, t.cause
from assignments a join user_ids u using (subject_id) left join strategy_timers t using (assignment_id)
order by u.user_id, a.assigned_at
"""
LEDGER = """
select u.user_id, e.originator_version, e.topic, e.scheme, e.scope, e.from_tier, e.to_tier, e.effective_at / 1000000,
       e.recorded_at / 1000000, e.actor, e.command_id, e.causation
from events e join user_ids u on u.subject_id = e.originator_id order by u.user_id, e.originator_version
"""
TIMELINES = """
select u.user_id, t.stream_version, t.last_instant / 1000000, t.due_at, t.decided_at,
       t.held_position = (select max(position) from events e where e.originator_id = t.subject_id)
from timelines t join user_ids u using (subject_id) order by u.user_id
"""
SKIPS = "select strategy, reason, sum(skipped)::integer from strategy_skips group by 1, 2 order by 1, 2"
TIMES = ("at", "due_at", "ends_at")
SKIPPED = "user-tier.strategy-skipped.v1"


def set_up(database: str, **changes: Any) -> None:
    """Users of every kind, some for each reason to skip one; the strategy welcome, started."""
    put_in_force(database, COUPON)
    with StrategySystem(database) as system:
        system.clock.set(START)
        system.activate(MODEL)
        for number in range(USERS):
            amount = 2_000 if number % 5 == 0 else 20_000
            system.spends(f"u-{number:02}", amount, START, **PROFILES.get(number, {}))
        system.react()
        system.start(strategy="rival", trigger={"by": "hand"}, group="spring")
        for number in (6, 7, 10):
            system.strategies.assign(f"u-{number:02}", "rival", "test")
        system.start(**{**SPEC, **changes})
        for number in (8, 9, 12):
            system.strategies.assign(f"u-{number:02}", "welcome", "test", arm="b")
        for number in (8, 9):
            system.strategies.end(f"u-{number:02}", "welcome", "test")
        system.clock.set(START + 60_000_000)


def test_chosen_by_people(database: str, postgres_server: str) -> None:
    set_up(database, trigger={"by": "hand"})
    with (
        servers.fresh_database(postgres_server, str(conninfo_to_dict(database)["dbname"])) as copy,
        StrategySystem(database) as bulked,
        StrategySystem(copy) as single,
    ):
        bulk = bulked.strategies.bulk
        seen = bulk.preview(BulkWanted("welcome", WHERE), "ann")
        perform(bulked)
        bulk.run(seen.bulk_id, "bob")
        perform(bulked)
        told = bulk.shown(bulk.get(seen.bulk_id))["so_far"]
        cause = Cause("bulk", seen.bulk_id, bulked.clock.now())
        outcomes = one_by_one(single, [n for n in range(USERS) if n % 5], cause, "bob", by_hand=True)
        left = {user: one.reason for user, one in outcomes.items() if isinstance(one, LeftOut)}
        assert recorded(bulked, SKIPPED, left) == recorded(single, SKIPPED, left)
        assert skipped_in(bulked) == left  # whoever asks for one user is told, and nothing is recorded
        assert set(left.values()) == REASONS
        assert (told["not_addressed"], told["undecided"]) == (USERS // 5, 0)
        assert sum(told["skipped"].values()) == len(left)
        assert set(told["assigned"]) == {"a", "b"}
        assert told["held"]["strategy"] > 0


def test_by_a_schedule(database: str, postgres_server: str) -> None:
    set_up(database, trigger={"every": "once"}, where=WHERE)
    with (
        servers.fresh_database(postgres_server, str(conninfo_to_dict(database)["dbname"])) as copy,
        StrategySystem(database) as bulked,
        StrategySystem(copy) as single,
    ):
        ((at,),) = bulked.rows("select next_at from strategy_rounds")
        assert bulked.strategies.bulk.begin_rounds() == 1
        perform(bulked)
        cause, actor = Cause("every", f"welcome@{at}", at), actor_of("welcome")
        one_by_one(single, range(USERS), cause, actor, by_hand=False)
        assert recorded(bulked) == recorded(single)
        assert bulked.rows(SKIPS) == single.rows(SKIPS)
        assert {row[1] for row in bulked.rows(SKIPS)} == REASONS
        assert len(bulked.rows(ROWS)) > 30


def perform(system: StrategySystem) -> None:
    while system.perform_runs():
        pass


def one_by_one(system: StrategySystem, numbers: Any, cause: Cause, actor: str, *, by_hand: bool) -> dict[str, Outcome]:
    desk = PostgresAssignmentDesk(system.pool, system.keyring)
    outcomes = {}
    for number in numbers:
        user_id = f"u-{number:02}"
        wanted = Wanted("welcome", desk.subject_of(user_id), cause, actor, by_hand=by_hand)
        (outcomes[user_id],) = desk.take_in([wanted])
    return outcomes


def skipped_in(system: StrategySystem) -> dict[str, str]:
    """Users and reasons."""
    return {
        user: event["reason"] for user, found in system.events().items() for event in found if event["topic"] == SKIPPED
    }


def recorded(system: StrategySystem, but: str = "", skipped: Collection[str] = ()) -> tuple[list[Any], ...]:
    """All that is kept, to the second, but the run of a bulk, events of a topic, and streams of the skipped."""
    events = {
        user: [to_the_second(event) for event in found if event["topic"] != but]
        for user, found in system.events().items()
    }
    ledger = [row for row in system.rows(LEDGER) if row[2] != but]
    timelines = [row for row in system.rows(TIMELINES) if row[0] not in skipped]
    return system.rows(ROWS), ledger, sorted(events.items()), timelines


def to_the_second(told: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in told.items() if name != "run_id"}
    found |= {name: found[name] // 1_000_000 for name in TIMES if found.get(name)}
    if "trigger" in found:
        found["trigger"] = to_the_second(found["trigger"])
    return found
