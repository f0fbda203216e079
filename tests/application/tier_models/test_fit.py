"""Fitting on a real ledger: cuts, users per bin, learned scores; what it refuses; what is decided by it afterwards."""

import json
import random
from typing import Any

import pytest

from application.queries import InstantAhead
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from application.tier_models.fit_tier_model import LearnerNeeded, NothingToFitOn
from application.tier_models.learn import TooLittleHistory
from application.tier_models.ports import TierModelView
from domain.facts.instants import SECOND, parse_instant
from domain.tier_model.refusals import CutsNotFitted
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
NOW = parse_instant("2026-03-02T00:00:00Z")
CUTS = """
scheme: value
dimension: value
time_zone: UTC
currency: USD
tiers: [low, high]
features:
  spend: {sum: order.amount}
  orders: {count: order}
scores:
  m: {of: spend, bins: 2, fit: mean}
  f: {of: orders, cuts: [1, 2]}
rules:
  high: "m = 2 and f >= 2"
"""
FIXED = CUTS.replace("{of: spend, bins: 2, fit: mean}", "{of: spend, cuts: [250]}")
LEARNED = """
scheme: future
dimension: value
time_zone: UTC
currency: USD
tiers: [low, mid, high]
features:
  recency: {days_since: order}
  orders: {count: order, within: 60 days}
  spend: {sum: order.amount, within: 60 days}
scores:
  next: {learned: [recency, orders, spend], predict: {sum: order.amount}, horizon: 30 days}
  n3: {of: next, bins: 3}
rules:
  mid: "n3 >= 2"
  high: "n3 >= 3"
"""


@pytest.fixture
def system(database: str):
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(NOW)
        yield system


def drafted(system: LedgerSystem, text: str) -> TierModelView:
    return CreateTierModel(system.models)(text, "test")[0]


def fitted(system: LedgerSystem, text: str, **wanted: Any) -> TierModelView:
    view = drafted(system, text)
    return system.fit(view.scheme, view.version, wanted.pop("at", NOW), "test", **wanted)


def some_orders(system: LedgerSystem) -> None:
    """ann 100, bob 200, cid 600: the mean is 300."""
    facts = [order("a", "ann", NOW, 100), order("b", "bob", NOW, 200)]
    system.facts([*facts, *(order(f"c{number}", "cid", NOW, 150) for number in range(4))])
    system.clock.set(NOW + DAY)


def test_the_mean_and_the_users_of_every_bin_are_frozen(system: LedgerSystem) -> None:
    some_orders(system)
    view = fitted(system, CUTS, at=NOW + DAY)
    assert (view.status, view.unfitted) == ("fitted", ())
    assert view.spec["scores"]["m"]["cuts"] == [300.0]
    assert view.spec["fitted"]["baseline"] == {"m": [2, 1], "f": [2, 0, 1]}
    assert view.spec["fitted"]["scores"] == ["m"]
    assert system.fit("value", 1, None, "test") == view  # fitted once
    assert drafted(system, CUTS).version == 1  # the file is still that version


def test_a_version_with_written_cuts_can_be_fitted_for_its_baseline_alone(system: LedgerSystem) -> None:
    some_orders(system)
    assert fitted(system, FIXED, only_needed=True).spec.get("fitted") is None
    assert fitted(system, FIXED, at=NOW + DAY).spec["fitted"]["baseline"] == {"m": [2, 1], "f": [2, 0, 1]}
    view = drafted(system, FIXED.replace("250", "350"))
    ActivateTierModel(system.models)("value", view.version, "test")
    assert system.fit("value", view.version, None, "test").spec.get("fitted") is None  # in force: it does not change


def test_cuts_of_growth_value_and_of_standings_per_merchant(system: LedgerSystem) -> None:
    """Fitted on what everybody has earned at all; per merchant on every user's facts at every merchant."""
    growing = CUTS.replace("{of: spend, bins: 2, fit: mean}", "{of: growth, bins: 2}").replace(
        "rules:", "growth: {earn: {orders: {points: 5, of: order}}}\nrules:"
    )
    some_orders(system)
    assert fitted(system, growing, at=NOW + DAY).spec["scores"]["m"]["cuts"] == [5]
    at = NOW + DAY
    shops = [order(f"s-{shop}", user, at, 900, merchant_id=shop) for user, shop in ("ax", "ay", "bx")]
    system.facts(shops)
    system.clock.set(NOW + 2 * DAY)
    per = CUTS.replace("scheme: value", "scheme: shops\nper: merchant_id")
    view = fitted(system, per, at=NOW + 2 * DAY)
    assert view.spec["scores"]["m"]["cuts"] == [900.0]
    assert view.spec["fitted"]["baseline"] == {"m": [3, 0], "f": [3, 0, 0]}


def test_without_users_there_is_nothing_to_fit_on(system: LedgerSystem) -> None:
    for text in (CUTS, FIXED):
        with pytest.raises(NothingToFitOn, match="no values to fit on"):
            fitted(system, text)
    with pytest.raises(InstantAhead):
        fitted(system, CUTS, at=NOW + DAY)


