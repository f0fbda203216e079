"""Whom a strategy takes in, how, and whom not and why."""

from typing import Any
from uuid import UUID

import pytest

from domain.strategies.admission import Assigned, Live, Running, Skipped, admit, assign_by_hand, baseline_of
from domain.strategies.cause import Cause, Happened, cause_of
from domain.strategies.consent import suppressed_action
from domain.strategies.spec import StrategySpec
from domain.tier_model.column import Type
from domain.tier_model.expression import compile_segment
from tests.domain.strategies.worded import CALENDARS, DAY, NOW, entered, observation, person, strategy

TYPES = {"tier.value": Type.text, "spend": Type.money, "recency": Type.integer}
GOAL = {"sum": "order.amount", "within": "30 days"}


def running(spec: StrategySpec | None = None, global_holdout: float = 0.0, **changes: Any) -> Running:
    spec = spec or strategy(**changes)
    where = None if spec.where is None else compile_segment(spec.where, TYPES, currency="CNY")
    joins = getattr(spec.trigger, "joins", None)
    joined = None if joins is None else compile_segment(joins, TYPES, currency="CNY")
    return Running(spec, 1, where, joined, global_holdout)


def admitted(now: int = NOW, cause: Cause | None = None, told: dict[str, Any] | None = None, **changes: Any) -> Any:
    before = {name: (told or {}).pop(name) for name in ("live", "assigned_at") if name in (told or {})}
    one = person(**(told or {}))
    for name, value in before.items():
        object.__setattr__(one, name, value)
    return admit(running(**changes), one, cause or entered(), CALENDARS, now)


def test_taken_in_with_an_arm_and_what_follows() -> None:
    taken = admitted()
    assert isinstance(taken, Assigned)
    assert (taken.arm, taken.holdout, taken.due_at, taken.ends_at) == ("treated", "", NOW, NOW + 30 * DAY)
    assert admitted() == taken, "the same cause leads to the same assignment"
    assert admitted(cause=entered(event_id="e-2")).assignment_id != taken.assignment_id


def test_held_out_has_nothing_due() -> None:
    taken = admitted(holdout=100, goal=GOAL)
    assert (taken.arm, taken.holdout, taken.due_at) == (None, "strategy", None)
    taken = admitted(global_holdout=100)
    assert (taken.arm, taken.holdout) == (None, "global")


@pytest.mark.parametrize(
    ("told", "changes", "reason", "detail"),
    [
        ({"tier": "low"}, {}, "trigger-over", ""),
        ({"live": [Live("welcome", None)]}, {}, "already-assigned", ""),
        ({"personalisation_opt_out": True}, {}, "opted-out", ""),
        ({"personalisation_opt_out": "true"}, {}, "opted-out", ""),
        ({"minor": True}, {}, "minor", ""),
        ({"risk_listed": True}, {}, "risk-listed", ""),
        ({"unsubscribed_sms": True}, {}, "unsubscribed", ""),
        ({"unsubscribed": True}, {}, "unsubscribed", ""),
        ({"live": [Live("other", "g")]}, {"group": "g"}, "excluded", "other"),
        (
            {"assigned_at": [NOW - DAY]},
            {"when": {"at_most": {"times": 1, "within": "2 days"}}},
            "too-often",
            "",
        ),
    ],
)
def test_left_out_and_why(told: dict[str, Any], changes: dict[str, Any], reason: str, detail: str) -> None:
    assert admitted(told=dict(told), **changes) == Skipped(reason, detail)  # type: ignore[arg-type]
    held_out = {**changes, "holdout": 100, "goal": GOAL}
    assert admitted(told=dict(told), **held_out) == Skipped(reason, detail), "also where they would be held out"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "changes"),
    [
        ({"personalisation_opt_out": False}, {}),
        ({"unsubscribed_push": True}, {}),
        ({"unsubscribed_sms": True}, {"do": [{"notify": "sms", "template": "a"}, {"tag": "b"}]}),
        ({"live": [Live("other", "h"), Live("third", None)]}, {"group": "g"}),
        ({"assigned_at": [NOW - 3 * DAY]}, {"when": {"at_most": {"times": 1, "within": "2 days"}}}),
        ({"assigned_at": [NOW - DAY]}, {"when": {"at_most": {"times": 2, "within": "2 days"}}}),
    ],
)
def test_not_left_out(told: dict[str, Any], changes: dict[str, Any]) -> None:
    assert isinstance(admitted(told=told, **changes), Assigned)


def test_only_while_it_is_younger_than_its_age() -> None:
    assert isinstance(admitted(now=NOW + DAY), Assigned)
    assert admitted(now=NOW + DAY + 1) == Skipped("too-old")
    assert admitted(now=NOW + 2 * DAY, max_age="1 hour") == Skipped("too-old")


def test_who_is_not_addressed_is_no_matter_of_record() -> None:
    assert admitted(where="spend > money(200.00)") is None
    assert isinstance(admitted(where="spend >= money(200.00) and tier.value = 'high'"), Assigned)


