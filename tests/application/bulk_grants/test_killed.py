"""Processes that grant in bulk are killed at any moment: each member is granted once, and everything agrees."""

import multiprocessing
import os
import random
import signal
from collections.abc import Iterator

import pytest

from tests.application.bulk_grants.bulk import BulkSystem
from tests.support.benefits import COUPON, accounts, open_budget, put_in_force

_PEOPLE, _FITTING = 2_400, 2_000


@pytest.fixture
def system(database: str) -> Iterator[BulkSystem]:
    with BulkSystem(database) as system:
        system.people(low=_PEOPLE)
        yield system


def grant_for_ever(dsn: str) -> None:
    """A process that is killed."""
    with BulkSystem(dsn) as system:
        while True:
            system.bulk.perform()


def kill_in_the_middle(system: BulkSystem, run_id: str, column: str, times: int) -> list[int]:
    """Two processes at a time, killed once they have got on; how far they were each time."""
    context, reached = multiprocessing.get_context("spawn"), []
    for _ in range(times):
        processes = [context.Process(target=grant_for_ever, args=(system.dsn,)) for _ in range(2)]
        for process in processes:
            process.start()
        before = done = system.rows(f"select sum({column}) from bulk_grant_parts where run_id = '{run_id}'")[0][0]
        while done < before + random.randint(1, 400) and done < _PEOPLE:
            assert any(process.is_alive() for process in processes)
            [[done]] = system.rows(f"select sum({column}) from bulk_grant_parts where run_id = '{run_id}'")
        for process in processes:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        reached.append(int(done))
    return reached


def test_killed_and_gone_on_with_each_is_granted_once(system: BulkSystem) -> None:
    open_budget(system.dsn, "spring", _FITTING * 1_000)
    put_in_force(system.dsn, {**COUPON, "stock": _PEOPLE, "budget": "spring"})
    run_id = system.started().run_id
    reached = kill_in_the_middle(system, run_id, "done", 2)
    assert reached[0] < _PEOPLE, "it was over before it was killed"
    done = system.worked(run_id)
    skipped = _PEOPLE - _FITTING
    assert (done.state, done.progress.granted, done.progress.left) == ("finished", _FITTING, 0)
    assert (done.progress.skipped, done.progress.cost) == ({"budget-exhausted": skipped}, _FITTING * 1_000)
    assert system.rows("select count(*), count(distinct subject_id), sum(units) from grants") == [
        (_FITTING, _FITTING, _FITTING)
    ]
    told = system.rows("select count(*) from events where topic = 'user-tier.benefit-granted.v1'")
    assert told == [(_FITTING,)]
    assert accounts(system.dsn) == {
        "budget:spring": (_FITTING * 1_000, _FITTING * 1_000, 0),
        "stock:coupon-10": (_PEOPLE, _FITTING, 0),
    }
    last = "select max(originator_version) from events where originator_id = subject_id"
    assert system.rows(f"select count(*) from timelines where stream_version <> ({last})") == [(0,)]

    system.bulk.revert(run_id, "key:op", reason="all of it")
    kill_in_the_middle(system, run_id, "looked_at", 1)
    reverted = system.worked(run_id)
    assert (reverted.state, reverted.progress.reverted) == ("reverted", _FITTING)
    assert accounts(system.dsn)["budget:spring"] == (_FITTING * 1_000, 0, 0)
    assert system.rows("select move, count(*) from grant_moves group by move") == [("revoked", _FITTING)]
