"""Standings of a running programme taken over: as a whole or not at all, and nobody is re-tiered by it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from application.standings.import_standings import ImportStandings, StandingsImported, StandingsInvalid
from application.standings.ports import LineFault, OpeningLine
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.facts.instants import SECOND, parse_instant
from domain.tier_model.migration import Migration
from infrastructure.evaluation.openings import PostgresOpenings
from infrastructure.queries.ledger import PostgresLedgerQueries
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")
SINCE = parse_instant("2025-06-01T00:00:00Z")
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {"orders": {"count": "order", "within": "365 days"}},
    "rules": {"mid": "orders >= 2", "high": "orders >= 4"},
    "policy": {"downgrade": {"review": "validity"}, "validity": "1 year"},
}

RENAMED = {**MODEL, "tiers": ["low", "mid", "vip"], "rules": {"mid": "orders >= 2", "vip": "orders >= 4"}}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        system.activate(MODEL)
        yield system


def activate(system: LedgerSystem, model: dict[str, Any], migration: Migration, version: int | None = None) -> None:
    """version: of the model, where there is one already."""
    made = version or CreateTierModel(system.models)(json.dumps(model), "test")[0].version
    ActivateTierModel(system.models)("value", made, "test", migration=migration)


def take_over(system: LedgerSystem, *lines: OpeningLine | LineFault) -> StandingsImported:
    *_, last = ImportStandings(PostgresOpenings(system.pool, system.keyring, system.evaluation))(lines, "key:op")
    return last


def faults(system: LedgerSystem, *lines: OpeningLine | LineFault) -> Sequence[LineFault]:
    with pytest.raises(StandingsInvalid) as caught:
        take_over(system, *lines)
    return caught.value.found.faults


def line(number: int, user_id: str, tier: str = "mid", **more: Any) -> OpeningLine:
    return OpeningLine(**{"line": number, "user_id": user_id, "scheme": "value", "tier": tier, "since": SINCE, **more})


def told(system: LedgerSystem, user_id: str) -> list[tuple[Any, ...]]:
    return [(e["topic"][10:-3], e["from"], e["to"], e.get("cause")) for e in system.events()[user_id]]


def test_whom_nobody_named_stands_at_once_as_before(system: LedgerSystem) -> None:
    until = START + 90 * DAY
    done = take_over(system, line(2, "ann", valid_until=until), line(3, "bob", "high"))
    assert (done.lines, done.taken, done.again, done.refused) == (2, 2, 0, 0) and done.position > 0
    assert told(system, "ann") == [("user-enrolled", None, None, None), ("tier-changed", None, "mid", "opening")]
    opened = system.events()["ann"][1]
    assert opened["opened"] == {"since": SINCE, "valid_until": until, "growth": None}
    past = PostgresLedgerQueries(system.pool, system.keyring).user_tiers("ann", None, None)
    assert past.standings["value"].tier == "mid", "at once: it was written no later than now"
    standing = system.observed("ann").schemes["value"][""].standing
    assert (standing.tier, standing.since, standing.validity_until) == ("mid", SINCE, until)
    system.clock.set(START + DAY)
    past = PostgresLedgerQueries(system.pool, system.keyring).user_tiers("ann", None, None)
    assert (past.standings["value"].tier, past.standings["value"].since) == ("mid", SINCE)
    assert system.settle() == 0
    system.clock.set(until + DAY)
    system.settle()
    assert told(system, "ann")[-1] == ("tier-changed", "mid", "low", "timer"), "its own end, not ours"
    system.assert_proven()


def test_a_later_version_is_decided_for_everybody_taken_over(system: LedgerSystem) -> None:
    take_over(system, line(2, "ann", valid_until=START + 400 * DAY), line(3, "bob", "high"))
    system.clock.set(START + 10 * DAY)
    system.activate({**MODEL, "policy": {"downgrade": {"review": "continuous"}}})
    system.facts([order("o1", "bob", START + 9 * DAY)])
    system.settle()
    for user_id, before in (("ann", "mid"), ("bob", "high")):
        assert told(system, user_id)[-1] == ("tier-changed", before, "low", "model-change")
        assert system.observed(user_id).schemes["value"][""].version == 2
    system.assert_proven()


def test_while_a_version_is_rolled_out_a_tier_has_to_be_in_every_version(system: LedgerSystem) -> None:
    activate(system, RENAMED, Migration(mapping={"high": "vip"}, percent=50))
    (fault,) = faults(system, line(2, "ann", "vip"))
    assert (fault.field, fault.value) == ("tier", "vip") and "(low, mid)" in fault.remedy
    assert faults(system, line(2, "ann", "high"))[0].value == "high"
    assert take_over(system, *(line(number, f"u-{number}") for number in range(20))).taken == 20
    versions = {system.observed(f"u-{number}").schemes["value"][""].version for number in range(20)}
    assert versions == {1, 2}
    activate(system, RENAMED, Migration(mapping={"high": "vip"}), version=2)
    assert take_over(system, line(2, "ann", "vip")).taken == 1
    system.settle()
    system.assert_proven()


def test_a_tier_that_goes_between_the_check_and_the_taking_over_is_told(system: LedgerSystem) -> None:
    openings = PostgresOpenings(system.pool, system.keyring, system.evaluation)
    activate(system, RENAMED, Migration(mapping={"high": "vip"}))
    done = openings.take_over([line(2, "ann", "high"), line(3, "bob")], "key:op")
    assert (done.taken, [(fault.line, fault.field) for fault in done.faults]) == (1, [(2, "tier")])


@pytest.mark.parametrize("percent", [100, 50])
def test_a_tier_that_is_renamed_while_a_history_is_open_is_taken_over_by_its_new_name(
    system: LedgerSystem, percent: float
) -> None:
    session = system.sessions.open("test").history_id
    users = [f"u-{number}" for number in range(30)]
    system.facts([order("o1", user_id, START - DAY) for user_id in users], session)
    assert take_over(system, *(line(2 + n, user_id, "high") for n, user_id in enumerate(users))).taken == 30
    # The names change places: who follows them once more, or once too little, ends on the wrong tier.
    swapped = {**MODEL, "tiers": ["low", "high", "mid"], "rules": {"high": "orders >= 2", "mid": "orders >= 4"}}
    activate(system, swapped, Migration(mapping={"high": "mid", "mid": "high"}, percent=percent))
    system.sessions.seal(session, "test")
    while system.evaluate_due.decide_history()[0]:
        pass
    told_by_version = {
        (seen.version, system.events()[user_id][1]["to"], system.events()[user_id][1]["opened"].get("named"))
        for user_id in users
        for seen in [system.observed(user_id).schemes["value"][""]]
    }
    renamed, kept = (2, "mid", "high"), (1, "high", None)
    assert told_by_version == ({renamed} if percent == 100 else {renamed, kept})
    system.assert_proven()


def test_who_has_a_history_stands_so_from_its_sealing_on(system: LedgerSystem) -> None:
    session = system.sessions.open("test").history_id
    past = [order(f"o{number}", "ann", START - (90 - number) * DAY) for number in range(4)]
    system.facts(past, session)
    assert take_over(system, line(2, "ann")).taken == 1
    assert take_over(system, line(2, "ann")).again == 1
    assert take_over(system, line(2, "ann", "low")).taken == 1, "until it is decided it can be put right"
    assert "ann" not in system.events()
    system.facts([order("o9", "ann", START - 80 * DAY)], session)
    system.sessions.seal(session, "test")
    while system.evaluate_due.decide_history()[0]:
        pass
    events = system.events()["ann"]
    assert [(e["to"], e.get("cause")) for e in events[1:]] == [("low", "opening"), ("high", "history")]
    assert events[1]["at"] >= START, "nothing of the past is decided: that was the other programme's"
    system.assert_proven()


def test_once_is_enough(system: LedgerSystem) -> None:
    assert take_over(system, line(2, "ann")).taken == 1
    again = take_over(system, line(2, "ann"))
    assert (again.taken, again.again) == (0, 1)
    (fault,) = faults(system, line(2, "ann", "high"))
    assert (fault.line, fault.field) == (2, "user_id")
    assert len(system.events()["ann"]) == 2


def test_nothing_is_taken_over_when_a_line_is_wrong(system: LedgerSystem) -> None:
    system.facts([order("o1", "bob", START)])
    system.settle()
    found = faults(
        system,
        line(2, "ann"),
        line(3, "ann"),
        line(4, "cid", "gold"),
        line(5, "cid", scheme="club"),
        line(6, "cid", scope="m-1"),
        line(7, "cid", since=START + DAY),
        line(8, "cid", valid_until=SINCE),
        line(9, "cid", growth=7),
        line(10, ""),
        LineFault(11, "since", "yesterday", "write RFC 3339"),
        line(12, "bob"),
    )
    assert [(fault.line, fault.field) for fault in found] == [
        (3, "user_id"),
        (4, "tier"),
        (5, "scheme"),
        (6, "scope"),
        (7, "since"),
        (8, "valid_until"),
        (9, "growth"),
        (10, "user_id"),
        (11, "since"),
        (12, "user_id"),
    ]
    assert all(fault.remedy for fault in found)
    assert system.events().keys() == {"bob"}


def test_who_is_decided_meanwhile_is_left_out_and_told(system: LedgerSystem) -> None:
    openings = PostgresOpenings(system.pool, system.keyring, system.evaluation)
    system.facts([order("o1", "bob", START)])
    done = openings.take_over([line(2, "ann"), line(3, "bob")], "key:op")
    assert (done.taken, [fault.line for fault in done.faults]) == (1, [3])
    system.settle()
    assert told(system, "bob")[-1][2:] == ("low", "evaluation")
    system.assert_proven()


def test_many_users_in_several_transactions(system: LedgerSystem) -> None:
    lines = [line(number + 2, f"user-{number % 1_100}", scheme="value") for number in range(1_100)]
    done = take_over(system, *lines)
    assert (done.taken, done.refused) == (1_100, 0)
    assert take_over(system, *lines).again == 1_100
    system.assert_proven()


def test_faults_are_told_by_line(system: LedgerSystem) -> None:
    system.facts([order("o1", "ann", START), order("o2", "bob", START)])
    system.settle()
    found = faults(system, line(2, "bob"), line(3, "cid", "gold"), line(4, "ann"))
    assert [fault.line for fault in found] == [2, 3, 4]