def a_shop(system: LedgerSystem, seed: int = 0) -> None:
    """150 users whose spend has a level of its own, over 120 days; loaded as history, in an order of the seed."""
    draw = random.Random(1)
    facts = []
    for user in range(150):
        level, gap = draw.choice([300, 1_000, 5_000]), draw.choice([15, 25, 60])
        days = range(draw.randrange(20), 120, gap)
        facts += [
            order(f"o{day}", f"u{user}", NOW - (120 - day) * DAY + user * SECOND, level + draw.randrange(200))
            for day in days
        ]
    session = system.sessions.open("test")
    random.Random(seed).shuffle(facts)
    for start in range(0, len(facts), 1_000):
        assert system.facts(facts[start : start + 1_000], session.history_id).rejected == []
    system.sessions.seal(session.history_id, "test")


def test_a_learned_score_is_trained_measured_and_frozen(system: LedgerSystem, other_database: str) -> None:
    pytest.importorskip("sklearn")
    a_shop(system)
    view = fitted(system, LEARNED, learner="gradient-boosting")
    trained = view.spec["fitted"]["learned"]["next"]
    assert [part["name"] for part in trained["inputs"]] == ["recency", "orders", "spend"]
    assert trained["trained_at"] == NOW - 60 * DAY and trained["subjects"] >= 100
    assert trained["validation"]["subjects"] == 150
    assert trained["validation"]["model"]["spearman"] > 0.6 and trained["validation"]["plain"]["gini"] > 0.3
    assert len(view.spec["scores"]["n3"]["cuts"]) == 2 and sum(view.spec["fitted"]["baseline"]["n3"]) == 150
    # The same facts in another order, in another installation with other subject ids, are the same version.
    with LedgerSystem(other_database, manual_clock=True) as other:
        other.clock.set(NOW)
        a_shop(other, seed=2)
        assert fitted(other, LEARNED, learner="gradient-boosting").content_hash == view.content_hash


def test_a_trained_model_in_a_file_is_kept_when_its_cuts_are_fitted(system: LedgerSystem) -> None:
    pytest.importorskip("sklearn")
    a_shop(system)
    spec = fitted(system, LEARNED, learner="gradient-boosting").spec
    spec["scores"]["n3"].pop("cuts")
    spec["fitted"] |= {"scores": [], "baseline": {}}
    again = fitted(system, json.dumps(spec | {"scheme": "copy"}))
    assert again.spec["fitted"]["learned"] == spec["fitted"]["learned"]
    assert len(again.spec["scores"]["n3"]["cuts"]) == 2 and again.unfitted == ()


def test_what_is_learned_decides_the_same_day_by_day_and_all_at_once(system: LedgerSystem, other_database: str) -> None:
    """Nobody buys any more: days since the last order alone move the score, at the trees' thresholds."""
    pytest.importorskip("sklearn")
    told = []
    with LedgerSystem(other_database, manual_clock=True) as daily:
        daily.clock.set(NOW)
        for one, days in ((system, [100]), (daily, range(1, 101))):
            a_shop(one)
            fitted(one, LEARNED, learner="gradient-boosting")
            ActivateTierModel(one.models)("future", 1, "test")
            for day in days:
                one.clock.set(NOW + day * DAY)
                one.settle()
            moves = {
                user: [(event["to"], event["at"] // DAY) for event in events if event["to"]]
                for user, events in one.events().items()
            }
            told.append(moves)
    assert told[0] == told[1]
    assert len({day for moves in told[0].values() for _, day in moves}) > 3


def test_what_cannot_be_learned_is_refused(system: LedgerSystem) -> None:
    view = drafted(system, LEARNED)
    assert view.unfitted == ("next", "n3")
    with pytest.raises(CutsNotFitted) as caught:
        ActivateTierModel(system.models)("future", 1, "test")
    assert [complaint.field for complaint in caught.value.complaints] == ["scores.next.learned", "scores.n3.cuts"]
    for learner in (None, "forest"):
        with pytest.raises(LearnerNeeded, match="score 'next'") as needed:
            fitted(system, LEARNED, learner=learner)
        assert "gradient-boosting" in needed.value.complaints[0].remedy
    with pytest.raises(TooLittleHistory, match="There is no fact"):
        fitted(system, LEARNED, learner="gradient-boosting")
    a_shop(system)
    with pytest.raises(
        TooLittleHistory, match=r"only 0 users had facts by 2025-10-.*The first fact is of 2025-11-0"
    ) as little:
        fitted(system, LEARNED, at=NOW - 85 * DAY, learner="gradient-boosting")
    assert little.value.complaints[0].field == "scores.next.horizon"
    with pytest.raises(TooLittleHistory, match="the same for everybody in the 30 days after"):
        fitted(
            system, LEARNED.replace("sum: order.amount}, hor", "sum: refund.amount}, hor"), learner="gradient-boosting"
        )
