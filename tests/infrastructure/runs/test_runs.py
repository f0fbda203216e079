"""Runs on real Postgres: taken by one at a time, gone on with after a death, read under way, forgotten with keys."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from application.runs.perform_runs import PerformRuns
from application.runs.ports import Part, RunTaken, UnknownRun
from domain.facts.instants import parse_instant
from infrastructure.runs.store import PostgresRuns
from tests.support.ledger import LedgerSystem, order

KIND = "count"


@pytest.fixture
def system(database: str) -> Iterator[LedgerSystem]:
    with LedgerSystem(database) as system:
        yield system


@pytest.fixture
def runs(system: LedgerSystem) -> PostgresRuns:
    return PostgresRuns(system.pool, system.keyring)


def silence(system: LedgerSystem) -> None:
    """As if the holder of every part had said nothing for long."""
    with system.pool.connection() as connection:
        connection.execute("update run_parts set lease_until = now() - interval '1 second'")


def subject(system: LedgerSystem) -> UUID:
    system.facts([order("o1", "ann", parse_instant("2026-01-01T00:00:00Z"))])
    with system.pool.connection() as connection:
        row = connection.execute("select subject_id from user_ids").fetchone()
    assert row is not None
    return row[0]


def test_each_part_is_taken_once(runs: PostgresRuns) -> None:
    run_id = runs.add(KIND, {"of": "sheep"}, "key:op", parts=4)
    assert runs.get(run_id, KIND).state == "waiting"
    taken: list[int] = []
    perform = PerformRuns(runs, {KIND: lambda part: taken.append(part.number)})
    with ThreadPoolExecutor(4) as threads:
        worked = list(threads.map(lambda _: perform(), range(8)))
    assert (sorted(taken), sum(worked)) == ([0, 1, 2, 3], 4)
    run = runs.get(run_id, KIND)
    assert (run.state, run.parameters, run.requested_by) == ("done", {"of": "sheep"}, "key:op")


def test_who_falls_silent_loses_the_part_and_another_goes_on(runs: PostgresRuns, system: LedgerSystem) -> None:
    run_id = runs.add(KIND, {}, "key:op", parts=1)
    first = runs.take([KIND], None)
    assert first is not None and runs.take([KIND], None) is None
    last = UUID(int=7)
    first.keep(10, 100, last, {"counted": 10})
    assert runs.get(run_id, KIND).state == "running"
    silence(system)
    second = runs.take([KIND], run_id)
    assert second is not None
    assert (second.after, second.result) == (last, {"counted": 10})
    with pytest.raises(RunTaken):
        first.keep(20, 100, last, {"counted": 20})
    runs.end(first)
    assert runs.get(run_id, KIND).state == "running", "who lost it does not end it"
    second.keep(100, 100, last, {"counted": 100})
    runs.end(second)
    run = runs.get(run_id, KIND)
    assert (run.state, run.done, run.total, run.results) == ("done", 100, 100, [{"counted": 100}])


def test_findings_are_sealed_named_and_gone_with_the_key(runs: PostgresRuns, system: LedgerSystem) -> None:
    ann = subject(system)
    run_id = runs.add(KIND, {}, "key:op", parts=1)
    part = runs.take([KIND], None)
    assert part is not None
    part.keep(1, 1, ann, {}, [(ann, {"wool": "white"}), (ann, {"wool": "black"}), (UUID(int=1), {"wool": "grey"})])
    found = runs.get(run_id, KIND).findings
    assert [(one["user_id"], one["wool"]) for one in found] == [("ann", "white"), ("ann", "black")]
    with system.pool.connection() as connection:
        row = connection.execute("select sealed from run_findings limit 1").fetchone()
        assert row is not None and b"white" not in row[0]
        connection.execute("delete from subjects where subject_id = %s", (ann,))
    assert runs.get(run_id, KIND).findings == []


def test_what_cannot_be_done_says_why_and_is_not_tried_again(runs: PostgresRuns) -> None:
    run_id = runs.add(KIND, {}, "key:op", parts=2)

    def job(part: Part) -> None:
        if part.number == 0:
            raise ValueError("no sheep")

    perform = PerformRuns(runs, {KIND: job})
    while perform():
        pass
    run = runs.get(run_id, KIND)
    assert (run.state, run.errors) == ("failed", ["ValueError: no sheep"])


def test_runs_are_found(runs: PostgresRuns) -> None:
    first = runs.add(KIND, {"of": "sheep", "by": 2}, "key:op", parts=1)
    second = runs.add(KIND, {"of": "sheep", "by": 3}, "key:op", parts=1)
    latest = runs.latest(KIND, {"of": "sheep"})
    assert latest is not None and latest.run_id in (first, second)
    found = runs.latest(KIND, {"by": 2})
    assert found is not None and found.run_id == first
    assert runs.latest(KIND, {"of": "goats"}) is None
    for unknown in ("no id", "6f6e0d3e-5c0c-4c4e-9f0e-0f1f6d1c2b3a"):
        with pytest.raises(UnknownRun):
            runs.get(unknown, KIND)
    with pytest.raises(UnknownRun):
        runs.get(first, "other")
