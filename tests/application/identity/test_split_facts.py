"""What a split does to facts: brought by several ids, voided, restricting, packed, and merged again."""

import pytest

from domain.user_tier.merging import FactsSplitOff
from infrastructure.facts.packing import pack
from tests.application.identity.test_merge import DAY, MODEL, START, Identities, _subject, features, identities, system
from tests.application.identity.test_split import merged, profile, query, void
from tests.support.ledger import LedgerSystem, order

__all__ = ["identities", "merged", "system"]


def test_what_both_have_brought_counts_for_both(system: LedgerSystem, identities: Identities) -> None:
    """Before the merge on both sides; after it under both ids; and twice in one request."""
    system.facts([order("a0", "bob", START, 100, note="n0")])
    assert identities.merge("ann", "bob").known_already == 1
    assert system.facts([order("a1", "bob", START, 100, note="n1")]).duplicates == 1
    assert system.facts([order("c0", "ann", START), order("c0", "bob", START)]).duplicates == 1
    done = identities.split("ann", "bob")
    assert (done.facts, done.voided) == (6, 3)
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (3, 6)
    system.assert_proven()


def test_what_left_is_not_brought_again_under_its_name(system: LedgerSystem, merged: Identities) -> None:
    merged.split("ann", "bob")
    told = system.facts([order("b0", "ann", START, 1_000, channel="app"), order("a5", "ann", START)])
    (rejected,) = told.rejected
    assert (told.accepted, rejected.index, rejected.errors[0].field) == (1, 0, "fact_id")
    assert "split off" in rejected.errors[0].detail and "of its own" in rejected.errors[0].remedy
    assert system.facts([order("b0", "ann", START, 5)]).rejected, "other content is a conflict as ever"
    assert system.facts([order("a1", "bob", START)]).accepted == 1, "the name is free for who has left"
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (3, 4)
    system.assert_proven()


def test_voids_go_with_what_they_void(system: LedgerSystem, merged: Identities) -> None:
    system.facts([void("v1", "ann", "b0"), void("v2", "bob", "b1"), void("v3", "bob", "a0"), void("v4", "ann", "a9")])
    done = merged.split("ann", "bob")
    assert (done.facts, done.voided) == (6, 1)
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (1, 1)
    system.facts([order("a9", "ann", START), order("a9", "bob", START)])
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (1, 2)
    system.assert_proven()


def test_a_void_that_stays_in_force_goes_on_with_the_user(system: LedgerSystem, merged: Identities) -> None:
    system.facts([void("v3", "bob", "a0"), order("e0", "eve", START)])
    merged.split("ann", "bob")
    merged.merge("eve", "ann")
    system.settle()
    assert features(system, "eve")["orders"] == 2
    system.assert_proven()


def test_what_restricts_holds_for_both(system: LedgerSystem, merged: Identities) -> None:
    system.facts(
        [
            profile("p1", "ann", minor=True, city="Ulm"),
            profile("p2", "bob", personalisation_opt_out=True, unsubscribed_sms=True, age=40),
            profile("p3", "bob", unsubscribed=False),
        ]
    )
    merged.split("ann", "bob")
    system.settle()
    both = {"minor": True, "personalisation_opt_out": True, "unsubscribed_sms": True}
    assert system.observed("ann").attributes == both | {"city": "Ulm"}
    assert system.observed("bob").attributes == both | {"age": 40, "unsubscribed": False}
    system.facts([profile("p4", "bob", minor=False) | {"occurred_at": "2026-03-03T00:00:00Z"}])
    system.settle()
    assert (system.observed("bob").attributes["minor"], system.observed("ann").attributes["minor"]) == (False, True)
    system.assert_proven()


def test_packs_hold_what_the_log_does(system: LedgerSystem, merged: Identities) -> None:
    system.facts([order(f"b{number}", "bob", START + number) for number in range(9, 40)])
    system.settle()
    ann = _subject(system, "ann")
    pack(system.pool, system.keyring, [ann])
    merged.split("ann", "bob")
    bob = _subject(system, "bob")
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (2, 34)
    assert pack(system.pool, system.keyring, [ann, bob]) == 2
    system.facts([order("a9", "ann", START), order("b99", "bob", START)])
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (3, 35)
    packs = "select subject_id, p.facts, p.chain = t.chain from packed_facts p join timelines t using (subject_id)"
    pack(system.pool, system.keyring, [ann, bob])
    counts = {row[0]: row[1:] for row in query(system, packs)}
    assert counts == {ann: (2 + 34 + 34 + 1, True), bob: (35, True)}
    system.assert_proven()


