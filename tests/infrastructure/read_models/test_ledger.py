"""Leases, fences and versions in Postgres."""

from collections.abc import Iterator

import pytest

from infrastructure.postgres.pool import open_pool
from infrastructure.read_models.ledger import PostgresLedger
from projections.checkpoint import Status


@pytest.fixture
def ledger(database: str) -> Iterator[PostgresLedger]:
    pool = open_pool(database)
    ledger = PostgresLedger(pool)
    ledger.register("cards", 1, Status.SERVING, 4)
    yield ledger
    pool.close()


def test_a_fence_grows_with_each_new_holder_and_only_then(ledger: PostgresLedger) -> None:
    fences = [ledger.acquire("cards", 1, [0], holder, 0.0)[0].fence for holder in ("a", "a", "b", "a", "a")]
    assert fences == [1, 1, 2, 3, 3]


def test_a_held_lane_is_not_given_away(ledger: PostgresLedger) -> None:
    assert [lease.lane for lease in ledger.acquire("cards", 1, [0, 1], "a", 60)] == [0, 1]
    assert [lease.lane for lease in ledger.acquire("cards", 1, range(4), "b", 60)] == [2, 3]
    ledger.release("cards", 1, "a")
    assert [lease.lane for lease in ledger.acquire("cards", 1, range(4), "b", 60)] == [0, 1, 2, 3]


def test_a_reset_throws_every_holder_out(ledger: PostgresLedger) -> None:
    (lease,) = ledger.acquire("cards", 1, [2], "a", 60)
    assert ledger.save("cards", 1, {2: (lease.fence, 7)}) == {2}
    assert ledger.reset("cards", 1)
    assert ledger.save("cards", 1, {2: (lease.fence, 8)}) == set()
    assert ledger.positions("cards", 1) == {0: 0, 1: 0, 2: 0, 3: 0}


def test_a_retired_version_is_not_reset(ledger: PostgresLedger) -> None:
    ledger.set_status("cards", 1, Status.RETIRED)
    assert not ledger.reset("cards", 1)


def test_a_switch_retires_what_answered(ledger: PostgresLedger) -> None:
    ledger.register("cards", 2, Status.BUILDING, 4)
    ledger.switch("cards", 2)
    assert [tuple(one) for one in ledger.versions("cards")] == [(1, Status.RETIRED), (2, Status.SERVING)]
    ledger.forget("cards", 1)
    assert [(one.version, one.positions, one.parked) for one in ledger.overview()] == [(2, {0: 0, 1: 0, 2: 0, 3: 0}, 0)]
