"""The library's own recorder cases, over our recorder and the real database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from eventsourcing.persistence import ApplicationRecorder, NotSupportedError, StoredEvent
from eventsourcing.tests.persistence import AggregateRecorderTestCase, ApplicationRecorderTestCase

from infrastructure.event_store.recorder import LedgerRecorder
from infrastructure.event_store.small_appends import EventStore
from infrastructure.postgres.pool import open_pool, transaction
from tests.infrastructure.event_store.world import World


class Bare(LedgerRecorder):
    """The aggregate cases demand that inserting answers None, and compare with bare stored events: ours answers
    positions and brings the clear columns along. Nothing else differs."""

    def insert_events(self, stored_events: Any, **kwargs: Any) -> None:  # type: ignore[override]
        super().insert_events(stored_events, **kwargs)

    def select_events(self, *args: Any, **kwargs: Any) -> list[StoredEvent]:
        found = super().select_events(*args, **kwargs)
        return [StoredEvent(e.originator_id, e.originator_version, e.topic, e.state) for e in found]


class OnTheLedger:
    """Gives a case of the library the database of the test."""

    pool: Any

    @pytest.fixture(autouse=True)
    def _open(self, database: str) -> Iterator[None]:
        with open_pool(database, 1, 16) as self.pool:
            yield


class TestApplicationRecorder(OnTheLedger, ApplicationRecorderTestCase[ApplicationRecorder]):
    # Positions have gaps once facts and observations take some too, or an append fails.
    EXPECT_CONTIGUOUS_NOTIFICATION_IDS = False

    def create_recorder(self) -> ApplicationRecorder:
        return LedgerRecorder(self.pool, EventStore(self.pool))

    # optional_test_insert_subscribe does not apply: there is no subscription to test (see below).

    def test_subscribing_is_refused(self) -> None:
        with pytest.raises(NotSupportedError, match="read the log with LogTail"):
            self.create_recorder().subscribe()


class TestAggregateRecorder(OnTheLedger, AggregateRecorderTestCase):
    def create_recorder(self) -> LedgerRecorder:
        return Bare(self.pool, EventStore(self.pool))


# The cases of tracking and process recorders do not apply: read models keep checkpoints of their own, in the store that
# they write to. Nor do those of snapshots: a stream is short, and the observation is the current row.


def test_it_joins_a_transaction(world: World) -> None:
    recorder = LedgerRecorder(world.pool, EventStore(world.pool))
    (ann,) = world.enrol("ann")
    stored = [StoredEvent(ann.subject_id, version, "topic", b"state") for version in (1, 2)]
    with transaction(world.pool) as connection:
        connection.execute("update timelines set stream_version = 2 where subject_id = %s", (ann.subject_id,))
        positions = recorder.insert_events(stored, connection=connection)
    assert positions == [1, 2]
    with transaction(world.pool) as connection:
        assert connection.execute("select stream_version from timelines").fetchone() == (2,)


def test_starting_runs_no_ddl(world: World) -> None:
    """Sixteen processes that start together cannot meet in the catalogues, for they change nothing there."""
    program = (
        "import sys\n"
        "from infrastructure.event_store.application import Ledger\n"
        "from infrastructure.postgres.pool import open_pool\n"
        "from infrastructure.security.keyring import Keyring\n"
        "with open_pool(sys.argv[1]) as pool:\n"
        "    assert Ledger(pool, Keyring(bytes(32))).tier_model('value') is None\n"
    )
    environment = {**os.environ, "PERSISTENCE_MODULE": "eventsourcing.postgres", "IS_SNAPSHOTTING_ENABLED": "y"}
    with transaction(world.pool) as connection:
        before = connection.execute("select count(*), max(oid::bigint) from pg_class").fetchone()
    command = [sys.executable, "-c", program, world.dsn]
    started = [subprocess.Popen(command, env=environment) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    with transaction(world.pool) as connection:
        assert connection.execute("select count(*), max(oid::bigint) from pg_class").fetchone() == before
