"""Pins and freezes on a real ledger: decided at their instant, gone at their end, agreed to by two, proven."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import Mock

import pytest

from application.overrides.decide_override import ApproveOverride, RejectOverride
from application.overrides.freeze_standing import FreezeStanding
from application.overrides.pin_tier import PinTier
from application.overrides.place import Held
from application.overrides.ports import (
    OverrideImpossible,
    OverrideRequestDecided,
    OwnOverrideRequest,
    UnknownOverrideRequest,
    Wanted,
)
from application.overrides.unfreeze_standing import UnfreezeStanding
from application.overrides.unpin_tier import UnpinTier
from application.queries import UnknownScheme, UnknownUser
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.facts.history import SubjectInHistory
from domain.facts.instants import SECOND, parse_instant
from domain.tier_model.migration import Migration
from domain.tier_model.reviewing import WordsInvalid
from domain.user_tier.overriding import HoldEndsInPast, HoldInvalid, NoStanding
from infrastructure.evaluation import work
from infrastructure.evaluation.override_requests import PostgresOverrideRequests
from infrastructure.queries.ledger import PostgresLedgerQueries
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
}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        yield system


@pytest.fixture
def ann(system: LedgerSystem) -> str:
    """A user on the lowest tier, decided."""
    system.activate(MODEL)
    system.facts([order("o1", "ann", START)])
    system.settle()
    return "ann"


def pinning(
    system: LedgerSystem, approval_from: Mapping[str, str] | None = None, approvals: str = "required"
) -> PinTier:
    return PinTier(
        system.evaluation, PostgresOverrideRequests(system.pool, system.evaluation), approval_from or {}, approvals
    )


def wanted(tier: str = "high", mode: Any = "exact", **more: Any) -> Wanted:
    return Wanted("ann", "value", tier, mode, **{"reason": "a friend of the house", **more})


def told(system: LedgerSystem) -> list[tuple[Any, ...]]:
    """Topic, tiers and cause of all events but the first decision's."""
    return [(e["topic"][10:-3], e["from"], e["to"], e.get("cause")) for e in system.events()["ann"][2:]]


def test_a_pin_moves_holds_and_is_lifted(system: LedgerSystem, ann: str) -> None:
    held = pinning(system)(wanted(), "key:op")
    assert held.changed and held.position > 0
    assert system.observed(ann).schemes["value"][""].standing.pin is not None
    system.clock.set(START + 3 * DAY)
    system.facts([order("o2", ann, START + DAY)])
    system.settle()
    lifted = UnpinTier(system.evaluation)(ann, "value", "key:op", reason="that was enough")
    assert lifted.changed and lifted.position > held.position
    assert told(system) == [
        ("tier-pinned", None, "high", None),
        ("tier-changed", "low", "high", "override"),
        ("tier-unpinned", None, "high", None),
        ("tier-changed", "high", "low", "override-ended"),
        ("tier-changed", "low", "mid", "override-ended"),
    ]
    pinned = system.events()[ann][2]
    assert (pinned["mode"], pinned["reason"], pinned["approved_by"]) == ("exact", "a friend of the house", None)
    assert system.settle() == 0, "nothing is left to decide"
    system.assert_proven()


def test_a_pin_ends_by_itself(system: LedgerSystem, ann: str) -> None:
    until = START + 3 * DAY + 7
    pinning(system)(wanted("mid", "floor", until=until), "key:op")
    system.clock.set(START + 5 * DAY)
    assert system.settle() == 1
    assert told(system)[-1] == ("tier-changed", "mid", "low", "override-ended")
    assert system.events()[ann][-1]["at"] == until
    past = PostgresLedgerQueries(system.pool, system.keyring).user_tiers(ann, None, None).standings["value"]
    assert past.since == system.observed(ann).schemes["value"][""].standing.since < until, "what returns, returns whole"
    assert system.observed(ann).schemes["value"][""].standing.pin is None
    system.assert_proven()


def test_a_freeze_holds_everything_and_ends(system: LedgerSystem, ann: str) -> None:
    freeze, unfreeze = FreezeStanding(system.evaluation), UnfreezeStanding(system.evaluation)
    assert freeze(ann, "value", "key:op", reason="under investigation").changed
    assert not freeze(ann, "value", "key:op", reason="again").changed, "for good is for good"
    system.clock.set(START + DAY)
    system.facts([order(f"n{number}", ann, START + DAY) for number in range(4)])
    system.settle()
    assert [event[0] for event in told(system)] == ["tier-frozen"]
    assert unfreeze(ann, "value", "key:op", reason="nothing found").changed
    assert not unfreeze(ann, "value", "key:op").changed
    assert told(system)[1:] == [("tier-unfrozen", None, "low", None), ("tier-changed", "low", "high", "evaluation")]
    system.assert_proven()