def test_merged_again_the_other_way_round(system: LedgerSystem, merged: Identities) -> None:
    merged.split("ann", "bob")
    system.facts([order("b9", "bob", START), order("a9", "ann", START)])
    system.settle()
    before = system.events()
    with pytest.raises(FactsSplitOff, match="3 facts") as refused:
        merged.merge("ann", "bob")
    assert refused.value.complaints[0].value == "/b0"
    assert "'ann' into 'bob'" in refused.value.complaints[0].remedy
    assert system.events() == before
    done = merged.merge("bob", "ann")
    assert (done.user_ids, done.facts) == (["ann", "bob"], 3)
    system.settle()
    assert features(system, "ann")["orders"] == 7
    system.assert_proven()
    assert merged.split("bob", "ann").facts == 3
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "bob")["orders"]) == (3, 4)
    system.assert_proven()


def test_who_left_and_came_back_can_leave_again(system: LedgerSystem, identities: Identities) -> None:
    """With nothing that is void at the survivor's, either way of merging will do."""
    identities.link("ann", "app-1", "key:op")
    identities.split("ann", "app-1")
    system.facts([order("x1", "app-1", START), order("x2", "app-1", START)])
    system.settle()
    assert identities.merge("ann", "app-1").facts == 2
    system.facts([order("x3", "app-1", START)])
    assert system.facts([order("x1", "app-1", START)]).duplicates == 1
    done = identities.split("ann", "app-1")
    assert (done.facts, done.voided) == (3, 3)
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "app-1")["orders"]) == (2, 3)
    system.assert_proven()


def test_what_came_before_ids_were_remembered_stays(system: LedgerSystem, identities: Identities) -> None:
    """As the migration leaves users who had several ids: no id is the first, and nobody knows what came by which."""
    identities.link("ann", "app-1", "key:op")
    system.facts([order("x1", "app-1", START)])
    number = "update user_ids set number = nextval('user_id_numbers') where user_id = 'ann' returning number"
    query(system, number)
    system.facts([order("x2", "ann", START)])
    assert identities.split("app-1", "ann").facts == 1
    system.settle()
    assert (features(system, "ann")["orders"], features(system, "app-1")["orders"]) == (1, 3)
    identities.merge("app-1", "bob")
    assert identities.split("app-1", "bob").facts == 3
    system.assert_proven()


GROWTH = {
    **{key: MODEL[key] for key in ("dimension", "time_zone", "currency")},
    "scheme": "growth",
    "tiers": ["plain", "silver", "gold"],
    "features": {},
    "growth": {
        "earn": {"shopping": {"points": 1, "each": "money(1.00)", "of": "order.amount"}},
        "deduct": {"gold": 300},
    },
    "rules": {"gold": "growth >= 1500", "silver": "growth >= 500"},
    "policy": {"downgrade": {"review": "validity"}, "validity": "30 days"},
}


def growth(system: LedgerSystem, user: str) -> tuple[str, object, int]:
    """Tier, growth value, and what of it was carried over the last settlement."""
    seen = system.observed(user).schemes["growth"][""]
    return seen.standing.tier, seen.features["growth"], seen.standing.growth_carried


def test_growth_value_follows_from_the_facts_of_each(system: LedgerSystem, identities: Identities) -> None:
    system.activate(GROWTH)
    system.facts([order("g1", "ann", START, 60_000), order("g2", "bob", START, 100_000)])
    system.settle()
    identities.merge("ann", "bob")
    system.settle()
    assert growth(system, "ann") == ("gold", 600 + 2 + 1_000 + 30, 0)
    system.clock.set(START + 40 * DAY)
    system.settle()
    assert growth(system, "ann") == ("silver", 1_332, 1_332), "settled: 300 are deducted"
    identities.split("ann", "bob")
    system.settle()
    assert growth(system, "ann") == ("silver", 302, 1_332), "what is carried stays, less what the facts had earned"
    assert growth(system, "bob") == ("silver", 1_030, 0)
    system.assert_proven()
