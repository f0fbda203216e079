"""The tail: both kinds of records in position order, cut at one position, complete up to it."""

import re

import psycopg
import pytest

from infrastructure.event_store import tail as tail_module
from infrastructure.event_store.append import AppendBatch, append
from infrastructure.event_store.bulk import BulkAppender, Stream
from infrastructure.event_store.rows import EventRow
from infrastructure.event_store.subjects import SubjectRef
from infrastructure.event_store.tail import LogTail
from infrastructure.postgres.pool import transaction
from infrastructure.security.keyring import Keyring
from projections.records import BrokenRecord, EventRecord, ObservationRecord
from tests.infrastructure.event_store.world import ALL, World, event, observation


def test_a_record_is_complete(world: World) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        connection.execute("insert into user_ids values ('ann-2', %s)", (ann.subject_id,))
        row = event(ann, 3, from_tier="low", to_tier="mid", scope="shop-1", command_id="c-1", causation="fact")
        append(connection, AppendBatch([row], [observation(ann, facts_seen=7, through=4)]))
    changed, observed = world.tail.read(ALL, 0, 10).records
    assert changed == EventRecord(
        position=1,
        subject_id=ann.subject_id,
        user_ids=("ann", "ann-2"),
        version=3,
        topic="user-tier.tier-changed.v1",
        scheme="value",
        scope="shop-1",
        from_tier="low",
        to_tier="mid",
        effective_at=3_000_000,
        recorded_at=2_000_000,
        actor="evaluator",
        command_id="c-1",
        causation="fact",
        data={"cause": "evaluation", "receipt": {"n": 3}},
    )
    assert isinstance(observed, ObservationRecord)
    assert (observed.position, observed.user_ids, observed.through, observed.decided_at) == (2, ("ann", "ann-2"), 4, 5)
    assert observed.observation.facts_seen == 7


def test_an_empty_log_and_an_empty_batch(world: World) -> None:
    empty = world.tail.read(ALL, 0, 10)
    assert (empty.records, empty.position, empty.head, world.tail.head()) == ([], 0, 0, 0)
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        last = append(connection, AppendBatch([event(ann, 1)], [observation(ann)]))
    caught_up = world.tail.read(ALL, last, 10)
    assert (caught_up.records, caught_up.position, caught_up.head, world.tail.head()) == ([], last, last, last)


def test_a_batch_is_cut_at_one_position_and_the_next_goes_on_from_there(world: World) -> None:
    refs = world.enrol(*(f"user-{number}" for number in range(40)))
    for ref in refs:
        with transaction(world.pool) as connection:
            append(connection, AppendBatch([event(ref, 1), event(ref, 2)], [observation(ref)]))
    positions, after = [], 0
    while True:
        batch = world.tail.read(ALL, after, 7)
        assert batch.head == 120
        assert len(batch.records) <= 7
        positions += [record.position for record in batch.records]
        if batch.position == batch.head:
            break
        assert batch.position == batch.records[-1].position
        after = batch.position
    assert positions == list(range(1, 121))


def test_partitions_are_disjoint_and_together_everything(world: World) -> None:
    refs = world.enrol(*(f"user-{number}" for number in range(40)))
    with transaction(world.pool) as connection:
        last = append(connection, AppendBatch([event(ref, 1) for ref in refs], [observation(ref) for ref in refs]))
    lanes = [world.tail.read([part], 0, 100) for part in ALL]
    assert all(lane.position == lane.head == last for lane in lanes)
    assert sorted(r.position for lane in lanes for r in lane.records) == list(range(1, 81))
    pairs = [{r.subject_id for r in lane.records} for lane in lanes]
    assert sum(len(pair) for pair in pairs) == 40
    several = world.tail.read([1, 5, 6], 0, 100)
    assert [r.position for r in several.records] == sorted(
        r.position for part in (1, 5, 6) for r in lanes[part].records
    )


def test_what_cannot_be_asked_for_is_refused(world: World) -> None:
    for partitions, limit in (([], 5), ([8], 5), ([-1], 5), ([0], 0)):
        with pytest.raises(ValueError, match="give"):
            world.tail.read(partitions, 0, limit)


def test_a_reader_may_be_spared_one_kind(world: World) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        last = append(connection, AppendBatch([event(ann, 1)], [observation(ann)]))
    events = world.tail.read(ALL, 0, 10, observations=False)
    observations = world.tail.read(ALL, 0, 10, events=False)
    assert [type(record) for record in events.records] == [EventRecord]
    assert [type(record) for record in observations.records] == [ObservationRecord]
    assert events.position == observations.position == last
    with pytest.raises(ValueError, match="at least one"):
        world.tail.read(ALL, 0, 10, events=False, observations=False)


def test_one_subjects_records(world: World) -> None:
    ann, bob = world.enrol("ann", "bob")
    for version in (1, 2, 3):
        with transaction(world.pool) as connection:
            append(connection, AppendBatch([event(ann, version), event(bob, version)], [observation(ann)]))
    records = world.tail.read_subject(ann.subject_id, after=1)
    assert [getattr(r, "version", "observed") for r in records] == [2, 3, "observed"]
    assert {r.subject_id for r in records} == {ann.subject_id}


