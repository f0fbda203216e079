"""Benefits on a real ledger: what is granted is what the tables say, races have one outcome, refusals leave nothing."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from application.benefits.catalogue import BenefitCatalogue
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.benefits.reading import BenefitInvalid
from domain.benefits.refusals import StockBelowPromised, UnknownBenefit
from domain.refusal import Refusal
from domain.tier_model.migration import Migration
from domain.tier_model.refusals import NotApproved, VersionUnknown
from infrastructure.benefits.wiring import benefit_catalogue
from infrastructure.event_store.application import Ledger
from infrastructure.settings import Settings
from tests.support.ledger import LedgerSystem

GIFT = yaml.safe_load((Path(__file__).parents[3] / "examples" / "benefits" / "welcome-gift.yaml").read_text())
del GIFT["budget"]
MODEL: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "UTC",
    "currency": "USD",
    "tiers": ["low", "high"],
    "features": {"orders": {"count": "order"}},
    "rules": {"high": "orders >= 3"},
}


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database) as system:
        yield system


@pytest.fixture
def benefits(system: LedgerSystem) -> BenefitCatalogue:
    return benefit_catalogue(system.pool, Ledger(system.pool, system.keyring), Settings(approvals="required"))


def gift(**changes: Any) -> str:
    return json.dumps({key: value for key, value in (GIFT | changes).items() if value is not None})


def in_force(benefits: BenefitCatalogue, **changes: Any) -> int:
    """Drafted, submitted, approved and granted; the version."""
    version = benefits.draft(gift(**changes), "key:ann")[0].version
    benefits.submit("welcome-gift", version, "key:ann")
    benefits.approve("welcome-gift", version, "key:bob", content_hash=None)
    assert benefits.activate("welcome-gift", version, "key:ann", as_admin=False)[1] > 0
    return version


def rows(system: LedgerSystem, query: str) -> list[Any]:
    with system.pool.connection() as connection:
        return connection.execute(query.encode()).fetchall()


def statuses(system: LedgerSystem) -> list[str]:
    return [row[0] for row in rows(system, "select status from benefits order by version")]


def topics(system: LedgerSystem) -> list[str]:
    found = rows(system, "select topic from events where topic like 'benefit.%' order by position")
    return [row[0].split(".")[1] for row in found]


def stock(system: LedgerSystem) -> list[Any]:
    return rows(system, "select account, allowed, reserved, spent from accounts order by account")


def tried(*acts: Callable[[], object]) -> list[str]:
    def one(act: Callable[[], object]) -> str:
        try:
            act()
        except Refusal as refusal:
            return type(refusal).__name__
        return "ok"

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(one, acts))


def test_from_the_file_into_force(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    assert in_force(benefits) == 1
    shown = benefits.show("welcome-gift")
    assert (shown.status, shown.review.approved_by, shown.spec["stock"]) == ("active", "key:bob", 1000)
    assert topics(system) == ["drafted", "submitted", "approved", "activated"]
    assert stock(system) == [("stock:welcome-gift", 1000, 0, 0)]
    again, _ = benefits.draft(gift(), "key:cid")
    assert (again.version, again.created_by) == (1, "key:ann"), "the same content is that version again"
    assert benefits.versions.versions() == [shown]


def test_another_version_takes_its_place_and_the_stock_follows(
    system: LedgerSystem, benefits: BenefitCatalogue
) -> None:
    in_force(benefits)
    in_force(benefits, stock=5)
    assert (statuses(system), stock(system)) == (["retired", "active"], [("stock:welcome-gift", 5, 0, 0)])
    in_force(benefits, stock=None)
    assert stock(system) == [("stock:welcome-gift", 5, 0, 0)], "a version without stock removes nothing"
    benefits.activate("welcome-gift", 1, "key:ann", as_admin=False)
    assert (statuses(system), stock(system)[0][1]) == (["active", "retired", "retired"], 1000)
    benefits.retire("welcome-gift", 1, "key:ann")
    assert statuses(system) == ["retired"] * 3


def test_a_stock_holds_what_is_granted_already(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    in_force(benefits)
    with system.pool.connection() as connection:
        connection.execute("update accounts set reserved = 7, spent = 4")
    with pytest.raises(StockBelowPromised, match="11 of 'welcome-gift'"):
        in_force(benefits, stock=10)
    assert (statuses(system), stock(system)[0][1]) == (["active", "approved"], 1000)
    assert topics(system)[-1] == "approved"
    assert in_force(benefits, stock=11) == 3


def test_nobody_skips_approval_where_it_is_required(benefits: BenefitCatalogue) -> None:
    benefits.draft(gift(), "key:ann")
    with pytest.raises(NotApproved):
        benefits.activate("welcome-gift", 1, "key:admin", as_admin=True)
    free = benefits.draft(gift(benefit="free-gift", unit_cost=0), "key:ann")[0]
    assert benefits.activate("free-gift", 1, "key:ann", as_admin=False)[0].status == "active"
    assert free.benefit == "free-gift"


def test_a_change_is_looked_at_again(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    benefits.draft(gift(), "key:ann")
    benefits.submit("welcome-gift", 1, "key:ann")
    benefits.approve("welcome-gift", 1, "key:bob", content_hash=None)
    view, _ = benefits.revise("welcome-gift", 1, gift(stock=3), "key:ann")
    assert (view.status, view.review.approved_by, view.spec["stock"]) == ("draft", "", 3)
    with pytest.raises(NotApproved):
        benefits.activate("welcome-gift", 1, "key:ann", as_admin=False)
    with pytest.raises(BenefitInvalid, match="is another benefit"):
        benefits.revise("welcome-gift", 1, gift(benefit="other"), "key:ann")
    assert topics(system)[-1] == "revised"


def test_it_is_held_against_the_schemes_that_there_are(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    text = gift(entitlement={"value": ["high"]}, unit_cost=0)
    assert [fault.path for fault in benefits.lint(text)] == ["entitlement.value"]
    with pytest.raises(BenefitInvalid, match="is no scheme in force"):
        benefits.draft(text, "key:ann")
    system.activate(MODEL)
    assert (benefits.lint(text), benefits.draft(text, "key:ann")[1]) == ([], [])
    renamed = MODEL | {"tiers": ["low", "top"], "rules": {"top": "orders >= 3"}}
    CreateTierModel(system.models)(json.dumps(renamed), "key:ann")
    ActivateTierModel(system.models)("value", 2, "key:ann", migration=Migration(mapping={"high": "top"}))
    with pytest.raises(BenefitInvalid, match="is no tier of scheme 'value'"):
        benefits.activate("welcome-gift", 1, "key:ann")


def test_unknown_names_are_refused(benefits: BenefitCatalogue) -> None:
    benefits.draft(gift(), "key:ann")
    with pytest.raises(UnknownBenefit) as refused:
        benefits.submit("welcome", 1, "key:ann")
    assert "welcome-gift" in refused.value.complaints[0].remedy
    for act in (benefits.show, lambda name, version: benefits.submit(name, version, "key:ann")):
        with pytest.raises(VersionUnknown):
            act("welcome-gift", 2)


def test_races_have_one_outcome(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    assert tried(*(lambda n=n: benefits.draft(gift(stock=n % 2 + 1), f"key:{n}") for n in range(6))) == ["ok"] * 6
    assert statuses(system) == ["draft"] * 2, "one version of each content"
    benefits.submit("welcome-gift", 1, "key:a")
    benefits.submit("welcome-gift", 2, "key:a")
    approve = [lambda n=n, v=v: benefits.approve("welcome-gift", v, f"key:boss{n}", content_hash=None)
               for n in range(2) for v in (1, 2)]  # fmt: skip
    assert tried(*approve) == ["ok"] * 4
    activate = [lambda n=n: benefits.activate("welcome-gift", n % 2 + 1, "key:a", as_admin=False) for n in range(6)]
    assert tried(*activate) == ["ok"] * 6
    assert sorted(statuses(system)) == ["active", "retired"]
    active = rows(system, "select (spec->>'stock')::int from benefits where status = 'active'")
    assert stock(system)[0][1] == active[0][0]
    assert topics(system).count("approved") == 2


def test_a_change_and_an_activation_at_once_never_grant_what_nobody_approved(
    system: LedgerSystem, benefits: BenefitCatalogue
) -> None:
    benefits.draft(gift(), "key:ann")
    benefits.submit("welcome-gift", 1, "key:ann")
    benefits.approve("welcome-gift", 1, "key:bob", content_hash=None)
    answers = tried(
        lambda: benefits.activate("welcome-gift", 1, "key:ann", as_admin=False),
        lambda: benefits.revise("welcome-gift", 1, gift(stock=3), "key:ann"),
    )
    assert answers in (["ok", "VersionPublished"], ["NotApproved", "ok"])
    assert (statuses(system), len(stock(system))) in ((["active"], 1), (["draft"], 0))
