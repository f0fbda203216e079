"""Reactions take turns: the place in the log is a row, locked while its holder reacts, moved on with the effects."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from psycopg import Connection

from application.strategies.ports import Batch, Later, Observed, Started, Undecided, Wanted
from domain.strategies.cause import TOPICS, Happened
from infrastructure.event_store.tail import PARTITIONS, LogTail
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.strategies.definitions import instant_of
from infrastructure.strategies.running import StartedReader
from infrastructure.strategies.taking_in import take_in
from projections.records import EventRecord, ObservationRecord

_TURN = "select position from reactions where name = %s for update skip locked"
_MOVE = "update reactions set position = %s where name = %s"
_MEMBERS = "select strategy, subject_id from strategy_members where strategy = any(%b) and subject_id = any(%b)"


class PostgresReactions:
    """Fulfils Reactions."""

    def __init__(self, pool: Pool, keyring: Keyring, tail: LogTail) -> None:
        self._pool, self._keyring, self._tail = pool, keyring, tail
        self._started = StartedReader()

    @contextmanager
    def turn(self, name: str) -> Iterator["LockedTurn | None"]:
        """See Reactions."""
        with transaction(self._pool) as connection:
            with connection.pipeline():
                turn = connection.execute(_TURN, (name,))
                asked = self._started.ask(connection)
            row, started = turn.fetchone(), self._started.as_told(connection, asked)
            if row is None:
                yield None
                return
            yield LockedTurn(connection, self._keyring, self._tail, name, int(row[0]), started)


class LockedTurn:
    """Fulfils Reacting."""

    def __init__(
        self, connection: Connection, keyring: Keyring, tail: LogTail, name: str, position: int, started: Started
    ) -> None:
        self._connection, self._keyring, self._tail = connection, keyring, tail
        self._name, self._position, self.started = name, position, started

    @property
    def now(self) -> int:
        """See Reacting."""
        return instant_of(self._connection, "select tierline_peek()")

    def pass_over(self) -> None:
        """See Reacting."""
        head = self._tail.head()
        if head > self._position:
            self._connection.execute(_MOVE, (head, self._name))
        self._connection.commit()

    def events(self, limit: int) -> Batch[Happened]:
        """See Reacting."""
        batch = self._tail.read(range(PARTITIONS), self._position, limit, observations=False)
        happened = [
            Happened(
                record.subject_id,
                record.recorded_at,
                record.event_id,
                record.topic,
                record.scheme,
                record.scope,
                record.from_tier,
                record.to_tier,
                record.effective_at,
                record.data,
            )
            for record in batch.records
            if isinstance(record, EventRecord) and record.topic in TOPICS
        ]
        return Batch(happened, batch.position, batch.position < batch.head)

    def observations(self, limit: int) -> Batch[Observed]:
        """See Reacting."""
        batch = self._tail.read(range(PARTITIONS), self._position, limit, events=False)
        observed = [
            Observed(record.subject_id, record.position, record.decided_at, record.observation)
            for record in batch.records
            if isinstance(record, ObservationRecord)
        ]
        return Batch(observed, batch.position, batch.position < batch.head)

    def members(self, strategies: Sequence[str], subject_ids: Sequence[UUID]) -> set[tuple[str, UUID]]:
        """See Reacting."""
        asked = (list(strategies), list(subject_ids))
        return set(self._connection.execute(_MEMBERS, asked, binary=True).fetchall())

    def take_in(
        self, wanted: Sequence[Wanted], later: Sequence[Later], position: int, *, put_off: bool = False
    ) -> list[Undecided]:
        """See Reacting."""
        if not wanted and not later:
            if position > self._position:
                self._connection.execute(_MOVE, (position, self._name))
            self._connection.commit()
            return []
        outcomes = take_in(
            self._connection,
            self._keyring,
            self.started,
            wanted,
            later=later,
            along=[(_MOVE, (position, self._name))],
            whole=not put_off,
            put_off=put_off,
        )
        return [] if put_off else [outcome for outcome in outcomes if isinstance(outcome, Undecided)]
