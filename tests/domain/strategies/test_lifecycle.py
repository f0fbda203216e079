"""A strategy's way from draft to its end: who may, and what stays as it was once it has started."""

from collections.abc import Callable
from typing import Any

import pytest

from domain.refusal import Refusal
from domain.strategies.aggregate import Strategy
from domain.strategies.events import Approved, Defined, Ended, Paused, Rejected, Retired, Revised, Started, Submitted
from domain.strategies.lint import circle_of, require_no_circle
from domain.strategies.refusals import (
    DesignFixed,
    OwnStrategy,
    StaleStrategy,
    StrategiesInCircle,
    StrategyNotApproved,
    StrategyNotSubmitted,
    StrategyOver,
    StrategyStanding,
)
from domain.strategies.spec import StrategySpec
from domain.tier_model.version import By
from tests.domain.strategies.worded import strategy

GRANTING: dict[str, Any] = {"do": [{"grant": "ten-off"}]}


def by(at: int, actor: str = "ann") -> By:
    return By(at=at, actor=actor, command_id=f"c-{at}")


def defined(**changes: Any) -> Strategy:
    one = Strategy.define(strategy(**changes), by(10))
    one.collect_events()
    return one


def told(one: Strategy) -> list[type]:
    return [type(event) for event in one.collect_events()]


def approved(one: Strategy) -> Strategy:
    one.submit(note="", by=by(20))
    one.approve(seen=one.content_hash, note="", by=by(30, "bob"))
    one.collect_events()
    return one


def start(one: Strategy, at: int = 40, **changes: Any) -> None:
    one.start(by=by(at), **{"global_holdout": 5.0, "may_skip": False, **changes})


def test_the_whole_way() -> None:
    one = Strategy.define(strategy(**GRANTING), by(10))
    one.submit(note="spring", by=by(20))
    one.approve(seen=one.content_hash, note="fine", by=by(30, "bob"))
    start(one)
    one.pause(reason="stock", by=by(50))
    start(one, 60, global_holdout=9.0)
    one.end(reason="done", by=by(70))
    one.retire(by=by(80))
    events = one.collect_events()
    kinds = [Defined, Submitted, Approved, Started, Paused, Started, Ended, Retired]
    assert [type(event) for event in events] == kinds
    first, again = (event for event in events if isinstance(event, Started))
    assert (first.approved_by, first.strategy_version) == ("bob", 1)
    assert (first.global_holdout, again.global_holdout) == (5.0, 5.0)
    assert (one.status, one.started_at) == ("retired", 40)


def test_twice_is_once() -> None:
    one = approved(defined(**GRANTING))
    one.submit(note="", by=by(35))
    one.approve(seen=one.content_hash, note="", by=by(36, "bob"))
    start(one)
    start(one)
    one.pause(reason="", by=by(50))
    one.pause(reason="", by=by(51))
    one.end(reason="", by=by(52))
    one.end(reason="", by=by(53))
    one.retire(by=by(54))
    one.retire(by=by(55))
    assert told(one) == [Started, Paused, Ended, Retired]


def test_a_message_needs_no_approval_and_a_benefit_does() -> None:
    start(one := defined())
    assert told(one) == [Started]
    with pytest.raises(StrategyNotApproved):
        start(defined(**GRANTING))
    start(one := defined(**GRANTING), may_skip=True)
    assert one.collect_events()[0].approved_by is None  # type: ignore[attr-defined]


def test_who_made_it_does_not_approve_it() -> None:
    one = defined(**GRANTING)
    with pytest.raises(StrategyNotSubmitted):
        one.approve(seen=one.content_hash, note="", by=by(20, "bob"))
    one.submit(note="", by=by(20, "cleo"))
    for maker in ("ann", "cleo"):
        with pytest.raises(OwnStrategy):
            one.approve(seen=one.content_hash, note="", by=by(30, maker))
    with pytest.raises(StaleStrategy):
        one.approve(seen="another", note="", by=by(30, "bob"))
    one.reject(reason="no", by=by(31, "bob"))
    with pytest.raises(StrategyNotSubmitted):
        one.reject(reason="no", by=by(32, "bob"))
    assert told(one) == [Submitted, Rejected]


