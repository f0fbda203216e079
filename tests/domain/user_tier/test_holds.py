"""Pins, freezes and openings, worked out by hand: rules 1 to 3 of the policy."""

from uuid import UUID

import pytest

from domain.facts.table import FactTable, table_from_facts
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.migration import Migration
from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Decided, Subject, decide
from domain.user_tier.holds import Freeze, HoldChange, Opening, Pin, PinMode
from tests.domain.user_tier.stories import ANN, at, fact, model, table, told

SPEND = {"spend": {"sum": "order.amount", "within": "30 days"}}
RULES = {"mid": "spend >= money(100.00)", "high": "spend >= money(300.00)"}


def ladder(**policy: object) -> CompiledModel:
    return ladder_of(RULES, **policy)


def ladder_of(rules: dict[str, str], **policy: object) -> CompiledModel:
    return model("value", tiers=["low", "mid", "high"], features=SPEND, rules=rules, policy=policy)


def pinned(when: str, mode: PinMode, tier: str, until: str | None = None) -> HoldChange:
    ends = None if until is None else at(until)
    return HoldChange(at(when), "value", "", "pinned", pin=Pin(mode, tier, at(when), ends))


def unpinned(when: str) -> HoldChange:
    return HoldChange(at(when), "value", "", "unpinned")


def frozen(when: str, until: str | None = None) -> HoldChange:
    ends = None if until is None else at(until)
    return HoldChange(at(when), "value", "", "frozen", freeze=Freeze(at(when), ends))


def unfrozen(when: str) -> HoldChange:
    return HoldChange(at(when), "value", "", "unfrozen")


def opened(when: str, tier: str, since: str, until: str | None = None, growth: int | None = None) -> HoldChange:
    ends = None if until is None else at(until)
    return HoldChange(at(when), "value", "", "opened", opening=Opening(tier, at(since), "key:1", ends, growth))


def live(compiled: CompiledModel, facts: FactTable, *changes: HoldChange, until: str) -> Decided:
    forces = {compiled.scheme: (Force(compiled, ALWAYS),)}
    return decide([Subject(ANN, 0, changes=changes)], facts, forces, at(until)).decided[0]


MARCH = table([fact("2026-03-01T10:00", "order", 15_000)])  # mid until it leaves the window on 31 March


def test_an_exact_pin_moves_at_once_and_nothing_moves_while_it_holds() -> None:
    done = live(ladder(), MARCH, pinned("2026-03-10", "exact", "high", "2026-05-01"), until="2026-06-01")
    assert told(done.events) == [
        "2026-03-01T10:00:00Z value tier-changed -> mid evaluation".replace(" ->", " None ->"),
        "2026-03-10T00:00:00Z value tier-changed mid -> high override",
        "2026-05-01T00:00:00Z value tier-unpinned high override-ended",
        "2026-05-01T00:00:00Z value tier-changed high -> mid override-ended",
        "2026-05-01T00:00:00Z value tier-changed mid -> low override-ended",
    ]


def test_the_covered_standing_returns_and_stays_when_it_is_still_earned() -> None:
    done = live(ladder(), MARCH, pinned("2026-03-10", "exact", "low"), unpinned("2026-03-20T12:00"), until="2026-03-25")
    assert told(done.events)[1:] == [
        "2026-03-10T00:00:00Z value tier-changed mid -> low override",
        "2026-03-20T12:00:00Z value tier-changed low -> mid override-ended",
    ]
    standing = done.observation.schemes["value"][""].standing
    assert (standing.since, standing.pin, standing.covered) == (at("2026-03-01T10:00"), None, None)


def test_a_floor_lifts_and_holds_and_lets_rise() -> None:
    facts = table([fact("2026-03-01T10:00", "order", 15_000), fact("2026-03-12", "order", 40_000)])
    done = live(ladder(), facts, pinned("2026-03-10", "floor", "mid"), until="2026-06-01")
    assert told(done.events)[1:] == [
        "2026-03-12T00:00:00Z value tier-changed mid -> high evaluation",
        "2026-04-11T00:00:00Z value tier-changed high -> mid timer",  # it falls to the floor, never to low
    ]
    lifted = live(ladder(), facts, pinned("2026-03-10", "floor", "mid"), unpinned("2026-05-01"), until="2026-06-01")
    assert told(lifted.events)[3:] == ["2026-05-01T00:00:00Z value tier-changed mid -> low override-ended"]


