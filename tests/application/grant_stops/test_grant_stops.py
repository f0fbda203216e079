"""The kill switch on a real ledger: what is stopped is in the table that granting looks up, and in the log."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from application.benefits.catalogue import BenefitCatalogue
from domain.benefits.refusals import UnknownBenefit, UnknownBudget
from domain.budgets.terms import BudgetTerms
from domain.grant_stops.scopes import NotStopped, StopInvalid
from domain.refusal import Refusal
from domain.tier_model.reviewing import WordsInvalid
from infrastructure.benefits.wiring import benefit_catalogue
from infrastructure.event_store.application import Ledger
from infrastructure.settings import Settings
from infrastructure.tier_models.in_force import LOCK_SHARED
from tests.domain.benefits.test_aggregate import COUPON
from tests.support.ledger import LedgerSystem
from tests.support.waiting import wait_for

RUN = "0F8FAD5B-D9CB-469F-A165-70867728950E"


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database) as system:
        yield system


@pytest.fixture
def benefits(system: LedgerSystem) -> BenefitCatalogue:
    benefits = benefit_catalogue(system.pool, Ledger(system.pool, system.keyring), Settings())
    benefits.draft(COUPON, "key:ann")
    benefits.define_budget("spring", BudgetTerms(1_000, "CNY", "UTC"), "key:ann")
    return benefits


def events(system: LedgerSystem) -> list[tuple[str, str]]:
    query = "select topic, actor from events where topic like 'grant-stop.%%' order by position"
    with system.pool.connection() as connection:
        return [(topic.split(".")[1], actor) for topic, actor in connection.execute(query)]


def stopped(benefits: BenefitCatalogue) -> set[str]:
    return {view.scope for view in benefits.stops.all()}


def test_everything_of_every_kind_is_stopped_and_lifted(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    scopes = ["*", "benefit:ten-off", "budget:spring", "campaign:双十一/2026", f"bulk:{RUN}"]
    for scope in scopes:
        view = benefits.stop_grants(scope, "key:ann", reason="a wrong price")
        assert (view.stopped_by, view.reason) == ("key:ann", "a wrong price")
    assert stopped(benefits) == {*scopes[:4], f"bulk:{RUN.lower()}"}, "a run is named as the database writes it"
    for scope in scopes:
        assert benefits.lift_stop(scope, "key:bob", reason="mended") > 0
    assert stopped(benefits) == set()
    assert events(system) == [("stopped", "key:ann")] * 5 + [("lifted", "key:bob")] * 5
    benefits.stop_grants("*", "key:cid", reason="again")
    assert events(system)[-1] == ("stopped", "key:cid")


def test_twice_is_once_and_the_first_reason_stays(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    first = benefits.stop_grants("*", "key:ann", reason="a wrong price")
    assert benefits.stop_grants("*", "key:bob", reason="me too") == first
    assert events(system) == [("stopped", "key:ann")]


@pytest.mark.parametrize(
    ("scope", "refusal"),
    [
        ("", StopInvalid),
        ("everything", StopInvalid),
        ("user:u-1", StopInvalid),
        ("benefit:", StopInvalid),
        ("bulk:17", StopInvalid),
        ("campaign:a\nb", StopInvalid),
        ("benefit:ten-of", UnknownBenefit),
        ("budget:sprint", UnknownBudget),
    ],
)
def test_a_scope_that_stops_nothing_is_refused(
    system: LedgerSystem, benefits: BenefitCatalogue, scope: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        benefits.stop_grants(scope, "key:ann", reason="a typing error would look like safety")
    assert events(system) == []


def test_a_stop_says_why_and_lifting_needs_one(benefits: BenefitCatalogue) -> None:
    with pytest.raises(WordsInvalid):
        benefits.stop_grants("*", "key:ann", reason=" ")
    with pytest.raises(NotStopped):
        benefits.lift_stop("*", "key:ann")
    benefits.stop_grants("*", "key:ann", reason="a wrong price")
    benefits.lift_stop("*", "key:ann")
    with pytest.raises(NotStopped):
        benefits.lift_stop("*", "key:ann")


def test_it_answers_when_grants_under_way_have_ended(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    """So that after its answer no grant is made that had looked before it."""
    waiting = """select count(*) from pg_locks where locktype = 'advisory' and not granted
                 and database = (select oid from pg_database where datname = current_database())"""

    def counted() -> bool:
        with system.pool.connection() as connection:
            return connection.execute(waiting).fetchone() == (1,)

    with ThreadPoolExecutor(1) as threads, system.pool.connection() as grant:
        grant.execute(LOCK_SHARED)
        stop = threads.submit(lambda: benefits.stop_grants("*", "key:ann", reason="a wrong price"))
        wait_for(counted)
        assert stopped(benefits) == set() and not stop.done()
        grant.rollback()
        assert stop.result(20).scope == "*"
    assert stopped(benefits) == {"*"}


def test_many_at_once_stop_once(system: LedgerSystem, benefits: BenefitCatalogue) -> None:
    acts: list[Callable[[], object]] = [
        lambda n=n: benefits.stop_grants("*", f"key:{n}", reason="a wrong price") for n in range(5)
    ]
    with ThreadPoolExecutor(5) as threads:
        assert len({id(view) for view in threads.map(lambda act: act(), acts)}) == 5
    assert [name for name, _ in events(system)] == ["stopped"]
