"""Whom an activation reaches in bulk: from where they are decided, and who is not decided anew."""

import json

import pytest

from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.tier_model.migration import Migration
from domain.user_tier.decide import decide
from tests.application.evaluation.test_evaluate import DAY, MODEL, START, _told, system
from tests.support.ledger import LedgerSystem, order

__all__ = ["system"]


def test_whom_an_activation_reaches_late_is_decided_at_everything_missed_before(system: LedgerSystem) -> None:
    system.activate(MODEL)
    system.facts([order(f"o{number}", "ann", START) for number in range(3)])
    system.facts([order("o", "bob", START)])
    system.settle()
    system.clock.set(START + 5 * DAY)
    system.activate({**MODEL, "rules": {"mid": "orders >= 1", "high": "orders >= 4"}})
    system.clock.set(START + 11 * DAY)  # the orders have left the ten days: both are due, and behind
    system.activate({**MODEL, "rules": {"mid": "orders >= 0", "high": "orders >= 4"}})
    activated_at = next(view.activated_at for view in system.models.versions() if view.version == 2)
    reached = 0
    while reached < 2:
        with system.evaluation.take_behind(10) as taken:
            assert taken is not None
            work = taken.work
            assert {subject.decided_at for subject in work.subjects} == {(activated_at or 0) - 1}, "nothing was due"
            taken.record(decide(work.subjects, work.table, work.forces, work.now))
            reached += len(work.subjects)
    assert system.settle() == 0
    last = [("mid", "low", "timer"), ("low", "mid", "model-change")]
    assert _told(system.events()["ann"]) == [(None, "high", "evaluation"), ("high", "mid", "model-change"), *last]
    assert _told(system.events()["bob"]) == [(None, "mid", "evaluation"), *last]
    system.assert_proven()


@pytest.mark.parametrize(
    ("version", "percent", "again"), [(2, 50.0, Migration("up-only")), (1, 30.0, Migration("up-only"))]
)
def test_whoever_is_on_a_version_already_is_not_decided_anew_when_it_comes_for_everybody(
    system: LedgerSystem, version: int, percent: float, again: Migration
) -> None:
    """More of a rollout, and a roll back before all of it: nobody is promised again what is promised already, or what
    they have no need of."""
    staying = MODEL | {"features": {"orders": {"count": "order", "within": "30 days"}}}
    staying |= {"policy": {"downgrade": {"review": "continuous"}, "minimum_stay": "60 days"}}
    system.activate(staying)
    system.facts([order(f"o{n}", f"u-{user}", START) for user in range(40) for n in range(3)])
    system.settle()
    view, _ = CreateTierModel(system.models)(json.dumps(staying | {"labels": {"high": {"en": "High"}}}), "test")
    activate = ActivateTierModel(system.models)
    activate("value", view.version, "test", migration=Migration("up-only", percent=percent))
    system.settle()
    system.clock.set(START + 40 * DAY)
    system.settle()  # so that nobody is due: they are all reached in bulk
    activate("value", version, "test", migration=again)
    system.settle()
    system.clock.set(START + 90 * DAY)
    system.settle()
    standings = [system.observed(f"u-{user}").schemes["value"][""] for user in range(40)]
    assert {seen.version for seen in standings} == {version}
    assert {seen.standing.tier for seen in standings} == {"low", "high"}, "some came to it only then, with its promise"
    system.assert_proven()