def test_an_ordinary_change_within_a_pin_replaces_what_it_covers() -> None:
    facts = table([fact("2026-03-01T10:00", "order", 1_000), fact("2026-03-12", "order", 40_000)])
    done = live(ladder(), facts, pinned("2026-03-10", "floor", "mid"), unpinned("2026-03-20"), until="2026-03-25")
    assert told(done.events)[1:] == [
        "2026-03-10T00:00:00Z value tier-changed low -> mid override",
        "2026-03-12T00:00:00Z value tier-changed mid -> high evaluation",
    ]  # high was earned: it stays when the pin is lifted


def test_a_ceiling_brings_down_and_lets_fall() -> None:
    facts = table([fact("2026-03-01T10:00", "order", 40_000)])
    done = live(ladder(), facts, pinned("2026-03-10", "ceiling", "mid", "2026-03-20"), until="2026-05-01")
    assert told(done.events)[1:] == [
        "2026-03-10T00:00:00Z value tier-changed high -> mid override",
        "2026-03-20T00:00:00Z value tier-unpinned mid override-ended",
        "2026-03-20T00:00:00Z value tier-changed mid -> high override-ended",
        "2026-03-31T00:00:00Z value tier-changed high -> low timer",
    ]


def test_a_review_inside_a_pin_is_made_up_for_at_its_end() -> None:
    monthly = ladder(downgrade={"review": "monthly"})
    over = live(monthly, MARCH, pinned("2026-03-25", "exact", "mid", "2026-04-10"), until="2026-04-30")
    assert told(over.events)[1:] == [
        "2026-04-10T00:00:00Z value tier-unpinned mid override-ended",
        "2026-04-10T00:00:00Z value tier-changed mid -> low override-ended",
    ]
    between = live(monthly, MARCH, pinned("2026-04-02", "floor", "mid", "2026-04-10"), until="2026-05-02")
    # The review of 1 April has dropped it already; the pin lifts it, and at its end no review fell inside.
    assert told(between.events)[1:] == [
        "2026-04-01T00:00:00Z value tier-changed mid -> low timer",
        "2026-04-02T00:00:00Z value tier-changed low -> mid override",
        "2026-04-10T00:00:00Z value tier-unpinned mid override-ended",
        "2026-04-10T00:00:00Z value tier-changed mid -> low override-ended",
    ]


def test_grace_is_cleared_when_the_covered_standing_returns() -> None:
    graceful = ladder(downgrade={"review": "continuous", "grace": "20 days"})
    done = live(graceful, MARCH, pinned("2026-04-05", "exact", "high", "2026-04-25"), until="2026-05-20")
    assert told(done.events)[1:] == [
        "2026-03-31T00:00:00Z value downgrade-deferred mid timer",
        "2026-03-31T00:00:00Z value tier-at-risk mid timer",
        "2026-04-05T00:00:00Z value tier-changed mid -> high override",
        "2026-04-25T00:00:00Z value tier-unpinned high override-ended",
        "2026-04-25T00:00:00Z value tier-changed high -> mid override-ended",
        "2026-04-25T00:00:00Z value downgrade-deferred mid override-ended",  # a new grace, of its whole length
        "2026-04-25T00:00:00Z value tier-at-risk mid override-ended",
        "2026-05-15T00:00:00Z value tier-changed mid -> low timer",
    ]


def test_nothing_moves_in_a_freeze_and_what_fell_due_falls_due_at_its_end() -> None:
    facts = table([fact("2026-03-01T10:00", "order", 15_000), fact("2026-03-20", "order", 40_000)])
    done = live(ladder(), facts, frozen("2026-03-10", "2026-03-25"), until="2026-03-30")
    assert told(done.events)[1:] == [
        "2026-03-25T00:00:00Z value tier-unfrozen mid timer",
        "2026-03-25T00:00:00Z value tier-changed mid -> high timer",
    ]
    lifted = live(ladder(), facts, frozen("2026-03-10"), unfrozen("2026-03-22T08:00"), until="2026-03-30")
    assert told(lifted.events)[1:] == ["2026-03-22T08:00:00Z value tier-changed mid -> high evaluation"]


