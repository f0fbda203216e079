"""The database itself refuses to change what is recorded."""

import psycopg
import pytest

from infrastructure.event_store.append import AppendBatch, append
from infrastructure.postgres.pool import transaction
from tests.infrastructure.event_store.world import World, event


@pytest.mark.parametrize(
    "statement",
    [
        "update events set to_tier = 'high'",
        "delete from events",
        "truncate events",
        "insert into events table events on conflict (originator_id, originator_version) do update set scope = ''",
    ],
)
def test_events_are_not_changed(world: World, statement: str) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        append(connection, AppendBatch([event(ann, 1)]))
    with pytest.raises(psycopg.errors.RestrictViolation, match="never changes"), transaction(world.pool) as connection:
        connection.execute(statement.encode())
    assert world.count() == 1


@pytest.mark.parametrize("statement", ["update {} set to_tier = 'high'", "delete from {}", "truncate {}"])
def test_nor_through_their_partitions(world: World, statement: str) -> None:
    (ann,) = world.enrol("ann")
    with transaction(world.pool) as connection:
        append(connection, AppendBatch([event(ann, 1)]))
        (partition,) = connection.execute("select tableoid::regclass::text from events").fetchone() or ("",)
    with pytest.raises(psycopg.errors.RestrictViolation, match="never changes"), transaction(world.pool) as connection:
        connection.execute(statement.format(partition).encode())
    assert world.count() == 1
