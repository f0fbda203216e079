"""What is dropped comes back equal; a rebuild serves the old version until the new one has caught up."""

import threading
from collections.abc import Callable

import pytest
from opensearchpy import OpenSearch
from redis import Redis

from infrastructure.read_models.ledger import PostgresLedger
from projections import rebuild as versions
from projections.catalogue import CATALOGUE, ReadModel
from projections.checkpoint import Status
from projections.read_models import ReadModels
from projections.user_card.view import UserCards, UserCardView, prefix
from projections.user_search.view import UserSearchView
from tests.projections.written_log import WrittenLog

CARD, SEARCH = CATALOGUE["user_card"].version, CATALOGUE["user_search"].version
USERS = {f"u{number}": ["low", "mid", "high"][number % 3] for number in range(90)}


@pytest.fixture
def contents(cards: UserCardView, search: UserSearchView) -> Callable[[str], object]:
    def of(name: str) -> object:
        if name == "user_card":
            return cards.read_many(sorted(USERS)), cards.counts(), cards.scope_counts("loyalty", "m-1", ["low", "high"])
        return {document["subject_id"]: document for document in search.members()}

    return of


def test_a_dropped_redis_comes_back_equal(
    models: ReadModels, log: WrittenLog, redis: Redis, contents: Callable[[str], object]
) -> None:
    log.decide(USERS)
    models.to_head("user_card")
    before = contents("user_card")
    redis.flushdb()
    assert contents("user_card") == ({}, {}, {"low": 0, "high": 0})
    assert models.to_head("user_card")
    assert contents("user_card") == before


def test_a_deleted_index_comes_back_equal(
    models: ReadModels, log: WrittenLog, search_client: OpenSearch, opensearch, contents: Callable[[str], object]
) -> None:
    log.decide(USERS)
    models.to_head("user_search")
    before = contents("user_search")
    assert len(before) == len(USERS)  # type: ignore[arg-type]
    search_client.indices.delete(index=f"{opensearch.prefix}tierline-user-search-v{SEARCH}")
    assert models.to_head("user_search")
    assert contents("user_search") == before


@pytest.mark.parametrize("name", ["user_card", "user_search"])
def test_a_rebuild_ends_with_the_same_in_the_next_version(
    name: str, models: ReadModels, log: WrittenLog, ledger: PostgresLedger, contents: Callable[[str], object]
) -> None:
    log.decide(USERS)
    models.to_head(name)
    before = contents(name)
    first = CATALOGUE[name].version
    assert models.rebuild(name) == first + 1
    assert contents(name) == before
    assert [tuple(one) for one in ledger.versions(name)] == [(first + 1, Status.SERVING)]
    assert models.rebuild(name) == first + 2
    assert contents(name) == before


@pytest.mark.parametrize("name", ["user_card", "user_search"])
def test_a_rebuild_under_writes_misses_none(
    name: str, models: ReadModels, log: WrittenLog, cards: UserCardView, search: UserSearchView
) -> None:
    log.decide(USERS)
    models.to_head(name)
    stop = threading.Event()

    def go_on() -> None:
        for number in range(1_000):
            if stop.is_set() and number >= 10:
                return
            log.decide({f"u{number % 90}": "high", f"new{number}": "low"})

    writer = threading.Thread(target=go_on)
    writer.start()
    models.rebuild(name)
    stop.set()
    writer.join()
    assert models.to_head(name)
    findings = models.verify()[name]
    assert findings.equal, findings
    assert findings.checked > len(USERS)


def test_the_old_version_answers_until_the_switch(models: ReadModels, log: WrittenLog, cards: UserCardView) -> None:
    log.decide(USERS)
    models.to_head("user_card")
    assert models.start_rebuild("user_card") == CARD + 1
    assert models.start_rebuild("user_card") == CARD + 1  # one at a time: it goes on
    (status,) = [one for one in models.status() if one.name == "user_card"]
    assert (status.version, status.building) == (CARD, {"version": CARD + 1, "position": 0})
    assert len(cards.read_many(sorted(USERS))) == len(USERS)
    while models.catch_up("user_card").more:
        pass
    (status,) = [one for one in models.status() if one.name == "user_card"]
    assert (status.version, status.building) == (CARD + 1, None)
    assert len(cards.read_many(sorted(USERS))) == len(USERS)


def test_a_crash_between_the_store_and_the_book_is_healed(
    models: ReadModels, log: WrittenLog, ledger: PostgresLedger, redis: Redis, cards: UserCardView
) -> None:
    log.decide(USERS)
    models.to_head("user_card")
    models.start_rebuild("user_card")
    UserCards(redis).point_to(CARD + 1)  # the switch's first half
    models.to_head("user_card")
    assert [tuple(one) for one in ledger.versions("user_card")] == [(CARD + 1, Status.SERVING)]
    assert len(cards.read_many(sorted(USERS))) == len(USERS)


def test_a_retired_version_leaves_nothing_behind(
    models: ReadModels, log: WrittenLog, redis: Redis, search_client: OpenSearch, opensearch
) -> None:
    log.decide(USERS)
    for name in ("user_card", "user_search"):
        models.to_head(name)
        models.rebuild(name)
    left = list(redis.scan_iter(match=f"{prefix(CARD)}*"))
    assert left == [f"{prefix(CARD)}moved".encode()]
    assert set(search_client.indices.get(index=f"{opensearch.prefix}tierline-user-search*")) == {
        f"{opensearch.prefix}tierline-user-search-v{SEARCH + 1}"
    }


def test_a_new_shape_is_rebuilt_by_itself(ledger: PostgresLedger) -> None:
    first, second = CATALOGUE["user_card"], ReadModel("user_card", CARD + 3, "redis", observations=True)
    assert [tuple(one) for one in versions.settle_versions(ledger, first)] == [(CARD, Status.SERVING)]
    for _ in range(2):
        found = versions.settle_versions(ledger, second)
        assert [tuple(one) for one in found] == [(CARD, Status.SERVING), (CARD + 3, Status.BUILDING)]