def test_a_calendar_review_and_a_warning_inside_a_freeze_are_made_up_for() -> None:
    quarterly = ladder(downgrade={"review": "quarterly"}, warn="10 days")
    done = live(
        quarterly, table([fact("2026-02-01", "order", 15_000)]), frozen("2026-03-10", "2026-03-28"), until="2026-04-02"
    )
    assert told(done.events)[1:] == [
        "2026-03-28T00:00:00Z value tier-unfrozen mid timer",
        "2026-03-28T00:00:00Z value tier-at-risk mid timer",  # due on 22 March; the review is still ahead
        "2026-04-01T00:00:00Z value tier-changed mid -> low timer",
    ]
    over = live(
        quarterly, table([fact("2026-02-01", "order", 15_000)]), frozen("2026-03-10", "2026-04-05"), until="2026-04-30"
    )
    assert told(over.events)[1:] == [
        "2026-04-05T00:00:00Z value tier-unfrozen mid timer",
        "2026-04-05T00:00:00Z value tier-changed mid -> low timer",
    ]


def test_a_validity_that_ended_in_a_freeze_is_renewed_at_its_end() -> None:
    valid = ladder(validity="20 days", downgrade={"review": "validity"})
    facts = table([fact("2026-03-01T10:00", "order", 15_000), fact("2026-03-15", "order", 10_000)])
    done = live(valid, facts, frozen("2026-03-10", "2026-03-28"), until="2026-03-30")
    assert told(done.events)[1:] == [
        "2026-03-28T00:00:00Z value tier-unfrozen mid timer",
        "2026-03-28T00:00:00Z value tier-requalified mid timer",
    ]


def test_a_pin_ends_when_the_freeze_over_it_does() -> None:
    done = live(
        ladder(),
        MARCH,
        pinned("2026-03-05", "exact", "high", "2026-03-12"),
        frozen("2026-03-10", "2026-03-20"),
        until="2026-03-25",
    )
    assert told(done.events)[1:] == [
        "2026-03-05T00:00:00Z value tier-changed mid -> high override",
        "2026-03-20T00:00:00Z value tier-unfrozen high timer",
        "2026-03-20T00:00:00Z value tier-unpinned high override-ended",
        "2026-03-20T00:00:00Z value tier-changed high -> mid override-ended",
    ]


def test_a_pin_that_two_versions_ended_still_began_its_windows_when_it_began() -> None:
    """Pinned on mid, with low underneath; the next version calls both low, so the pin's end moves nobody."""
    before = model("value", 1, tiers=["low", "mid"], features=SPEND, rules={"mid": "spend >= money(100.00)"})
    after = model(
        "value",
        2,
        tiers=["low", "top"],
        features={"n": {"count": "order", "since": "standing"}},
        rules={"top": "n >= 3"},
        policy={"downgrade": "never"},
    )
    forces = {
        "value": (Force(before, ALWAYS), Force(after, at("2026-03-10"), Migration(mapping={"mid": "low"}))),
    }
    facts = table([fact("2026-03-01", "order", 1_000), fact("2026-03-02", "order", 1_001)])
    changes = (pinned("2026-03-05", "exact", "mid"), unpinned("2026-03-12"))
    whole = decide([Subject(ANN, 0, changes=changes)], facts, forces, at("2026-03-20")).decided[0]
    renamed = next(event for event in whole.events if event.data.get("keeps_since"))
    assert renamed.data["receipt"]["features"] == {"n": 0}, "it stands since the 5th"
    first = decide([Subject(ANN, 0, changes=changes[:1])], facts, forces, at("2026-03-11")).decided[0]
    later = Subject(ANN, len(first.events), at("2026-03-11") - 1, first.observation, changes=changes[1:])
    then = decide([later], facts, forces, at("2026-03-20")).decided[0]
    assert [*first.events, *then.events] == whole.events and then.observation == whole.observation


