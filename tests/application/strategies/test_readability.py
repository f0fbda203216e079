"""A strategy that a model change has left without a meaning is visible, with why and since when."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from application.strategies.show_strategy import shown, shown_progress
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.tier_model.migration import Migration
from tests.support.messages import MINUTE, START
from tests.support.strategies import MODEL, StrategySystem

WITHOUT_RECENCY = {**MODEL, "features": {"spend": MODEL["features"]["spend"]}}  # type: ignore[index]
OTHER_TIERS: dict[str, Any] = {
    **MODEL,
    "tiers": ["low", "mid", "top"],
    "rules": {"top": "spend >= money(100.00)", "mid": "spend >= money(10.00)"},
}


@pytest.fixture
def system(database: str) -> Iterator[StrategySystem]:
    with StrategySystem(database) as system:
        system.clock.set(START)
        system.activate(MODEL)
        yield system


def fault_of(system: StrategySystem) -> dict[str, Any] | None:
    """As it is answered of the strategy, the same with its progress."""
    view = system.strategies.definitions.view("welcome")
    fault = shown(view)["fault"]
    assert shown_progress(view, system.strategies.queries.progress("welcome"))["fault"] == fault
    return fault


def test_a_condition_that_a_model_leaves_without_a_name(system: StrategySystem) -> None:
    system.start(where="recency < 10")
    system.start(strategy="other")
    assert fault_of(system) is None
    system.clock.set(START + MINUTE)
    system.activate(WITHOUT_RECENCY)
    system.clock.set(START + 9 * MINUTE)
    system.activate({**WITHOUT_RECENCY, "dimension": "behaviour"})
    fault = fault_of(system)
    assert fault is not None
    assert (fault["path"], "recency" in fault["error"]) == ("where", True)
    assert fault["since"].startswith("2026-03-01T09:01:00"), "since the first of them"
    found = system.strategies.look_after()
    assert (found.summary, len(found.faults)) == ("2 run", 1)
    system.activate(MODEL)
    assert (fault_of(system), list(system.strategies.look_after().faults)) == (None, [])


def test_a_tier_that_is_there_no_more(system: StrategySystem) -> None:
    system.start()
    system.clock.set(START + MINUTE)
    view, _ = CreateTierModel(system.models)(json.dumps(OTHER_TIERS), "test")
    renamed = Migration(mapping={"high": "top"})
    ActivateTierModel(system.models)("value", view.version, "test", migration=renamed)
    fault = fault_of(system)
    assert fault is not None
    assert (fault["path"], fault["error"]) == ("trigger", "value.high names no tier of a scheme in force")


def test_what_is_over_has_no_fault(system: StrategySystem) -> None:
    system.start(trigger={"joins": "recency < 10"})
    system.activate(WITHOUT_RECENCY)
    assert (fault_of(system) or {})["path"] == "trigger.joins"
    system.strategies.change.end("welcome", "test")
    assert fault_of(system) is None


def test_messages_that_wait_for_nobody_are_a_fault(system: StrategySystem) -> None:
    system.start()
    assert list(system.strategies.look_after().faults) == []
    system.spends("ann", 20_000, START)
    system.react()
    assert list(system.strategies.look_after().faults) == ["messages wait, and nobody is named to take them over"]