def test_a_change_takes_the_approval_away() -> None:
    one = approved(defined(**GRANTING))
    one.revise(strategy(**GRANTING, priority=3), by(35))
    one.revise(strategy(**GRANTING, priority=3), by(36))
    assert told(one) == [Revised]
    with pytest.raises(StrategyNotApproved):
        start(one)


EXPERIMENT: dict[str, Any] = {
    "do": [],
    "arms": {"a": {"weight": 50, "do": [{"tag": "x"}]}, "b": {"weight": 50}},
    "holdout": 10,
    "goal": {"sum": "order.amount", "within": "30 days"},
}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"holdout": 20}, "holdout"),
        ({"holdout": 0}, "holdout"),
        ({"salt": "another"}, "salt"),
        ({"goal": {"count": "order", "within": "30 days"}}, "goal"),
        ({"arms": {"a": {"weight": 60}, "b": {"weight": 40}}}, "weights"),
    ],
)
def test_the_design_is_fixed_from_the_start_on(changes: dict[str, Any], field: str) -> None:
    one = defined(**EXPERIMENT)
    one.revise(strategy(**{**EXPERIMENT, **changes}), by(15))
    one.revise(strategy(**EXPERIMENT), by(16))
    start(one)
    one.pause(reason="", by=by(50))
    with pytest.raises(DesignFixed) as refused:
        one.revise(strategy(**{**EXPERIMENT, **changes}), by(60))
    assert refused.value.complaints[0].field == field
    arms = {"a": {"weight": 50, "do": [{"tag": "y"}]}, "b": {"weight": 50}}
    one.revise(strategy(**{**EXPERIMENT, "arms": arms}), by(61))
    start(one, 70)
    assert told(one) == [Revised, Revised, Started, Paused, Revised, Started]


ENDED: list[tuple[str, Callable[[Strategy], Any]]] = [
    ("start", lambda one: start(one, 90)),
    ("pause", lambda one: one.pause(reason="", by=by(90))),
    ("revise", lambda one: one.revise(strategy(priority=9), by(90))),
    ("submit", lambda one: one.submit(note="", by=by(90))),
]


@pytest.mark.parametrize(("name", "command"), ENDED)
def test_what_has_ended_does_not_come_back(name: str, command: Callable[[Strategy], Any]) -> None:
    start(one := defined())
    one.end(reason="", by=by(50))
    for _ in range(2):
        with pytest.raises(StrategyOver):
            command(one)
        one.retire(by=by(60))
    assert told(one) == [Started, Ended, Retired]


def test_out_of_its_turn() -> None:
    commands: list[Callable[[Strategy], Any]] = [
        lambda one: one.pause(reason="", by=by(20)),
        lambda one: one.end(reason="", by=by(20)),
    ]
    for command in commands:
        with pytest.raises(StrategyStanding):
            command(defined())
    start(one := defined())
    for command in (
        lambda one: one.retire(by=by(50)),
        lambda one: one.submit(note="", by=by(50)),
        lambda one: one.revise(strategy(priority=2), by(50)),
    ):
        with pytest.raises(Refusal):
            command(one)
    assert told(one) == [Started]


# ------------------------------------------------------------------------------------------------------------- circles


def named(name: str, do: list[dict[str, Any]], **changes: Any) -> StrategySpec:
    return strategy(strategy=name, do=do, **changes)


def test_circles_by_starts_and_by_tags_are_found() -> None:
    a = named("a", [{"start": "b"}])
    b = named("b", [{"tag": "x"}])
    c = named("c", [{"start": "a"}], trigger={"tagged": "x"})
    assert circle_of({"a": a, "b": b}) is None
    assert circle_of({"a": a, "b": b, "c": c}) == ["a", "b", "c"]
    with pytest.raises(StrategiesInCircle) as refused:
        require_no_circle(c, {"a": a, "b": b})
    assert "a → b → c → a" in str(refused.value)
    assert circle_of({"d": named("d", [{"start": "d"}])}) == ["d"]


def test_two_ways_to_one_are_no_circle() -> None:
    specs = {"a": [{"start": "b"}, {"start": "c"}], "b": [{"start": "d"}], "c": [{"start": "d"}], "d": [{"tag": "t"}]}
    assert circle_of({name: named(name, do) for name, do in specs.items()}) is None
