"""The append: whole or not at all, in order, last in its transaction, never over what is there."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import Connection

from infrastructure.event_store.append import AppendBatch, VersionConflict, append
from infrastructure.event_store.small_appends import EventStore
from infrastructure.postgres.pool import transaction
from infrastructure.security.seal import CONTEXT_EVENT
from tests.infrastructure.event_store.world import ALL, TIER_CHANGED, World, event, observation


def appended(world: World, batch: AppendBatch) -> int:
    with transaction(world.pool) as connection:
        return append(connection, batch)


def wait_for_a_waiter(world: World) -> None:
    """Until some session waits for a lock."""
    with psycopg.connect(world.dsn, autocommit=True) as connection:
        while not connection.execute("select 1 from pg_locks where not granted").fetchone():
            pass


def test_positions_are_consecutive_events_first(world: World) -> None:
    ann, bob = world.enrol("ann", "bob")
    last = appended(world, AppendBatch([event(ann, 1), event(bob, 1), event(ann, 2)], [observation(ann)]))
    batch = world.tail.read(ALL, 0, 10)
    assert [record.position for record in batch.records] == [last - 3, last - 2, last - 1, last]
    assert [(r.subject_id, getattr(r, "version", None)) for r in batch.records] == [
        (ann.subject_id, 1),
        (bob.subject_id, 1),
        (ann.subject_id, 2),
        (ann.subject_id, None),
    ]


def test_an_observation_is_replaced_and_moves_on(world: World) -> None:
    (ann,) = world.enrol("ann")
    first = appended(world, AppendBatch([], [observation(ann, facts_seen=1)]))
    second = appended(world, AppendBatch([], [observation(ann, facts_seen=2, through=9)]))
    (record,) = world.tail.read(ALL, 0, 10).records
    assert second > first
    assert (record.position, record.through, record.observation.facts_seen) == (second, 9, 2)  # type: ignore[union-attr]


def test_a_written_version_is_a_conflict_and_nothing_of_the_batch_is_written(world: World) -> None:
    ann, bob = world.enrol("ann", "bob")
    appended(world, AppendBatch([event(ann, 1)]))
    with pytest.raises(VersionConflict, match="read the stream and decide anew") as caught:
        appended(world, AppendBatch([event(bob, 1), event(ann, 1)], [observation(bob)]))
    assert (caught.value.stream_id, caught.value.version) == (ann.subject_id, 1)
    assert world.count() == 1
    assert world.count("observations") == 0


def test_it_joins_the_callers_transaction_and_commits_it(world: World) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        connection.execute("update timelines set stream_version = 1 where subject_id = %s", (ann.subject_id,))
        append(connection, AppendBatch([event(ann, 1)]))
        with psycopg.connect(world.dsn) as other:
            assert other.execute("select stream_version from timelines").fetchone() == (1,)


def test_a_conflict_takes_the_callers_statements_with_it(world: World) -> None:
    (ann,) = world.enrol("ann")
    appended(world, AppendBatch([event(ann, 1)]))

    def write() -> None:
        with transaction(world.pool) as connection:
            connection.execute("update timelines set stream_version = 2 where subject_id = %s", (ann.subject_id,))
            append(connection, AppendBatch([event(ann, 1)]))

    with pytest.raises(VersionConflict):
        write()
    with transaction(world.pool) as connection:
        assert connection.execute("select stream_version from timelines").fetchone() == (0,)


def test_an_empty_batch_commits_what_the_caller_did(world: World) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        connection.execute("update timelines set facts = 1 where subject_id = %s", (ann.subject_id,))
        assert append(connection, AppendBatch()) == 0
    with transaction(world.pool) as connection:
        assert connection.execute("select facts from timelines").fetchone() == (1,)


def test_what_is_stored_is_sealed(world: World) -> None:
    (ann,) = world.enrol("ann")
    data = {"cause": "evaluation", "receipt": {"spend": "a-secret-value"}}
    appended(world, AppendBatch([event(ann, 1, data=data)]))
    with transaction(world.pool) as connection:
        row = connection.execute("select topic, to_tier, state from events").fetchone()
    assert row is not None
    assert row[:2] == (TIER_CHANGED, "low")
    assert b"a-secret-value" not in row[2]
    assert b"a-secret-value" in ann.seal.unseal(CONTEXT_EVENT, row[2])


@pytest.mark.parametrize("when", ["before the append", "while it waits for the order lock"])
def test_a_session_killed_before_its_commit_leaves_nothing(world: World, when: str) -> None:
    (ann,) = world.enrol("ann")

    def write(connection: Connection) -> None:
        connection.execute("update timelines set stream_version = 1 where subject_id = %s", (ann.subject_id,))
        if when == "before the append":
            kill(connection.info.backend_pid)
        append(connection, AppendBatch([event(ann, 1)], [observation(ann)]))

    def kill(pid: int) -> None:
        with psycopg.connect(world.dsn, autocommit=True) as killer:
            killer.execute("select pg_terminate_backend(%s, 5000)", (pid,))

    with ThreadPoolExecutor(1) as threads, psycopg.connect(world.dsn) as blocker:
        if when != "before the append":
            blocker.execute("select tierline_order_lock()")
        with psycopg.connect(world.dsn) as connection:
            writing = threads.submit(write, connection)
            if when != "before the append":
                wait_for_a_waiter(world)
                kill(connection.info.backend_pid)
            assert isinstance(writing.exception(10), psycopg.OperationalError)
    assert world.count() == world.count("observations") == 0
    with transaction(world.pool) as connection:
        assert connection.execute("select stream_version from timelines").fetchone() == (0,)
    appended(world, AppendBatch([event(ann, 1)]))
    assert len(world.tail.read(ALL, 0, 10).records) == 1


def test_position_order_is_commit_order_also_for_a_bare_insert(world: World) -> None:
    """Whoever took a position first has committed first, for a second one waits until then."""
    ann, bob = world.enrol("ann", "bob")
    insert = "insert into events_p{} (originator_id, originator_version, topic, effective_at, recorded_at, state)"
    with transaction(world.pool) as connection:
        part = connection.execute(
            "select p from generate_series(0, 7) p where satisfies_hash_partition('events'::regclass, 8, p, %s::uuid)",
            (ann.subject_id,),
        ).fetchone()
    assert part is not None
    with ThreadPoolExecutor(1) as threads, psycopg.connect(world.dsn) as first:
        first.execute(
            (insert.format(part[0]) + " values (%s, 1, %s, 1, 1, %s)").encode(),
            (ann.subject_id, TIER_CHANGED, event(ann, 1).state),
        )
        second = threads.submit(appended, world, AppendBatch([event(bob, 1)]))
        wait_for_a_waiter(world)
        assert world.tail.read(ALL, 0, 10).records == []
        first.commit()
        second.result(10)
    assert [r.subject_id for r in world.tail.read(ALL, 0, 10).records] == [ann.subject_id, bob.subject_id]


def test_small_appends_of_many_threads_are_joined(world: World) -> None:
    store = EventStore(world.pool)
    refs = world.enrol(*(f"user-{number}" for number in range(64)))

    def write(number: int) -> int:
        return store.append_small(AppendBatch([event(refs[number], 1), event(refs[number], 2)]))

    with ThreadPoolExecutor(16) as threads:
        positions = list(threads.map(write, range(64)))
    found = {(r.subject_id, r.version): r.position for r in world.tail.read(ALL, 0, 1000).records}  # type: ignore[union-attr]
    assert len(found) == 128
    for ref, position in zip(refs, positions, strict=True):
        assert (found[ref.subject_id, 1], found[ref.subject_id, 2]) == (position - 1, position)


def test_a_conflict_among_joined_appends_harms_only_itself(world: World) -> None:
    store = EventStore(world.pool)
    refs = world.enrol(*(f"user-{number}" for number in range(16)))
    appended(world, AppendBatch([event(refs[7], 1)]))
    with ThreadPoolExecutor(16) as threads:
        futures = [threads.submit(store.append_small, AppendBatch([event(ref, 1)], [observation(ref)])) for ref in refs]
        errors = [future.exception() for future in futures]
    assert [number for number, error in enumerate(errors) if error] == [7]
    assert isinstance(errors[7], VersionConflict)
    assert world.count() == 16
    assert world.count("observations") == 15