def test_what_is_so_already_is_not_recorded(system: LedgerSystem, ann: str) -> None:
    pin, unpin = pinning(system), UnpinTier(system.evaluation)
    assert not unpin(ann, "value", "key:op").changed
    assert pin(wanted(), "key:op").changed
    assert not pin(wanted(reason="again"), "key:op").changed
    assert pin(wanted(until=START + 9 * DAY), "key:op").changed, "another end is another pin"


def test_a_command_id_happens_once(system: LedgerSystem, ann: str) -> None:
    pin, unpin = pinning(system), UnpinTier(system.evaluation)
    first = pin(wanted(), "key:op", command_id="import:1")
    unpin(ann, "value", "key:op")
    again = pin(wanted(), "key:op", command_id="import:1")
    assert again.changed and 0 < again.position <= first.position
    assert [event[0] for event in told(system)].count("tier-pinned") == 1
    assert system.observed(ann).schemes["value"][""].standing.pin is None


def test_many_pin_at_once_and_one_pin_holds(system: LedgerSystem, ann: str) -> None:
    pin = pinning(system)
    with ThreadPoolExecutor(4) as threads:
        held: list[Held] = list(threads.map(lambda number: pin(wanted(), f"key:{number}"), range(8)))
    assert sum(one.changed for one in held) == 1
    assert [event[0] for event in told(system)] == ["tier-pinned", "tier-changed"]
    system.assert_proven()


@pytest.mark.parametrize(
    ("wrong", "refusal", "field"),
    [
        (wanted("gold"), HoldInvalid, "tier"),
        (wanted(mode="around"), HoldInvalid, "mode"),
        (wanted(scope="m-1"), HoldInvalid, "scope"),
        (wanted(until=START - DAY), HoldEndsInPast, "until"),
        (wanted(reason=" "), WordsInvalid, "reason"),
        (Wanted("ann", "club", "high", "exact", "why"), UnknownScheme, "scheme"),
        (Wanted("nobody", "value", "high", "exact", "why"), UnknownUser, "user_id"),
    ],
)
def test_what_cannot_be_is_refused(
    system: LedgerSystem, ann: str, wrong: Wanted, refusal: type[Exception], field: str
) -> None:
    with pytest.raises(refusal) as caught:
        pinning(system)(wrong, "key:op")
    assert caught.value.complaints[0].field == field  # type: ignore[attr-defined]
    assert told(system) == []


def test_who_stands_nowhere_cannot_be_held(system: LedgerSystem) -> None:
    system.activate(MODEL | {"scheme": "member", "per": "merchant_id"})
    system.facts([order("o1", "ann", START, merchant_id="m-1")])
    pin = pinning(system)
    with pytest.raises(HoldInvalid, match="scope"):
        pin(Wanted("ann", "member", "high", "exact", "why"), "key:op")
    with pytest.raises(NoStanding):
        pin(Wanted("ann", "member", "high", "exact", "why", scope="m-2"), "key:op")
    assert pin(Wanted("ann", "member", "high", "exact", "why", scope="m-1"), "key:op").changed
    system.assert_proven()


def test_who_waits_in_an_open_history_cannot_be_held(system: LedgerSystem) -> None:
    system.activate(MODEL)
    session = system.sessions.open("test").history_id
    system.facts([order("o1", "ann", START)], session)
    with pytest.raises(SubjectInHistory):
        pinning(system)(wanted(), "key:op")


