"""Previews say what an activation then does, on a real ledger, and change nothing."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from application.previews.ports import Candidate, Snapshot
from application.previews.preview_tier_model import PREVIEW, PreviewJob, PreviewTierModel, shown
from application.runs.perform_runs import PerformRuns
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.facts.instants import SECOND, parse_instant
from domain.tier_model.migration import Migration, MigrationInvalid
from infrastructure.benefits.grants_wiring import build_grants, issued_benefits
from infrastructure.evaluation.snapshot import PostgresSnapshots
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from infrastructure.runs.store import PostgresRuns
from infrastructure.tier_models.dependents import PostgresDependents
from tests.support.benefits import COUPON, put_in_force
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {"orders": {"count": "order", "within": "365 days"}},
    "rules": {"mid": "orders >= 2", "high": "orders >= 4"},
}
STRICTER = MODEL | {"rules": {"mid": "orders >= 3", "high": "orders >= 6"}}
RENAMED = MODEL | {"tiers": ["low", "mid", "top"], "rules": {"mid": "orders >= 3", "top": "orders >= 6"}}
READER = {
    **MODEL,
    "scheme": "reader",
    "tiers": ["other", "friend"],
    "rules": {"friend": "tier.value in ('mid', 'high')"},
}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    """Users u-0 to u-7 with as many orders each, decided."""
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        system.activate(MODEL)
        system.activate(READER)
        for user in range(8):
            system.facts([order(f"o{number}", f"u-{user}", START) for number in range(max(user, 1))])
        system.settle()
        system.clock.set(START + DAY)
        yield system


def preview(system: LedgerSystem, model: dict[str, Any], migration: Migration | None = None) -> dict[str, Any]:
    view, _ = CreateTierModel(system.models)(json.dumps(model), "key:author")
    runs = PostgresRuns(system.pool, system.keyring)
    asked = PreviewTierModel(system.models, runs)
    _, run_id = asked(view.scheme, view.version, "key:author", migration=migration)
    dependents = PostgresDependents(system.pool)
    snapshots, issued = PostgresSnapshots(system.pool, system.keyring), issued_benefits(system.pool)
    job = PreviewJob(system.models, snapshots, issued, dependents)
    assert PerformRuns(runs, {PREVIEW: job})()
    found = shown(asked.get(run_id))
    latest = asked.latest(view)
    assert found["state"] == "done" and latest is not None and latest.run_id == run_id
    return found


def moved(system: LedgerSystem, scheme: str) -> Counter[tuple[str, str]]:
    """By the activation that came last."""
    return Counter(
        (event["from"], event["to"])
        for events in system.events().values()
        for event in events
        if event["scheme"] == scheme and event.get("cause") == "model-change" and event["from"] != event["to"]
    )


def counted(found: dict[str, Any], scheme: str) -> Counter[tuple[str, str]]:
    moves = found["schemes"].get(scheme, {"moves": []})["moves"]
    return Counter({(move["from"], move["to"]): move["count"] for move in moves})


@pytest.mark.parametrize(
    ("model", "migration"),
    [
        (STRICTER, Migration()),
        (STRICTER, Migration(percent=50)),
        (STRICTER, Migration("up-only")),
        (STRICTER | {"rules": {"mid": "orders >= 1", "high": "orders >= 3"}}, Migration()),
        (STRICTER | {"policy": {"downgrade": {"steps": 1}}}, Migration()),
        (STRICTER | {"policy": {"downgrade": {"grace": "30 days"}}}, Migration()),
        (RENAMED, Migration(mapping={"high": "top"})),
        (RENAMED, Migration(mapping={"high": "top"}, percent=50)),
        (
            MODEL | {"rules": {"mid": "orders >= 1", "high": "orders >= 5"}},
            Migration(mapping={"mid": "low"}, percent=50),
        ),
    ],
)
def test_it_foretells_what_the_activation_does(
    system: LedgerSystem, model: dict[str, Any], migration: Migration
) -> None:
    before = system.events()
    found = preview(system, model, migration)
    assert system.events() == before, "nothing is changed"
    assert (found["subjects"], found["subjects_done"]) == (8, 8)
    ActivateTierModel(system.models)("value", None, "key:boss", migration=migration)
    system.settle()
    stands = Counter(system.observed(f"u-{user}").schemes["value"][""].standing.tier for user in range(8))
    impact = found["schemes"]["value"]
    assert impact["after"] == dict(stands)
    assert (impact["up"] + impact["down"], sum(impact["before"].values())) == (impact["moved"], 8)
    assert impact["entered"] == 0
    if not migration.mapping:
        assert counted(found, "value") == moved(system, "value")
    assert counted(found, "reader") == moved(system, "reader"), "who reads the scheme is counted, too"
    deferred = sum(
        e["topic"] == "user-tier.downgrade-deferred.v1" for events in system.events().values() for e in events
    )
    assert impact["deferred"] == deferred


def test_the_first_version_of_a_scheme_tells_who_will_stand_where(system: LedgerSystem) -> None:
    found = preview(system, MODEL | {"scheme": "newcomer"})
    impact = found["schemes"]["newcomer"]
    assert (impact["before"], impact["moves"], impact["moved"], impact["entered"]) == ({}, [], 0, 8)
    ActivateTierModel(system.models)("newcomer", None, "key:boss")
    system.settle()
    stands = Counter(system.observed(f"u-{user}").schemes["newcomer"][""].standing.tier for user in range(8))
    assert impact["after"] == dict(stands) and len(stands) == 3


def test_a_sample_says_who_and_why(system: LedgerSystem) -> None:
    found = preview(system, STRICTER)
    (one,) = [one for one in found["sample"] if one["user_id"] == "u-2" and one["scheme"] == "value"]
    assert (one["from"], one["to"]) == ("mid", "low")
    assert (one["before"]["qualified"], one["before"]["features"]) == ("mid", {"orders": 2})
    assert one["receipt"]["missing"][0] == {"of": "orders", "is": 2, "needs": ">= 3", "missing": 1}
    assert found["schemes"]["value"]["why"][0]["count"] >= 2


def test_a_promise_is_counted(system: LedgerSystem) -> None:
    impact = preview(system, STRICTER, Migration("up-only"))["schemes"]["value"]
    assert (impact["moved"], impact["above"], impact["promised"]) == (0, 3, 3)


def test_renamed_is_not_moved(system: LedgerSystem) -> None:
    renamed = MODEL | {"tiers": ["low", "mid", "top"], "rules": {"mid": "orders >= 2", "top": "orders >= 4"}}
    impact = preview(system, renamed, Migration(mapping={"high": "top"}))["schemes"]["value"]
    assert (impact["moved"], impact["renamed"]) == (0, 4)


def _halving(system: LedgerSystem, users: list[str]) -> str:
    """A salt by which half of all reaches some of these and not others, whatever ids they were given."""
    with system.pool.connection() as connection:
        query = "select subject_id from user_ids where user_id = any(%s)"
        ids = [row[0] for row in connection.execute(query, (users,))]
    return next(
        salt
        for salt in (f"s{number}" for number in range(1_000))
        if 0 < sum(Migration(percent=50, salt=salt).reaches("value", one) for one in ids) < len(ids)
    )


def test_a_rollout_is_looked_at_before_it_is_raised(system: LedgerSystem) -> None:
    halfway = Migration(mapping={"high": "top"}, percent=50, salt=_halving(system, ["u-6", "u-7"]))
    found = preview(system, RENAMED, halfway)["schemes"]["value"]
    activate = ActivateTierModel(system.models)
    activate("value", None, "key:boss", migration=halfway)
    system.settle()
    stands = Counter(system.observed(f"u-{user}").schemes["value"][""].standing.tier for user in range(8))
    assert found["after"] == dict(stands) and {"top", "high"} <= stands.keys()
    assert found["tiers"] == ["low", "mid", "top", "high"], "some stay on the version before"
    raised = Migration(mapping={"high": "top"}, salt=halfway.salt)
    found = preview(system, RENAMED, raised)["schemes"]["value"]
    activate("value", 2, "key:boss", migration=raised)
    system.settle()
    stands = Counter(system.observed(f"u-{user}").schemes["value"][""].standing.tier for user in range(8))
    assert found["after"] == dict(stands)
    assert found["renamed"] + found["moved"] < 8, "whoever was on it already neither moves nor is renamed"


def test_a_changed_version_has_no_preview_and_a_wrong_mapping_is_refused(system: LedgerSystem) -> None:
    preview(system, STRICTER)
    asked = PreviewTierModel(system.models, PostgresRuns(system.pool, system.keyring))
    view, _ = CreateTierModel(system.models)(
        json.dumps(MODEL | {"rules": {"mid": "orders >= 9", "high": "orders >= 10"}}), "x"
    )
    assert asked.latest(view) is None
    with pytest.raises(MigrationInvalid):
        asked("value", view.version, "x", migration=Migration(mapping={"gold": "mid"}))


def test_facts_that_come_meanwhile_do_not_disturb_it(system: LedgerSystem) -> None:
    runs = PostgresRuns(system.pool, system.keyring)
    view, _ = CreateTierModel(system.models)(json.dumps(STRICTER), "key:author")
    PreviewTierModel(system.models, runs)("value", view.version, "key:author")
    snapshots = PostgresSnapshots(system.pool, system.keyring)

    class Meanwhile:
        """Takes the snapshot; then the world goes on."""

        @contextmanager
        def take(self, candidate: Candidate) -> Iterator[Snapshot]:
            with snapshots.take(candidate) as snapshot:
                system.facts([order(f"n{number}", "u-1", START + DAY) for number in range(9)])
                system.settle()
                yield snapshot

    assert PerformRuns(runs, {PREVIEW: PreviewJob(system.models, Meanwhile(), list, PostgresDependents(system.pool))})()
    run = runs.latest(PREVIEW, {})
    assert run is not None and run.results[0]["schemes"]["value"]["before"]["low"] == 2


def test_it_says_what_becomes_of_the_cost_of_benefits(system: LedgerSystem) -> None:
    assert preview(system, STRICTER)["benefit_cost"] == []
    put_in_force(system.dsn, COUPON | {"entitlement": {"value": ["mid", "high"]}})
    put_in_force(system.dsn, COUPON | {"benefit": "for-all"})
    grants = build_grants(
        system.pool,
        system.keyring,
        Ledger(system.pool, system.keyring),
        LogTail(system.pool, system.keyring),
        system.evaluate_user,
    )
    for name, benefit in (("monthly", "coupon-10"), ("everybody", "for-all")):
        wanted = {"benefit": benefit, "units": 2, "time_zone": "UTC", "monthly": 1}
        grants.issuances.define(name, wanted, "key:op")
    (cost,) = preview(system, STRICTER | {"labels": {"mid": {"en": "Middle"}}})["benefit_cost"]
    assert (cost["issuance"], cost["every"], cost["at_most"]) == ("monthly", "month", False)
    assert (cost["users_before"], cost["users_after"]) == (6, 5)
    assert (cost["cost_before"], cost["cost_after"]) == (12_000, 10_000)


def test_what_would_lose_its_meaning_is_named(system: LedgerSystem, database: str) -> None:
    put_in_force(database, {**COUPON, "entitlement": {"value": ["high"]}})
    assert preview(system, STRICTER)["breaks"] == []
    renamed = {**MODEL, "tiers": ["low", "mid", "top"], "rules": {"mid": "orders >= 2", "top": "orders >= 4"}}
    (one,) = preview(system, renamed, Migration(mapping={"high": "top"}))["breaks"]
    assert (one["kind"], one["name"], one["path"]) == ("benefit", "coupon-10", "entitlement.value")
