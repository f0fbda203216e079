"""Bulk append: chunks of whole streams, each whole or not at all, and no conflict overlooked."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import Connection

from infrastructure.event_store.append import AppendBatch, VersionConflict, append
from infrastructure.event_store.bulk import BulkAppender, Pace, Stream
from infrastructure.event_store.subjects import SubjectRef
from infrastructure.postgres.pool import transaction
from tests.infrastructure.event_store.world import ALL, World, event, observation


def stream(ref: SubjectRef, events: int, facts_seen: int | None = None) -> Stream:
    return Stream(
        [event(ref, version) for version in range(1, events + 1)],
        None if facts_seen is None else observation(ref, facts_seen),
    )


@pytest.mark.parametrize("are_new", [True, False])
def test_everything_arrives_as_it_was(world: World, are_new: bool) -> None:
    refs = world.enrol(*(f"用户-{number}" for number in range(50)))
    strange = event(
        refs[0], 5, from_tier="高价值", to_tier=None, command_id="tab\tnewline\n\\N", causation="", scheme=""
    )
    streams = [stream(ref, 4, facts_seen=number) for number, ref in enumerate(refs)]
    streams[0] = Stream([*streams[0].events, strange], streams[0].observation)
    progress = BulkAppender(world.pool, observations_are_new=are_new).append(streams)
    assert (progress.events, progress.observations) == (201, 50)
    records = world.tail.read(ALL, 0, 1000).records
    assert len(records) == 251
    assert progress.last_position == records[-1].position
    (found,) = [r for r in records if getattr(r, "version", None) == 5]
    assert (found.from_tier, found.to_tier, found.command_id, found.scheme, found.user_ids) == (  # type: ignore[union-attr]
        "高价值",
        None,
        "tab\tnewline\n\\N",
        "",
        ("用户-0",),
    )
    seen = [r.observation.facts_seen for r in records if not hasattr(r, "version")]  # type: ignore[union-attr]
    assert seen == list(range(50))


def test_observations_that_exist_are_replaced(world: World) -> None:
    ann, bob = world.enrol("ann", "bob")
    BulkAppender(world.pool, observations_are_new=True).append([stream(ann, 0, facts_seen=1)])
    BulkAppender(world.pool).append([stream(ann, 0, facts_seen=2), stream(bob, 0, facts_seen=3)])
    assert [r.observation.facts_seen for r in world.tail.read(ALL, 0, 9).records] == [2, 3]  # type: ignore[union-attr]


def test_a_conflict_stops_its_chunk_and_earlier_chunks_stay(world: World) -> None:
    refs = world.enrol(*(f"user-{number}" for number in range(6)))
    with transaction(world.pool) as connection:
        append(connection, AppendBatch([event(refs[4], 3)]))
    appender = BulkAppender(world.pool)
    with pytest.raises(VersionConflict) as caught:
        appender.append(stream(ref, 400, facts_seen=1) for ref in refs)
    assert (caught.value.stream_id, caught.value.version) == (refs[4].subject_id, 3)
    # The first chunk holds two streams, for a third would not fit.
    assert appender.progress.chunks >= 1
    assert world.count() == appender.progress.events + 1
    assert world.count("observations") == appender.progress.observations


def test_streams_are_never_split(world: World) -> None:
    refs = world.enrol(*(f"user-{number}" for number in range(5)))
    chunks: list[list[int]] = []

    def before(_: Connection, chunk: Sequence[Stream]) -> Sequence[Stream]:
        chunks.append([len(s.events) for s in chunk])
        return chunk

    appender = BulkAppender(world.pool, before)
    appender.append([stream(refs[0], 600), stream(refs[1], 3000), stream(refs[2], 300), *map(Stream, [[], []])])
    assert chunks[0] == [600]
    assert chunks[1] == [3000]
    assert sum(map(sum, chunks)) == 3900


def test_what_comes_before_is_one_transaction_with_its_chunk(world: World) -> None:
    ann, bob = world.enrol("ann", "bob")

    def before(connection: Connection, chunk: Sequence[Stream]) -> Sequence[Stream]:
        ids = [s.events[0].originator_id for s in chunk]
        connection.execute("update timelines set stream_version = 2 where subject_id = any(%s)", (ids,))
        if bob.subject_id in ids:
            raise RuntimeError("after the update, before the append")
        return chunk

    assert BulkAppender(world.pool, lambda _, chunk: chunk).append([Stream([])]).chunks == 0
    BulkAppender(world.pool, before).append([stream(ann, 2)])
    with pytest.raises(RuntimeError):
        BulkAppender(world.pool, before).append([stream(bob, 2)])
    with transaction(world.pool) as connection:
        versions = dict(connection.execute("select subject_id, stream_version from timelines").fetchall())
    assert versions == {ann.subject_id: 2, bob.subject_id: 0}
    assert world.count() == 2


def test_chunks_adapt_to_how_long_they_hold_the_lock(world: World) -> None:
    refs = world.enrol(*(f"user-{number}" for number in range(400)))
    slow, quick = BulkAppender(world.pool, pace=Pace(0.001)), BulkAppender(world.pool, pace=Pace(5))
    slow.append(stream(ref, 10) for ref in refs[:200])
    quick.append(stream(ref, 10) for ref in refs[200:])
    assert slow.progress.chunks > quick.progress.chunks
    assert slow.progress.longest_hold > 0


def test_a_pace_grows_slowly_and_shrinks_at_once() -> None:
    pace = Pace(0.05, 1_000)
    pace.learn(1_000, 0.01)
    assert pace.rows == 1_500
    pace.learn(20, 0.02)
    assert pace.rows == 1_500, "most of it was the commit"
    pace.learn(1_500, 0.3)
    assert pace.rows == 150
    pace.learn(100, 10)
    assert pace.rows == 100, "no chunk is smaller than that"


def test_a_session_killed_in_the_middle_of_a_chunk_leaves_nothing_of_it(world: World) -> None:
    (ann,) = world.enrol("ann")

    def before(connection: Connection, chunk: Sequence[Stream]) -> Sequence[Stream]:
        connection.execute("update timelines set stream_version = 2")
        return chunk

    with ThreadPoolExecutor(1) as threads, psycopg.connect(world.dsn) as blocker:
        blocker.execute("select tierline_order_lock()")
        appending = threads.submit(BulkAppender(world.pool, before).append, [stream(ann, 2, facts_seen=1)])
        with psycopg.connect(world.dsn, autocommit=True) as killer:
            waiting = "select pg_terminate_backend(pid, 5000) from pg_locks where not granted"
            while not killer.execute(waiting).fetchone():
                pass
        assert isinstance(appending.exception(10), psycopg.OperationalError)
    assert world.count() == world.count("observations") == 0
    progress = BulkAppender(world.pool, before).append([stream(ann, 2, facts_seen=1)])
    assert (progress.events, progress.observations) == (2, 1)