class TestApproval:
    def test_from_the_set_tier_on_a_second_person_agrees(self, system: LedgerSystem, ann: str) -> None:
        pin = pinning(system, {"value": "high"})
        requests = PostgresOverrideRequests(system.pool, system.evaluation)
        assert pin(wanted("mid"), "key:op").changed, "below it nobody is asked"
        held = pin(wanted("high", "floor"), "key:op")
        assert not held.changed and held.request_id is not None
        assert pin(wanted("high", "floor"), "key:op").request_id == held.request_id, "asked for once"
        assert pin(wanted("high", "ceiling"), "key:op").changed, "a ceiling lifts nobody"
        approve = ApproveOverride(requests, pin)
        with pytest.raises(OwnOverrideRequest):
            approve(held.request_id, "key:op")
        request, done = approve(held.request_id, "key:boss", note="I know her")
        assert (request.status, request.decided_by, done.changed) == ("approved", "key:boss", True)
        recorded = told(system)
        assert approve(held.request_id, "key:other")[1].position <= done.position and told(system) == recorded, "once"
        pinned = [e for e in system.events()[ann] if e["topic"] == "user-tier.tier-pinned.v1"][-1]
        assert (pinned["to"], pinned["approved_by"]) == ("high", "key:boss")
        with pytest.raises(OverrideRequestDecided):
            RejectOverride(requests)(held.request_id, "key:boss", reason="no")
        assert [r.status for r in requests.list("approved", 10)] == ["approved"]
        system.assert_proven()

    def test_a_rejected_request_changes_nothing(self, system: LedgerSystem, ann: str) -> None:
        pin, requests = pinning(system, {"value": "mid"}), PostgresOverrideRequests(system.pool, system.evaluation)
        held = pin(wanted(), "key:op")
        assert held.request_id is not None
        rejected = RejectOverride(requests)(held.request_id, "key:boss", reason="not for a friend")
        assert (rejected.status, rejected.note) == ("rejected", "not for a friend")
        with pytest.raises(OverrideRequestDecided):
            ApproveOverride(requests, pin)(held.request_id, "key:other")
        assert told(system) == []
        assert pin(wanted(), "key:op").request_id != held.request_id, "it can be asked for anew"
        for unknown in ("6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a", "no id"):
            with pytest.raises(UnknownOverrideRequest):
                RejectOverride(requests)(unknown, "key:boss", reason="no")

    @pytest.mark.parametrize("gone", ["the end", "the tier"])
    def test_what_cannot_be_put_any_more_waits_on(self, system: LedgerSystem, ann: str, gone: str) -> None:
        pin, requests = pinning(system, {"value": "mid"}), PostgresOverrideRequests(system.pool, system.evaluation)
        held = pin(wanted(until=START + DAY), "key:op")
        assert held.request_id is not None
        if gone == "the end":
            system.clock.set(START + 2 * DAY)
        else:
            tiers = {"tiers": ["low", "mid", "top"], "rules": {"mid": "orders >= 2", "top": "orders >= 4"}}
            view, _ = CreateTierModel(system.models)(json.dumps(MODEL | tiers), "test")
            migration = Migration(mapping={"high": "top"})
            ActivateTierModel(system.models)("value", view.version, "test", migration=migration)
        recorded = told(system)
        with pytest.raises(
            OverrideImpossible, match="has passed" if gone == "the end" else "no tier 'high'"
        ) as refused:
            ApproveOverride(requests, pin)(held.request_id, "key:boss")
        (complaint,) = refused.value.complaints
        assert complaint.field == ("until" if gone == "the end" else "tier") and "reject" in complaint.remedy
        assert [r.status for r in requests.list(None, 10)] == ["waiting"] and told(system) == recorded
        assert RejectOverride(requests)(held.request_id, "key:boss", reason="too late").status == "rejected"

    def test_cut_off_while_it_is_put_the_request_waits_on(
        self, system: LedgerSystem, ann: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pin, requests = pinning(system, {"value": "mid"}), PostgresOverrideRequests(system.pool, system.evaluation)
        held = pin(wanted(), "key:op")
        assert held.request_id is not None
        with monkeypatch.context() as cut:
            cut.setattr(work, "append", Mock(side_effect=ConnectionError))
            with pytest.raises(ConnectionError):
                ApproveOverride(requests, pin)(held.request_id, "key:boss")
        assert [r.status for r in requests.list(None, 10)] == ["waiting"] and told(system) == []
        assert ApproveOverride(requests, pin)(held.request_id, "key:boss")[1].changed

    def test_agreeing_once_more_puts_back_nothing_that_was_lifted_since(self, system: LedgerSystem, ann: str) -> None:
        pin, requests = pinning(system, {"value": "high"}), PostgresOverrideRequests(system.pool, system.evaluation)
        held = pin(wanted("high"), "key:op")
        assert held.request_id is not None
        pinning(system)(wanted("high"), "key:admin")  # so already
        approve = ApproveOverride(requests, pin)
        assert not approve(held.request_id, "key:boss")[1].changed
        UnpinTier(system.evaluation)(ann, "value", "key:op")
        recorded = told(system)
        assert not approve(held.request_id, "key:boss")[1].changed and told(system) == recorded

    def test_an_admin_may_skip_it_when_the_setting_says_so(self, system: LedgerSystem, ann: str) -> None:
        assert not pinning(system, {"value": "mid"})(wanted(), "key:admin", as_admin=True).changed
        assert pinning(system, {"value": "mid"}, "admin-may-skip")(wanted(), "key:admin", as_admin=True).changed

    def test_a_tier_that_the_setting_misspells_asks_for_all(self, system: LedgerSystem, ann: str) -> None:
        assert pinning(system, {"value": "diamond"})(wanted("mid"), "key:op").request_id

    def test_yes_and_no_at_once_give_one_outcome(self, system: LedgerSystem, ann: str) -> None:
        pin, requests = pinning(system, {"value": "mid"}), PostgresOverrideRequests(system.pool, system.evaluation)
        held = pin(wanted(), "key:op")
        assert held.request_id is not None
        approve, reject = ApproveOverride(requests, pin), RejectOverride(requests)

        def say(number: int) -> str:
            assert held.request_id is not None
            try:
                if number % 2:
                    return approve(held.request_id, f"key:{number}")[0].status
                return reject(held.request_id, f"key:{number}", reason="no").status
            except OverrideRequestDecided:
                return "late"

        with ThreadPoolExecutor(4) as threads:
            answers = set(threads.map(say, range(8))) - {"late"}
        assert len(answers) == 1
        assert len(told(system)) == (2 if answers == {"approved"} else 0)