def test_days_since_are_counted_up_to_now() -> None:
    """The observation says 0 days, as of a decision long ago."""
    assert admitted(where="recency >= 1") is None
    assert isinstance(admitted(now=NOW + DAY, where="recency = 1"), Assigned)


def test_by_hand_the_conditions_are_not_asked_and_the_consent_is() -> None:
    hand = Cause("hand", "c-1", NOW)
    spec = strategy(where="spend > money(900.00)", trigger={"by": "hand"})
    assert isinstance(assign_by_hand(running(spec), person(), hand, None, NOW), Assigned)
    assert assign_by_hand(running(spec), person(minor=True), hand, None, NOW) == Skipped("minor")
    two = strategy(do=[], arms={"a": {"weight": 99}, "b": {"weight": 1}}, goal=GOAL)
    chosen = assign_by_hand(running(two, 100), person(), hand, "b", NOW)
    assert isinstance(chosen, Assigned) and (chosen.arm, chosen.holdout) == ("b", "")


def test_the_baseline_is_where_they_stood() -> None:
    assert baseline_of(observation()) == {
        "tiers": {"value": "high"},
        "features": {"value": {"spend": 20_000, "recency": 0}},
    }


def test_unsubscribed_from_one_channel_the_other_actions_are_done() -> None:
    both = strategy(do=[{"notify": "sms", "template": "a"}, {"tag": "b"}])
    assert [suppressed_action(one, {"unsubscribed_sms": True}) for one in both.do] == ["unsubscribed", None]
    assert [suppressed_action(one, {"minor": True}) for one in both.do] == ["minor", "minor"]


# -------------------------------------------------------------------------------------------------------------- causes


def event(topic: str = "tier-changed", from_tier: str | None = "mid", to: str | None = "high", **data: Any) -> Happened:
    told = {"cause": "evaluation", **data}
    return Happened(UUID(int=1), NOW, "e-1", f"user-tier.{topic}.v1", "value", "", from_tier, to, NOW, told)


@pytest.mark.parametrize(
    ("trigger", "happened", "tier"),
    [
        ({"entered": "value.high"}, event(), "high"),
        ({"entered": "value"}, event(), "high"),
        ({"left": "value.mid"}, event(), "mid"),
        ({"left": "value"}, event(), "mid"),
        ({"held": "value.high", "for": "30 days"}, event(), "high"),
        ({"at_risk": "value.mid"}, event("tier-at-risk", to="mid"), "mid"),
    ],
)
def test_an_event_sets_off_whoever_waits_for_it(trigger: dict[str, Any], happened: Happened, tier: str) -> None:
    cause = cause_of(strategy(trigger=trigger).trigger, False, happened)
    assert cause is not None
    assert (cause.kind, cause.tier, cause.at, cause.event_id) == (next(iter(trigger)), tier, NOW, "e-1")


@pytest.mark.parametrize(
    ("trigger", "happened"),
    [
        ({"entered": "value.low"}, event()),
        ({"entered": "club.high"}, event()),
        ({"left": "value.mid"}, event(from_tier=None)),
        ({"left": "value"}, event(from_tier=None)),
        ({"entered": "value.high"}, event("tier-requalified")),
        ({"entered": "value.high"}, event(cause="history")),
        ({"entered": "value.high"}, event(cause="opening")),
        ({"entered": "value.high"}, event(cause="model-change")),
        ({"entered": "value.high"}, event(keeps_since=True)),
        ({"joins": "spend > money(1.00)"}, event()),
        ({"by": "hand"}, event()),
        ({"tagged": "vip"}, event("tag-added", tag="pilot")),
    ],
)
def test_other_events_set_nothing_off(trigger: dict[str, Any], happened: Happened) -> None:
    assert cause_of(strategy(trigger=trigger).trigger, False, happened) is None


def test_a_model_change_counts_when_it_is_asked_for_and_history_never() -> None:
    spec = strategy(on_model_change=True)
    assert cause_of(spec.trigger, spec.on_model_change, event(cause="model-change")) is not None
    assert cause_of(spec.trigger, spec.on_model_change, event(cause="history")) is None


def test_a_tag() -> None:
    spec = strategy(trigger={"tagged": "vip"})
    cause = cause_of(spec.trigger, False, event("tag-added", tag="vip"))
    assert cause is not None
    assert admitted(cause=cause, trigger={"tagged": "vip"}) == Skipped("trigger-over")
    assert isinstance(admitted(cause=cause, told={"tags": ("vip",)}, trigger={"tagged": "vip"}), Assigned)


def test_held_counts_as_long_as_the_tier_was_not_left() -> None:
    held = {"held": "value.high", "for": "30 days"}
    cause = Cause("held", "e-1", NOW, "value", "", "high")
    assert isinstance(admitted(now=NOW + 30 * DAY, cause=cause, trigger=held), Assigned)
    assert admitted(now=NOW + 30 * DAY, cause=cause, told={"since": NOW + DAY}, trigger=held) == Skipped("trigger-over")