def test_an_open_transaction_elsewhere_holds_nobody_up(world: World) -> None:
    ann, bob = world.enrol("ann", "bob")
    with psycopg.connect(world.dsn) as open_one:
        open_one.execute("update timelines set facts = 1 where subject_id = %s", (bob.subject_id,))
        with transaction(world.pool) as connection:
            append(connection, AppendBatch([event(ann, 1)]))
        assert len(world.tail.read(ALL, 0, 10).records) == 1


def test_an_erased_subject_is_passed_over(world: World) -> None:
    ann, bob = world.enrol("ann", "bob")
    with transaction(world.pool) as connection:
        last = append(connection, AppendBatch([event(ann, 1), event(bob, 1)], [observation(ann)]))
    assert len(world.tail.read(ALL, 0, 10).records) == 3
    world.erase(ann)
    batch = world.tail.read(ALL, 0, 10)
    assert [record.subject_id for record in batch.records] == [bob.subject_id]
    assert batch.position <= last
    assert world.tail.read_subject(ann.subject_id, 0) == []


def test_what_cannot_be_read_is_handed_out_as_broken_and_the_rest_is_read(world: World) -> None:
    ann, bob, eve = world.enrol("ann", "bob", "eve")
    with transaction(world.pool) as connection:
        rows = [
            event(ann, 1)._replace(topic="user-tier.tier-changed.v9"),
            event(ann, 2)._replace(topic="os:system"),
            event(bob, 1)._replace(state=event(eve, 1).state),
            event(eve, 1),
        ]
        append(connection, AppendBatch(rows, [observation(ann)._replace(body=b"not sealed at all")]))
    *broken, whole, observed = world.tail.read(ALL, 0, 10).records
    assert isinstance(whole, EventRecord)
    assert [type(record) for record in (*broken, observed)] == [BrokenRecord] * 4
    reasons = [record.error for record in (*broken, observed)]  # type: ignore[union-attr]
    assert broken[0].topic == "user-tier.tier-changed.v9"  # type: ignore[union-attr]
    assert observed.topic == ""  # type: ignore[union-attr]
    assert "newer than this code, which knows up to v1" in reasons[0]
    assert "not in the catalogue" in reasons[1]
    assert "does not open" in reasons[2]
    assert "does not open" in reasons[3]


def test_another_master_key_breaks_records_and_not_the_reader(world: World) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        append(connection, AppendBatch([event(ann, 1)]))
    (record,) = LogTail(world.pool, Keyring(bytes(32))).read(ALL, 0, 10).records
    assert isinstance(record, BrokenRecord)
    assert "start with the master key" in record.error


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
@pytest.mark.parametrize("partitions", [[3], list(ALL)])
def test_it_reads_along_the_position_indexes(world: World, mode: str, partitions: list[int]) -> None:
    refs = world.enrol(*(f"user-{number}" for number in range(200)))
    BulkAppender(world.pool).append(
        Stream([event(ref, version) for version in range(1, 101)], observation(ref)) for ref in refs
    )
    with transaction(world.pool) as connection:
        connection.execute("analyze")
        connection.execute(f"set local plan_cache_mode = {mode}".encode())
        statement = tail_module._read_statement(partitions, 500, True, True)
        plan = "\n".join(
            row[0] for row in connection.execute(f"explain {statement}".encode(), {"after": 5000}).fetchall()
        )
    assert "Merge Append" in plan
    for part in partitions:
        assert f"Index Scan using events_p{part}_position_idx" in plan
        assert f"Index Scan using observations_p{part}_position_idx" in plan
    assert "Seq Scan on events" not in plan
    # One subject's observation may be found by looking through a table of thirty rows.
    looked_up = r"Seq Scan on observations_p\d .*\n +Filter: \(subject_id = tail.stream_id\)"
    assert "Seq Scan on observations" not in re.sub(looked_up, "", plan)


def granted(ref: SubjectRef, version: int) -> EventRow:
    data = {
        "grant_id": "0" * 32,
        "benefit": "coupon",
        "benefit_version": 1,
        "kind": "coupon",
        "units": 1,
        "cost": 0,
        "currency": "USD",
        "expires_at": None,
        "tiers": {},
        "budgets": [],
        "cause": "command",
    }
    return event(ref, version, topic="user-tier.benefit-granted.v1", scheme="", to_tier=None, data=data)


def test_who_reads_observations_finds_what_was_given_by_an_index_of_its_own(world: World) -> None:
    refs = world.enrol(*(f"user-{number}" for number in range(200)))
    BulkAppender(world.pool).append(
        Stream([*(event(ref, version) for version in range(1, 100)), granted(ref, 100)], observation(ref))
        for ref in refs
    )
    with transaction(world.pool) as connection:
        connection.execute("analyze")
        statement = tail_module._read_statement([3], 500, False, True)
        plan = "\n".join(row[0] for row in connection.execute(f"explain {statement}".encode(), {"after": 0}))
    assert "Index Scan using events_p3_position_idx1 on" in plan
    records = world.tail.read(ALL, 0, 1_000, events=False).records
    assert len(records) == 400
    assert all(isinstance(record, ObservationRecord) for record in records)
    assert len({record.position for record in records}) == 400
    both = world.tail.read(ALL, 0, 100_000).records
    assert len(both) == 200 * 100 + 400, "each such event, and what stands beside it"
