"""A model beside the schemes and facts that there are: the same is told by lint, by drafting and by activating."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from application.tier_models.lint_tier_model import LintTierModel
from application.tier_models.schedule_tier_model import ScheduleTierModel
from domain.facts.instants import SECOND, parse_instant
from domain.facts.kinds import KindDefinition
from domain.tier_model.migration import Migration
from domain.tier_model.spec import ModelInvalid
from infrastructure.facts.fact_kinds import PostgresFactKinds
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
NOW = parse_instant("2026-03-02T00:00:00Z")


@pytest.fixture
def system(database: str):
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(NOW)
        yield system


def model(scheme: str, rule: str = "orders >= 1", days: int = 30) -> str:
    return f"""\
scheme: {scheme}
dimension: value
time_zone: UTC
currency: USD
tiers: [low, high]
features: {{orders: {{count: order, within: {days} days}}}}
rules: {{high: "{rule}"}}
"""


def drafted(system: LedgerSystem, text: str) -> list[str]:
    return [fault.message for fault in CreateTierModel(system.models)(text, "test")[1]]


def linted(system: LedgerSystem, text: str) -> list[str]:
    return [fault.message for fault in LintTierModel(system.models)(text)]


def test_a_window_longer_than_the_history_is_told(system: LedgerSystem) -> None:
    assert linted(system, model("value", days=400)) == []  # nothing is known before the first fact
    system.facts([order("o1", "ann", NOW - 90 * DAY)])
    for days, said in (
        (89, []),
        (91, ["looks back further than the facts there are: users look quieter than they were"]),
    ):
        assert linted(system, model("value", days=days)) == said
        assert drafted(system, model("value", days=days)) == said


def test_a_kind_of_facts_that_nobody_registered_is_told(system: LedgerSystem) -> None:
    kinds = PostgresFactKinds(system.pool)
    text = model("value").replace("count: order", "count: oder").replace("orders:", "others: {count: badge}, orders:")

    def told() -> list[tuple[str, str]]:
        found = LintTierModel(system.models, None, kinds)(text)
        assert CreateTierModel(system.models, kinds)(text, "test")[1] == found
        return [(fault.message, fault.remedy) for fault in found if "kind" in fault.message]

    badge = "reads facts of the kind badge, and there is no such kind"
    order_meant = "Did you mean order? If not, register it first: tierline facts register oder"
    assert told() == [
        (badge, "Register it first: tierline facts register badge"),
        ("reads facts of the kind oder, and there is no such kind", order_meant),
    ]
    PostgresFactKinds(system.pool).register("badge", KindDefinition())
    assert [remedy for _, remedy in told()] == [order_meant]


def test_a_scheme_that_is_not_there_is_told_and_cannot_be_put_in_force(system: LedgerSystem) -> None:
    text = model("mine", "tier.vale = 'high'")
    system.activate(model("value"))
    assert (
        linted(system, text)
        == drafted(system, text)
        == ["reads tier.vale, and there is no such scheme yet: it is null"]
    )
    with pytest.raises(ModelInvalid, match="there is no such scheme"):
        ActivateTierModel(system.models)("mine", None, "test")


def test_a_scheme_that_is_only_drafted_can_be_read_and_its_tiers_are_known(system: LedgerSystem) -> None:
    assert drafted(system, model("value")) == []
    assert drafted(system, model("mine", "tier.value = 'high'")) == []
    ActivateTierModel(system.models)("mine", None, "test")
    with pytest.raises(ModelInvalid, match="'hihg', which is no tier of it"):
        drafted(system, model("other", "tier.value = 'hihg'"))


def test_a_circle_is_refused_when_it_would_close(system: LedgerSystem) -> None:
    assert drafted(system, model("a", "tier.b = 'high'")) != []  # no such scheme yet
    drafted(system, model("b", "tier.a = 'high'"))
    ActivateTierModel(system.models)("a", None, "test")  # b is drafted and decides nothing yet
    with pytest.raises(ModelInvalid, match="b -> a -> b"):
        ActivateTierModel(system.models)("b", None, "test")
    assert [view.status for view in system.models.versions("b")] == ["fitted"]


def test_a_circle_with_what_is_scheduled_is_refused(system: LedgerSystem) -> None:
    system.activate(model("a"))
    system.activate(model("b"))
    drafted(system, model("a", "tier.b = 'high'"))
    ScheduleTierModel(system.models)("a", 2, "test", at=NOW + 10 * DAY)
    drafted(system, model("b", "tier.a = 'high'"))
    with pytest.raises(ModelInvalid, match="b -> a -> b"):
        ActivateTierModel(system.models)("b", None, "test")


def test_a_circle_with_who_stays_on_the_version_before_is_refused(system: LedgerSystem) -> None:
    system.activate(model("b"))
    system.activate(model("a", "tier.b = 'high'"))
    drafted(system, model("a", "orders >= 2"))
    ActivateTierModel(system.models)("a", None, "test", migration=Migration(percent=50))
    drafted(system, model("b", "tier.a = 'high'"))
    with pytest.raises(ModelInvalid, match="b -> a -> b"):
        ActivateTierModel(system.models)("b", None, "test")
    ActivateTierModel(system.models)("a", 2, "test")
    assert ActivateTierModel(system.models)("b", 2, "test")[0].status == "active"


def test_a_scheme_stays_what_it_is_kept_per(system: LedgerSystem) -> None:
    system.activate(model("value"))
    drafted(system, "per: merchant_id\n" + model("value"))
    with pytest.raises(ModelInvalid, match=r"per: is not what the version in force is kept per \(the platform\)"):
        ActivateTierModel(system.models)("value", None, "test")


def test_of_two_activations_at_a_time_that_close_a_circle_one_is_refused(system: LedgerSystem) -> None:
    drafted(system, model("a", "tier.b = 'high'"))
    drafted(system, model("b", "tier.a = 'high'"))

    def activate(scheme: str) -> Any:
        try:
            return ActivateTierModel(system.models)(scheme, None, "test")[0].status
        except ModelInvalid as refusal:
            return type(refusal)

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(activate, ("a", "b")))
    assert sorted(map(str, outcomes)) == sorted([str(ModelInvalid), "active"])
