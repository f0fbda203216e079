"""Shadow runs on a real ledger: the candidate's own timeline, beside the live one and without any effect on it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from application.facts.open_history import OpenHistory, OpenHistoryHandler
from application.facts.seal_history import SealHistory, SealHistoryHandler
from application.shadow.ports import NoShadow
from application.shadow.start_shadow import StartShadow
from application.shadow.stop_shadow import StopShadow
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.facts.instants import SECOND, parse_instant
from domain.tier_model.migration import Migration, MigrationInvalid
from domain.tier_model.refusals import ShadowNeedsLive
from domain.user_tier.decide import decide
from infrastructure.evaluation import shadow as following
from infrastructure.queries.shadows import PostgresShadowQueries
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {"orders": {"count": "order", "within": "30 days"}},
    "rules": {"mid": "orders >= 2", "high": "orders >= 4"},
    "policy": {"downgrade": {"grace": "10 days"}},
}
STRICTER = MODEL | {"rules": {"mid": "orders >= 3", "high": "orders >= 6"}}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    """ann has four orders and bob one, decided; a stricter version 2."""
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        system.activate(MODEL)
        system.facts([order(f"o{number}", "ann", START) for number in range(4)])
        system.facts([order("o0", "bob", START)])
        system.settle()
        CreateTierModel(system.models)(json.dumps(STRICTER), "key:author")
        system.clock.set(START + DAY)
        yield system


@pytest.fixture
def shadows(system: LedgerSystem) -> PostgresShadowQueries:
    return PostgresShadowQueries(system.pool, system.keyring)


def start(system: LedgerSystem, migration: Migration | None = None, version: int = 2) -> None:
    StartShadow(system.models)("value", version, "key:author", migration=migration)


def come_by(system: LedgerSystem, *users: str, day: int = 1) -> None:
    """Each with a visit, which changes nothing but that they are decided."""
    system.clock.set(START + day * DAY + 1000)
    for user in users:
        visit = order(f"v{day}", user, START + day * DAY) | {"kind": "visit"}
        system.facts([{name: value for name, value in visit.items() if name not in ("amount", "currency")}])
    system.settle()


def test_nothing_of_it_has_an_effect(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    start(system)
    come_by(system, "ann", "bob")
    assert [event["to"] for event in system.events()["ann"][1:]] == ["high"]
    assert system.observed("ann").schemes["value"][""].version == 1
    status = shadows.status("value")
    assert status is not None
    assert (status.version, status.running, status.standings, status.apart) == (2, True, 2, 0)
    system.assert_proven()


def test_the_candidate_keeps_a_timeline_of_its_own(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    start(system)
    come_by(system, "ann", day=1)
    come_by(system, "ann", day=5)
    status = shadows.status("value")
    assert status is not None and status.apart == 0, "grace holds ann by both"
    come_by(system, "ann", day=12)
    (one,) = shadows.differences("value", None, None, 10, None).differences
    assert (one.user_id, one.live_tier, one.shadow_tier) == ("ann", "high", "mid")
    assert one.apart_since == START + 11 * DAY, "the grace that began with the candidate ended there, at midnight"
    assert one.shadow is not None and one.shadow["version"] == 2 and one.shadow["clause"]
    assert (one.live, one.features) == (None, {"orders": 4})
    status = shadows.status("value")
    assert status is not None
    assert (status.live_moves, status.shadow_moves, status.tiers) == (0, 1, {("high", "mid"): 1})
    system.assert_proven()


def test_both_receipts_are_there_when_both_moved(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    start(system)
    system.clock.set(START + 2 * DAY)
    system.facts([order(f"n{number}", "bob", START + DAY) for number in range(3)])
    system.settle()
    (one,) = shadows.differences("value", "high", "mid", 10, None).differences
    assert one.live is not None and one.shadow is not None
    assert (one.user_id, one.live["version"], one.shadow["version"]) == ("bob", 1, 2)
    assert shadows.differences("value", "mid", None, 10, None).differences == []


def test_a_migration_holds_as_it_would(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    start(system, Migration("up-only"))
    come_by(system, "ann", day=1)
    come_by(system, "ann", day=20)
    status = shadows.status("value")
    assert status is not None and status.apart == 0


def test_a_rename_is_no_difference_and_moves_nobody(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    renamed = {"tiers": ["low", "mid", "top"], "rules": {"mid": "orders >= 1", "top": "orders >= 4"}}
    CreateTierModel(system.models)(json.dumps(MODEL | renamed), "key:author")
    start(system, Migration(mapping={"high": "top"}), version=3)
    come_by(system, "ann", "bob")
    status = shadows.status("value")
    assert status is not None and status.tiers == {("high", "top"): 1, ("low", "mid"): 1}
    assert (status.apart, status.live_moves, status.shadow_moves) == (1, 0, 1), "bob alone"
    (one,) = shadows.differences("value", None, None, 10, None).differences
    assert one.user_id == "bob"


def test_commands_are_followed(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    tagged = {"rules": {"mid": "orders >= 2", "high": "tag('vip')"}}
    CreateTierModel(system.models)(json.dumps(MODEL | tagged), "key:author")
    start(system, version=3)
    system.add_tag("bob", "vip", "key:op")
    (one,) = shadows.differences("value", None, None, 10, None).differences
    assert (one.user_id, one.live_tier, one.shadow_tier) == ("bob", "low", "high")


def test_new_users_are_followed(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    start(system)
    system.facts([order(f"o{number}", "cid", START + DAY) for number in range(2)])
    system.settle()
    (one,) = shadows.differences("value", None, None, 10, None).differences
    assert (one.user_id, one.live_tier, one.shadow_tier) == ("cid", "mid", "low")


def test_an_activation_that_reaches_everybody_is_followed(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    club = MODEL | {"scheme": "club", "tiers": ["out", "in"], "features": {}, "policy": {}}
    system.activate(club | {"rules": {"in": "tier.value = 'high'"}})
    candidate = club | {"rules": {"in": "tier.value in ('mid', 'high')"}}
    version = CreateTierModel(system.models)(json.dumps(candidate), "key:author")[0].version
    StartShadow(system.models)("club", version, "key:author")
    come_by(system, "ann", "bob")
    system.clock.set(START + 2 * DAY)
    system.activate(STRICTER | {"policy": {}})
    system.settle()
    status = shadows.status("club")
    assert status is not None and (status.standings, status.tiers) == (2, {("out", "in"): 1, ("out", "out"): 1})
    (one,) = shadows.differences("club", None, None, 10, None).differences
    assert (one.user_id, one.live_tier, one.shadow_tier) == ("ann", "out", "in")
    assert one.apart_since == system.observed("ann").schemes["club"][""].standing.since
    system.assert_proven()


def test_a_history_is_followed(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    start(system)
    history_id = OpenHistoryHandler(system.sessions)(OpenHistory("test")).history_id
    system.facts([order(f"o{number}", "cyd", START + number) for number in range(5)], history_id)
    SealHistoryHandler(system.sessions)(SealHistory(history_id, "test"))
    system.settle()
    status = shadows.status("value")
    assert status is not None and status.standings == 1
    system.assert_proven()


def test_who_follows_a_candidate_that_another_has_replaced_keeps_nothing(
    system: LedgerSystem, shadows: PostgresShadowQueries
) -> None:
    start(system)
    history_id = OpenHistoryHandler(system.sessions)(OpenHistory("test")).history_id
    system.facts([order(f"o{number}", "cyd", START + number) for number in range(5)], history_id)
    SealHistoryHandler(system.sessions)(SealHistory(history_id, "test"))
    with system.evaluation.take_history(10) as taken:
        assert taken is not None
        found = decide(taken.work.subjects, taken.work.table, taken.work.forces, taken.work.now)
        start(system)
        taken.record(found)
    assert system.events()["cyd"]
    status = shadows.status("value")
    assert status is not None and (status.running, status.standings) == (True, 0), "it begins with nobody"


def test_a_fault_ends_the_shadow_and_nothing_else(
    system: LedgerSystem, shadows: PostgresShadowQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(system)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("the candidate")

    monkeypatch.setattr(following, "follow", broken)
    come_by(system, "ann")
    status = shadows.status("value")
    assert status is not None
    assert (status.running, status.fault) == (False, "ZeroDivisionError: the candidate")
    monkeypatch.undo()
    come_by(system, "ann", day=2)
    status = shadows.status("value")
    assert status is not None and status.standings == 0, "it does not go on by itself"
    system.assert_proven()


def test_it_ends_by_hand_by_another_and_by_its_activation(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    CreateTierModel(system.models)(json.dumps(MODEL | {"rules": {"mid": "orders >= 5", "high": "orders >= 9"}}), "x")
    start(system)
    come_by(system, "ann")
    with pytest.raises(NoShadow):
        StopShadow(system.models)("value", 3, "key:author")
    StopShadow(system.models)("value", 2, "key:author")
    StopShadow(system.models)("value", 2, "key:author")
    status = shadows.status("value")
    assert status is not None and (status.running, status.standings) == (False, 1)
    start(system, version=3)
    status = shadows.status("value")
    assert status is not None and (status.version, status.running, status.standings) == (3, True, 0)
    ActivateTierModel(system.models)("value", 3, "key:boss")
    status = shadows.status("value")
    assert status is not None and not status.running


def test_what_is_refused(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    with pytest.raises(ShadowNeedsLive):
        start(system, version=1)
    with pytest.raises(MigrationInvalid):
        start(system, Migration(percent=50))
    assert shadows.status("value") is None


def test_differences_are_paged(system: LedgerSystem, shadows: PostgresShadowQueries) -> None:
    start(system)
    for user in range(5):
        system.facts([order(f"o{number}", f"u-{user}", START + DAY) for number in range(2)])
    system.settle()
    seen, cursor = [], None
    while True:
        page = shadows.differences("value", None, None, 2, cursor)
        seen += [one.user_id for one in page.differences]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == [f"u-{user}" for user in range(5)]
