"""The effect of a model on a real ledger: asked for, measured in one snapshot, refused where it makes no sense."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from application.effects.measure_model_effect import (
    MODEL_EFFECT,
    Measure,
    MeasureInvalid,
    MeasureModelEffect,
    ModelEffectJob,
    NoModelEffect,
    shown,
)
from application.facts.open_history import OpenHistory, OpenHistoryHandler
from application.queries import InstantAhead, UnknownScheme
from application.runs.perform_runs import PerformRuns
from application.runs.ports import UnknownRun
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.facts.instants import SECOND, format_instant, parse_instant
from domain.tier_model.migration import Migration
from domain.tier_model.refusals import CutsNotFitted, VersionUnknown
from infrastructure.effects.populations import PostgresPopulations
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.runs.store import PostgresRuns
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {"spend": {"sum": "order.amount", "within": "365 days"}},
    "scores": {"m": {"of": "spend", "cuts": [250, 450]}},
    "rules": {"mid": "m >= 2", "high": "m >= 3"},
}
STRICTER = MODEL | {"scores": {"m": {"of": "spend", "cuts": [450, 900]}}}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    """Users u-0 to u-9 who spend 100 times their number on the first day and ten days later; version 2 after 14."""
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START - DAY)
        system.activate(MODEL)
        for day, name in ((0, "a"), (10, "b")):
            system.clock.set(START + day * DAY)
            for user in range(10):
                system.facts([order(name, f"u-{user}", START + day * DAY, 100 * user)])
            system.settle()
        system.clock.set(START + 14 * DAY)
        system.activate(STRICTER)
        system.settle()
        system.clock.set(START + 20 * DAY)
        yield system


def measured(system: LedgerSystem, **changes: Any) -> dict[str, Any]:
    runs = PostgresRuns(system.pool, system.keyring)
    asked = MeasureModelEffect(system.models, runs, PostgresFactKinds(system.pool))
    wanted = {"weeks": 2, "periods": 1, "horizon_days": 15, **changes}
    run_id = asked("value", Measure(**wanted), "key:analyst")
    job = ModelEffectJob(system.models, PostgresPopulations(system.pool, system.keyring))
    assert PerformRuns(runs, {MODEL_EFFECT: job})()
    found = shown(asked.get(run_id))
    assert asked.latest("value").run_id == run_id
    return found


def test_what_both_versions_did(system: LedgerSystem) -> None:
    found = measured(system)
    assert (found["state"], found["errors"], found["subjects"], found["subjects_done"]) == ("done", [], 10, 10)
    assert found["requested_by"] == "key:analyst" and found["position"] > 0
    assert found["data"] == {
        "users": 10,
        "facts": 20,
        "first_fact": format_instant(START),
        "last_fact": found["data"]["last_fact"],
        "currency": "USD",
        "value": {"sum": "order.amount", "minus": "refund.amount"},
    }
    first, last = found["weeks"]
    assert (first["version"], first["tiers"]) == (1, {"low": 2, "mid": 1, "high": 7})
    assert (last["version"], last["tiers"]) == (2, {"low": 3, "mid": 2, "high": 5})
    assert (first["moved"], first["up"], last["moved"], last["down"]) == (3, 3, 3, 3)
    assert last["from"] == first["to"] and last["to"] == found["at"]
    assert list(last["tiers"]) == found["tiers"] == ["low", "mid", "high"]
    (period,) = found["periods"]
    assert (period["users"], period["spend"]) == (10, 4_500)
    assert period["plain_spend"] == {"spearman": 1.0, "gini": 1.0}
    assert period["standing"]["spearman"] == period["versions"]["1"]["qualified"]["spearman"]
    assert [row["users"] for row in period["tiers"]] == [3, 2, 5]
    assert [row["users"] for row in period["versions"]["2"]["tiers"]] == [5, 5, 0]
    assert [(one["version"], one["weeks"]) for one in found["versions"]] == [(1, 1), (2, 1)]


def test_the_past_is_measured_by_what_was_visible_then(system: LedgerSystem) -> None:
    found = measured(system, at=START + 9 * DAY, weeks=1, horizon_days=8)
    (week,) = found["weeks"]
    assert (week["version"], week["tiers"], week["moved"]) == (1, {"low": 3, "mid": 2, "high": 5}, 0)
    assert found["data"]["facts"] == 10 and found["periods"][0]["spend"] == 0
    assert found["periods"][0]["plain_spend"] == {"spearman": None, "gini": None}


def test_a_version_beside_those_in_force(system: LedgerSystem) -> None:
    text = json.dumps(MODEL | {"scores": {"m": {"of": "spend", "cuts": [650, 750]}}})
    view, _ = CreateTierModel(system.models)(text, "key:author")
    found = measured(system, version=view.version)
    assert set(found["periods"][0]["versions"]) == {"1", "2", "3"}
    assert [row["users"] for row in found["periods"][0]["versions"]["3"]["tiers"]] == [7, 1, 2]
    assert found["versions"][-1]["in_force_since"] == [] and found["versions"][-1]["weeks"] == 0


def test_who_is_not_decided_yet_is_not_counted(system: LedgerSystem) -> None:
    history_id = OpenHistoryHandler(system.sessions)(OpenHistory("test")).history_id
    system.facts([order("h", "u-new", START, 100)], history_id)
    assert measured(system)["data"]["users"] == 10


def test_another_worth(system: LedgerSystem) -> None:
    found = measured(system, value={"sum": "order.points"})
    assert found["periods"][0]["spend"] == 0 and found["data"]["value"] == {"sum": "order.points"}


@pytest.mark.parametrize(
    ("changes", "refusal", "field"),
    [
        ({"weeks": 0}, MeasureInvalid, "weeks"),
        ({"periods": 99}, MeasureInvalid, "periods"),
        ({"horizon_days": 10_000}, MeasureInvalid, "horizon_days"),
        ({"at": START + 1_000 * DAY}, InstantAhead, "at"),
        ({"version": 77}, VersionUnknown, "version"),
        ({"value": {"sum": "orders"}}, MeasureInvalid, "value.sum"),
        ({"value": {"sum": "order.amount", "colour": "red"}}, MeasureInvalid, "value.colour"),
        ({"value": {}}, MeasureInvalid, "value.sum"),
        ({"value": {"sum": "oder.amount"}}, MeasureInvalid, "value.sum"),
        ({"value": {"sum": "order.amount", "minus": "refnd.amount"}}, MeasureInvalid, "value.minus"),
    ],
)
def test_what_is_refused(system: LedgerSystem, changes: dict, refusal: type, field: str) -> None:
    with pytest.raises(refusal) as refused:
        measured(system, **changes)
    assert refused.value.complaints[0].field == field


def test_what_there_is_not(system: LedgerSystem) -> None:
    runs = PostgresRuns(system.pool, system.keyring)
    asked = MeasureModelEffect(system.models, runs, PostgresFactKinds(system.pool))
    for call in (lambda: asked("nope", Measure(), "x"), lambda: asked.latest("nope")):
        with pytest.raises(UnknownScheme):
            call()
    with pytest.raises(NoModelEffect):
        asked.latest("value")
    with pytest.raises(UnknownRun):
        asked.get("none")
    text = json.dumps(MODEL | {"scheme": "fresh", "scores": {"m": {"of": "spend", "bins": 3, "cuts": "fitted"}}})
    view, _ = CreateTierModel(system.models)(text, "test")
    with pytest.raises(MeasureInvalid):
        asked("fresh", Measure(), "x")
    with pytest.raises(CutsNotFitted):
        asked("fresh", Measure(version=view.version), "x")


def test_the_mapping_of_an_activation_is_known(system: LedgerSystem) -> None:
    renamed = MODEL | {"tiers": ["low", "mid", "top"], "rules": {"mid": "m >= 2", "top": "m >= 3"}}
    view, _ = CreateTierModel(system.models)(json.dumps(renamed), "test")
    ActivateTierModel(system.models)("value", view.version, "test", migration=Migration(mapping={"high": "top"}))
    system.settle()
    system.clock.set(START + 22 * DAY)
    last = measured(system)["weeks"][-1]
    assert (last["version"], last["tiers"]) == (3, {"low": 2, "mid": 1, "top": 7})
    assert (last["up"], last["down"], last["moved"]) == (3, 0, 3), "two rose to top, one to mid; five are called top"
