"""A campaign as written, its way, and what gets in its way."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.campaigns.aggregate import Campaign
from domain.campaigns.conflicts import Conflict, audience_condition, conflicts_of
from domain.campaigns.events import Approved, Defined, Ended, Paused, Retired, Scheduled, Started, Submitted
from domain.campaigns.spec import CampaignInvalid, CampaignSpec, as_plain, read_campaign
from domain.facts.instants import parse_instant
from domain.strategies.refusals import (
    OwnStrategy,
    StrategyNotApproved,
    StrategyOver,
    StrategyStanding,
    WindowInPast,
)
from domain.tier_model.version import By
from tests.domain.strategies.worded import strategy

TEXT = """
campaign: spring
label: {zh-CN: 春季, en: Spring}
time_zone: Asia/Shanghai
starts_at: "2026-03-02T08:00:00+08:00"
ends_at: "2026-04-01T00:00:00Z"
rests: [{from: "2026-03-10T00:00:00Z", to: "2026-03-11T00:00:00Z"}]
strategies: [welcome, win-back]
budget: spring-money
"""
HASHES = {"welcome": "h1", "win-back": "h2"}


def at(text: str) -> int:
    return parse_instant(f"2026-{text}:00Z")


def by(instant: int | str, actor: str = "ann") -> By:
    return By(at=at(instant) if isinstance(instant, str) else instant, actor=actor)


def spec(**changes: Any) -> CampaignSpec:
    return CampaignSpec.model_validate({**as_plain(read_campaign(TEXT)[0]), **changes})


def test_instants_are_kept_in_utc_and_read_back_to_the_same() -> None:
    written = spec()
    assert (written.starts_at, written.moment(at("03-02T00:00"))) == ("2026-03-02T00:00:00Z", "running")
    assert CampaignSpec.model_validate(as_plain(written)) == written


@pytest.mark.parametrize(
    ("instant", "moment", "turns"),
    [
        ("03-01T23:59", "ahead", "03-02T00:00"),
        ("03-02T00:00", "running", "03-10T00:00"),
        ("03-10T00:00", "resting", "03-11T00:00"),
        ("03-11T00:00", "running", "04-01T00:00"),
        ("04-01T00:00", "over", None),
    ],
)
def test_where_an_instant_falls_and_what_comes_next(instant: str, moment: str, turns: str | None) -> None:
    assert spec().moment(at(instant)) == moment
    assert spec().turns_after(at(instant)) == (None if turns is None else at(turns))


@pytest.mark.parametrize(
    ("wrong", "path", "told"),
    [
        (TEXT.replace("2026-04-01T00:00:00Z", "2026-03-01T00:00:00Z"), "ends_at", "does not lie after starts_at"),
        (TEXT.replace("2026-04-01T00:00:00Z", "2026-04-01"), "ends_at", "with an offset"),
        (TEXT.replace("03-11T", "04-11T"), "", "has rests that overlap"),
        (TEXT.replace("03-11T", "03-09T"), "", "has rests that overlap"),
        (TEXT.replace("win-back", "welcome"), "", "names a strategy twice"),
        (TEXT.replace("[welcome, win-back]", "[]"), "strategies", "out of place"),
        (TEXT.replace("to:", "til:"), "rests.0.til", "no key that is known"),
        (TEXT + "budgets: [a]", "budgets", "Did you mean budget?"),
        ("[]", "", "is not a mapping"),
    ],
)
def test_every_fault_names_its_place(wrong: str, path: str, told: str) -> None:
    with pytest.raises(CampaignInvalid) as refused:
        read_campaign(wrong)
    faults = {fault.path: f"{fault.message}. {fault.remedy}" for fault in refused.value.errors}
    assert path in faults and told in faults[path], faults


def scheduled(needs_approval: bool = True) -> Campaign:
    campaign = Campaign.define(spec(), by("02-01T00:00"))
    campaign.submit(note="", by=by("02-02T00:00"))
    with pytest.raises(OwnStrategy):
        campaign.approve(seen=campaign.content_hash, note="", by=by("02-03T00:00"))
    campaign.approve(seen=campaign.content_hash, note="", by=by("02-03T00:00", "bob"))
    campaign.schedule(strategies=HASHES, needs_approval=needs_approval, may_skip=False, by=by("02-04T00:00"))
    return campaign


def test_the_whole_way_by_its_timers() -> None:
    campaign = scheduled()
    assert campaign.wants(at("03-01T00:00")) is None
    assert campaign.wants(at("03-02T00:00")) == "start"
    campaign.started(left_out=[], by=by("03-02T00:00"))
    assert campaign.wants(at("03-10T00:00")) == "rest"
    campaign.pause(reason="", by=by("03-10T00:00"), by_itself=True)
    assert (campaign.status, campaign.wants(at("03-10T12:00"))) == ("resting", None)
    assert campaign.wants(at("03-11T00:00")) == "start"
    campaign.started(left_out=[], by=by("03-11T00:00"))
    assert campaign.wants(at("04-01T00:00")) == "end"
    campaign.end(reason="", by=by("04-01T00:00"))
    assert campaign.wants(at("04-02T00:00")) is None
    campaign.retire(by=by("04-03T00:00"))
    kinds = [Defined, Submitted, Approved, Scheduled, Started, Paused, Started, Ended, Retired]
    assert [type(event) for event in campaign.collect_events()] == kinds


def test_a_pause_by_hand_is_not_ended_by_time_but_by_its_end() -> None:
    campaign = scheduled()
    campaign.started(left_out=[], by=by("03-02T00:00"))
    campaign.pause(reason="stock", by=by("03-05T00:00"))
    assert [campaign.wants(at(when)) for when in ("03-06T00:00", "03-10T00:00", "04-01T00:00")] == [None, None, "end"]
    assert campaign.resume(by=by("03-06T00:00"))
    assert not campaign.resume(by=by("03-10T12:00")), "it rests now: its timer lets it go on"


ENDED: list[Callable[[Campaign], Any]] = [
    lambda it: it.resume(by=by("03-09T00:00")),
    lambda it: it.pause(reason="", by=by("03-09T00:00")),
    lambda it: it.revise(spec(budget=None), by("03-09T00:00")),
    lambda it: it.submit(note="", by=by("03-09T00:00")),
    lambda it: it.schedule(strategies={}, needs_approval=False, may_skip=True, by=by("03-09T00:00")),
]


@pytest.mark.parametrize("command", ENDED)
def test_an_ended_campaign_does_not_come_back(command: Callable[[Campaign], Any]) -> None:
    campaign = scheduled()
    campaign.end(reason="", by=by("03-08T00:00"))
    with pytest.raises(StrategyOver):
        command(campaign)


def test_out_of_its_turn() -> None:
    campaign = Campaign.define(spec(), by("02-01T00:00"))
    with pytest.raises(StrategyNotApproved):
        campaign.schedule(strategies=HASHES, needs_approval=True, may_skip=False, by=by("02-04T00:00"))
    with pytest.raises(WindowInPast):
        campaign.schedule(strategies=HASHES, needs_approval=False, may_skip=False, by=by("04-04T00:00"))
    for command in (
        lambda: campaign.end(reason="", by=by("02-04T00:00")),
        lambda: campaign.pause(reason="", by=by("02-04T00:00")),
        lambda: campaign.resume(by=by("02-04T00:00")),
    ):
        with pytest.raises(StrategyStanding):
            command()
    running = scheduled()
    with pytest.raises(StrategyStanding):
        running.revise(spec(budget=None), by("02-05T00:00"))


def test_conflicts_of_budget_and_group_on_the_same_days() -> None:
    strategies = {
        "welcome": strategy(group="g"),
        "win-back": strategy(strategy="win-back"),
        "other": strategy(strategy="other", group="g"),
    }
    later = {"starts_at": "2026-03-20T00:00:00Z", "ends_at": "2026-05-01T00:00:00Z", "rests": []}
    other = spec(campaign="summer", strategies=["other"], **later)
    days = (at("03-20T00:00"), at("04-01T00:00"))
    assert conflicts_of(spec(), [other], strategies) == [
        Conflict("summer", "budget", "spring-money", *days),
        Conflict("summer", "group", "g", *days),
    ]
    later = spec(campaign="later", starts_at="2026-04-01T00:00:00Z", ends_at="2026-05-01T00:00:00Z", rests=[])
    assert conflicts_of(spec(), [later], strategies) == []


@pytest.mark.parametrize(
    ("changes", "condition"),
    [
        ({}, "(tier.value = 'high')"),
        ({"where": "spend > money(1.00)"}, "(spend > money(1.00)) and (tier.value = 'high')"),
        ({"trigger": {"left": "value.high"}}, "(tier.value <> 'high')"),
        ({"trigger": {"tagged": "vip"}}, "(tag('vip'))"),
        ({"trigger": {"joins": "recency > 3"}}, "(recency > 3)"),
        ({"trigger": {"entered": "value"}}, None),
        ({"trigger": {"by": "hand"}}, None),
    ],
)
def test_whom_a_strategy_reaches_for_as_a_condition(changes: dict[str, Any], condition: str | None) -> None:
    assert audience_condition(strategy(**changes)) == condition
