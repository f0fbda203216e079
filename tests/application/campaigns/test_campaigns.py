"""Campaigns on a real ledger: their timers start, rest and end their strategies, and their budget is charged."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from domain.campaigns.spec import CampaignInvalid
from domain.facts.instants import format_instant
from domain.strategies.refusals import StrategyNotApproved, StrategyOver, StrategyStanding
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force
from tests.support.strategies import MODEL, WELCOME, StrategySystem

START = 1_772_355_600_000_000  # 2026-03-01T09:00:00Z
DAY = 86_400_000_000


@pytest.fixture
def system(database: str) -> Iterator[StrategySystem]:
    put_in_force(database, COUPON)
    open_budget(database, "spring-money", 2_500)
    with StrategySystem(database) as system:
        system.clock.set(START)
        system.activate(MODEL)
        yield system


def define(system: StrategySystem, **changes: Any) -> None:
    strategy = {**WELCOME, "do": [{"grant": "coupon-10"}]}
    system.strategies.define(yaml.safe_dump(strategy), "ann")
    campaign = {
        "campaign": "spring",
        "time_zone": "UTC",
        "starts_at": format_instant(START + DAY),
        "ends_at": format_instant(START + 10 * DAY),
        "rests": [{"from": format_instant(START + 4 * DAY), "to": format_instant(START + 5 * DAY)}],
        "strategies": ["welcome"],
        "budget": "spring-money",
        **changes,
    }
    system.strategies.campaigns.define(yaml.safe_dump(campaign), "ann")


def statuses(system: StrategySystem) -> tuple[str, str]:
    campaign = system.strategies.campaigns.definitions.view("spring").status
    return campaign, system.strategies.definitions.view("welcome").status


def test_its_timers_start_rest_and_end_it_with_its_strategies(system: StrategySystem) -> None:
    define(system)
    system.strategies.campaigns.change.start("spring", "root", as_admin=True)
    told = [statuses(system)]
    for days, user in ((1, "early"), (2, "ann"), (4, "resting"), (5, "bob"), (10, "late")):
        system.clock.set(START + days * DAY + 60_000_000)
        system.react()
        told.append(statuses(system))
        system.spends(user, 20_000, START + days * DAY)
        system.react()
    assert told == [
        ("scheduled", "draft"),
        ("running", "running"),
        ("running", "running"),
        ("resting", "paused"),
        ("running", "running"),
        ("ended", "ended"),
    ]
    taken = {row[0] for row in system.assignments()}
    assert taken == {"early", "ann", "bob"}
    assert system.told("ann")[0]["campaign"] == "spring"
    with pytest.raises(StrategyOver):
        system.strategies.campaigns.change.start("spring", "root", as_admin=True)
    with pytest.raises(StrategyOver):
        system.strategies.change.start("welcome", "root", as_admin=True)


def test_its_budget_is_charged_and_never_overspent(system: StrategySystem, database: str) -> None:
    define(system)
    system.strategies.campaigns.change.start("spring", "root", as_admin=True)
    system.clock.set(START + DAY + 60_000_000)
    system.react()
    for user in ("ann", "bob", "cleo"):
        system.spends(user, 20_000, START + DAY)
    system.react()
    assert accounts(database)["budget:spring-money"] == (2_500, 2_000, 0)
    last = [system.told(user)[-1]["actions"][0] for user in ("ann", "bob", "cleo")]
    outcomes = sorted(action.get("reason", "done") for action in last)
    assert outcomes == ["budget-exhausted", "done", "done"]
    progress = system.strategies.campaigns.show.progress("spring")
    assert progress["budget"] == [{"account": "budget:spring-money", "allowed": 2_500, "reserved": 2_000, "spent": 0}]
    (strategy,) = progress["strategies"]
    assert (strategy["arms"][0]["assigned"], strategy["arms"][0]["exposed"]) == (3, 2)


def test_paused_by_hand_and_resumed(system: StrategySystem) -> None:
    define(system)
    change = system.strategies.campaigns.change
    change.start("spring", "root", as_admin=True)
    system.clock.set(START + 2 * DAY)
    system.react()
    change.pause("spring", "ann", reason="stock")
    system.react()
    assert statuses(system) == ("paused", "paused")
    change.start("spring", "root", as_admin=True)
    assert statuses(system) == ("running", "running")
    change.end("spring", "ann")
    assert statuses(system) == ("ended", "ended")


def test_with_two_people(system: StrategySystem) -> None:
    define(system)
    campaigns, change = system.strategies.campaigns, system.strategies.campaigns.change
    with pytest.raises(StrategyNotApproved):
        change.start("spring", "ann")
    system.strategies.change.submit("welcome", "ann")
    system.strategies.change.approve("welcome", "bob", content_hash=None)
    with pytest.raises(StrategyNotApproved):
        change.start("spring", "ann")
    change.submit("spring", "ann")
    change.approve("spring", "bob", content_hash=campaigns.definitions.view("spring").content_hash)
    assert change.start("spring", "ann").status == "scheduled"


def test_what_changed_since_is_left_out(system: StrategySystem) -> None:
    define(system)
    system.strategies.campaigns.change.start("spring", "root", as_admin=True)
    system.strategies.define(yaml.safe_dump({**WELCOME, "do": [{"grant": "coupon-10"}], "priority": 3}), "ann")
    system.clock.set(START + 2 * DAY)
    system.react()
    assert statuses(system) == ("running", "draft")


def test_conflicts_and_the_calendar(system: StrategySystem) -> None:
    define(system)
    other = {**WELCOME, "strategy": "second"}
    system.strategies.define(yaml.safe_dump(other), "ann")
    campaign = {
        "campaign": "summer",
        "time_zone": "UTC",
        "starts_at": format_instant(START + 9 * DAY),
        "ends_at": format_instant(START + 20 * DAY),
        "strategies": ["second"],
        "budget": "spring-money",
    }
    system.strategies.campaigns.define(yaml.safe_dump(campaign), "ann")
    show = system.strategies.campaigns.show
    found = [(one["campaign"], one["about"], one["what"], one["people"]) for one in show.conflicts("spring")]
    assert found == [("summer", "budget", "spring-money", None), ("summer", "people", "welcome and second", 7)]
    assert [one["campaign"] for one in show.calendar(START + 11 * DAY, None)] == ["summer"]
    assert [one["campaign"] for one in show.calendar(START, START + 5 * DAY)] == ["spring"]


def test_a_clone_has_strategies_of_its_own(system: StrategySystem) -> None:
    define(system)
    starts, ends = format_instant(START + 40 * DAY), format_instant(START + 50 * DAY)
    view = system.strategies.campaigns.define.clone("spring", "autumn", starts, ends, "ann")
    assert (view.status, view.spec["strategies"]) == ("draft", ["autumn-welcome"])
    assert system.strategies.definitions.view("autumn-welcome").status == "draft"


@pytest.mark.parametrize(("to", "days"), [("autumn", 50), ("spring", 60), ("A name", 60)])
def test_a_clone_that_is_refused_leaves_nothing_behind(system: StrategySystem, to: str, days: int) -> None:
    define(system)
    system.strategies.campaigns.change.start("spring", "root", as_admin=True)
    starts, ends = format_instant(START + 50 * DAY), format_instant(START + days * DAY)
    with pytest.raises((CampaignInvalid, StrategyStanding)):
        system.strategies.campaigns.define.clone("spring", to, starts, ends, "ann")
    assert [view.strategy for view in system.strategies.definitions.views()] == ["welcome"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"strategies": ["welcome", "nothing"]}, "strategies.1"), ({"budget": "nothing"}, "budget")],
)
def test_bad_campaigns(system: StrategySystem, changes: dict[str, Any], path: str) -> None:
    with pytest.raises(CampaignInvalid) as refused:
        define(system, **changes)
    assert [fault.path for fault in refused.value.errors] == [path]