@pytest.mark.parametrize("mode", ["exact", "ceiling"])
def test_a_promise_is_kept_to_what_a_pin_covers(mode: PinMode) -> None:
    loose, strict = ladder(), ladder_of({"mid": "spend >= money(900.00)", "high": "spend >= money(1000.00)"})
    facts = table([fact("2026-03-01T10:00", "order", 40_000)])
    forces = {"value": (Force(loose, ALWAYS), Force(strict, at("2026-03-10"), Migration(mode="up-only")))}
    changes = (pinned("2026-03-05", mode, "low", "2026-03-15"),)
    done = decide([Subject(ANN, 0, changes=changes)], facts, forces, at("2026-03-20")).decided[0]
    assert told(done.events)[-2:] == [
        "2026-03-15T00:00:00Z value tier-unpinned low override-ended",
        "2026-03-15T00:00:00Z value tier-changed low -> high override-ended",
    ]


def test_what_a_pin_covers_is_the_same_in_one_go_and_in_pieces() -> None:
    forces, pin = {"value": (Force(ladder(), ALWAYS),)}, pinned("2026-03-10", "exact", "high")
    whole = decide([Subject(ANN, 0, changes=(pin,))], MARCH, forces, at("2026-03-20")).decided[0]
    first = decide([Subject(ANN, 0)], MARCH, forces, at("2026-03-05")).decided[0]
    later = Subject(ANN, len(first.events), at("2026-03-05") - 1, first.observation, changes=(pin,))
    assert decide([later], MARCH, forces, at("2026-03-20")).decided[0].observation == whole.observation


def test_an_opening_is_the_first_decision_and_keeps_its_past() -> None:
    nothing = table_from_facts([], 1)
    yearly = ladder(downgrade={"review": "validity"}, validity="12 months")
    done = live(yearly, nothing, opened("2026-03-10", "high", "2025-09-01", "2026-07-01"), until="2026-08-01")
    assert told(done.events) == [
        "2026-03-10T00:00:00Z value tier-changed None -> high opening",
        "2026-07-01T00:00:00Z value tier-changed high -> low timer",
    ]
    first = done.events[1]
    assert (first.actor, first.data["receipt"]["after"]["since"]) == ("key:1", "2025-09-01T00:00:00Z")


@pytest.mark.parametrize("facts", [table_from_facts([], 1), table([fact("2026-05-01", "visit")])])
def test_a_version_is_decided_for_who_was_taken_over_before_any_fact(facts: FactTable) -> None:
    kept, falling = ladder(downgrade="never"), ladder(downgrade={"review": "continuous"})
    before, opening = Force(kept, ALWAYS), opened("2026-03-10", "high", "2025-09-01")
    forces = {"value": (before, Force(falling, at("2026-04-01")))}
    whole = decide([Subject(ANN, 0, changes=(opening,))], facts, forces, at("2026-06-01")).decided[0]
    assert told(whole.events) == [
        "2026-03-10T00:00:00Z value tier-changed None -> high opening",
        "2026-04-01T00:00:00Z value tier-changed high -> low model-change",
    ]
    first = decide([Subject(ANN, 0, changes=(opening,))], facts, {"value": (before,)}, at("2026-03-20")).decided[0]
    later = Subject(ANN, len(first.events), at("2026-03-20") - 1, first.observation)
    then = decide([later], facts, forces, at("2026-06-01")).decided[0]
    assert [*first.events, *then.events] == whole.events and then.observation == whole.observation


def test_facts_before_an_opening_decide_nothing_on_their_own() -> None:
    facts = table([fact("2026-03-01T10:00", "order", 15_000), fact("2026-03-05T10:00", "order", 20_000)])
    yearly = ladder(downgrade={"review": "yearly"})
    done = live(yearly, facts, opened("2026-03-10", "mid", "2025-09-01"), until="2026-03-20")
    assert told(done.events) == [
        "2026-03-10T00:00:00Z value tier-changed None -> mid opening",
        "2026-03-10T00:00:00Z value tier-changed mid -> high opening",  # 350.00 in 30 days: the rules say high
    ]


def test_growth_value_is_carried_in_and_what_came_before_counts_no_more() -> None:
    club = model(
        "value",
        tiers=["basic", "silver"],
        features={},
        growth={"earn": {"visits": {"points": 10, "of": "visit"}}, "deduct": {"silver": 50}},
        rules={"silver": "growth >= 100"},
        policy={"validity": "12 months", "downgrade": {"review": "validity"}},
    )
    facts = table([fact("2026-02-01", "visit"), fact("2026-04-01", "visit")])
    done = live(club, facts, opened("2026-03-10", "silver", "2025-06-01", "2026-06-01", 90), until="2026-06-02")
    assert told(done.events)[1:] == [
        "2026-06-01T00:00:00Z value growth-settled silver timer 90 + 10 - 50 = 50",
        "2026-06-01T00:00:00Z value tier-changed silver -> basic timer",
    ]


def test_growth_value_that_was_settled_inside_a_pin_is_not_settled_again_at_its_end() -> None:
    club = model(
        "value",
        tiers=["basic", "silver"],
        features={},
        growth={"earn": {"visits": {"points": 100, "of": "visit"}}, "deduct": {"silver": 50}},
        rules={"silver": "growth >= 100"},
        policy={"validity": "30 days", "downgrade": {"review": "validity"}},
    )
    pin = pinned("2026-03-06", "floor", "silver", "2026-04-15")
    done = live(club, table([fact("2026-03-01", "visit")]), pin, until="2026-05-01")
    assert told(done.events)[1:] == [
        "2026-03-31T00:00:00Z value growth-settled silver timer 0 + 100 - 50 = 50",
        "2026-04-15T00:00:00Z value tier-unpinned silver override-ended",
        "2026-04-15T00:00:00Z value tier-changed silver -> basic override-ended",
    ]


def test_deciding_piece_by_piece_is_deciding_at_once() -> None:
    quarterly = ladder(downgrade={"review": "monthly", "grace": "5 days"}, warn="3 days")
    facts = table([fact("2026-03-01T10:00", "order", 15_000), fact("2026-04-12", "order", 40_000)])
    changes = (pinned("2026-03-20", "floor", "mid", "2026-05-03"), frozen("2026-04-20", "2026-06-03"))
    whole = live(quarterly, facts, *changes, until="2026-09-01")
    forces = {"value": (Force(quarterly, ALWAYS),)}
    subject, events = Subject(UUID(int=1), 0, changes=changes), []
    for day in [f"2026-{month:02}-{day:02}T05:00" for month in range(3, 9) for day in (2, 9, 17, 25)] + ["2026-09-01"]:
        found = decide([subject], facts, forces, at(day)).decided[0]
        events += found.events
        left = tuple(change for change in changes if change.instant >= at(day))
        subject = Subject(UUID(int=1), len(events), at(day) - 1, found.observation, changes=left)
    assert told(events) == told(whole.events)
    assert [event.data.get("receipt") for event in events] == [event.data.get("receipt") for event in whole.events]


@pytest.mark.parametrize("taken_over", ["value", "a_reader"])
def test_where_only_one_scheme_of_a_merchant_was_taken_over_others_are_read_in_their_own_place(taken_over: str) -> None:
    """Without a fact of its own m1 is a place of that scheme alone, and comes before m2."""
    value = model("value", per="shop", tiers=["low", "mid", "high"], features=SPEND, rules=RULES)
    reader = model("a_reader", per="shop", tiers=["no", "yes"], features={}, rules={"yes": "tier.value = 'mid'"})
    tier = "high" if taken_over == "value" else "no"
    opening = HoldChange(at("2026-03-02"), taken_over, "m1", "opened", opening=Opening(tier, at("2026-01-01"), "key:1"))
    facts = table([fact("2026-03-01T10:00", "order", 15_000, shop="m2"), fact("2026-03-03T10:00", "visit", shop="m2")])
    forces = {compiled.scheme: (Force(compiled, ALWAYS),) for compiled in (value, reader)}
    done = decide([Subject(ANN, 0, changes=(opening,))], facts, forces, at("2026-03-05")).decided[0]
    assert {scope: seen.standing.tier for scope, seen in done.observation.schemes["a_reader"].items()} == {
        "m2": "yes",
        **({"m1": "no"} if taken_over == "a_reader" else {}),
    }


def test_under_a_ceiling_no_review_that_may_raise_it_is_waited_for() -> None:
    """Continuous reviews would be due at every microsecond."""
    march = table([fact("2026-03-01T10:00", "order", 40_000)])
    done = live(ladder(upgrade="at_review"), march, pinned("2026-03-02", "ceiling", "mid"), until="2026-03-05")
    assert done.due_at == at("2026-03-31")
