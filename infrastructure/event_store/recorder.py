"""The library's recorder over the ledger: no DDL, no table lock, no NOTIFY, no LISTEN."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    Notification,
    NotSupportedError,
    StoredEvent,
    Subscription,
)
from psycopg import Connection

from infrastructure.event_store.append import AppendBatch, VersionConflict, append
from infrastructure.event_store.mapper import LedgerEvent
from infrastructure.event_store.rows import EventRow
from infrastructure.event_store.small_appends import EventStore
from infrastructure.postgres.pool import Pool, transaction

_SELECT = f"""
select {", ".join(EventRow._fields)},
       (select data_key from subjects where subjects.subject_id = events.originator_id)
from events where originator_id = %s
"""
_SELECT_NOTIFICATIONS = "select position, originator_id, originator_version, topic, state from events where true"


class LedgerRecorder(ApplicationRecorder):
    """Appends through the ledger's own function, joined with other threads' small appends; reads its tables."""

    def __init__(self, pool: Pool, store: EventStore) -> None:
        self._pool = pool
        self._store = store

    def insert_events(
        self, stored_events: Sequence[StoredEvent], *, connection: Connection | None = None, **_: Any
    ) -> Sequence[int] | None:
        """Append, and answer the positions.

        With a connection the append joins that connection's transaction, as its last statement, and commits it.
        Raises the library's IntegrityError on a version conflict.
        """
        if not stored_events:
            return None
        batch = AppendBatch([_row_of(event) for event in stored_events])
        try:
            last = self._store.append_small(batch) if connection is None else append(connection, batch)
        except VersionConflict as conflict:
            raise IntegrityError(str(conflict)) from conflict
        return list(range(last - len(stored_events) + 1, last + 1))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """One stream, by version. The caller's subjects' keys come along, so that decoding asks nothing more."""
        conditions, params = _conditions([("originator_version > %s", gt), ("originator_version <= %s", lte)])
        statement = f"{_SELECT}{conditions} order by originator_version {'desc' if desc else 'asc'}"
        if limit is not None:
            statement, params = f"{statement} limit %s", [*params, limit]
        rows = self._read(statement, [originator_id, *params])
        return [_stored(EventRow._make(row[:-1]), row[-1]) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events by position, as the library reads them. The product's readers use the tail."""
        conditions, params = _conditions(
            [
                ("position >= %s" if inclusive_of_start else "position > %s", start),
                ("position <= %s", stop),
                ("topic = any(%s)", list(topics) or None),
            ]
        )
        statement = f"{_SELECT_NOTIFICATIONS}{conditions} order by position limit {int(limit)}"
        return [
            Notification(id=position, originator_id=stream, originator_version=version, topic=topic, state=state)
            for position, stream, version, topic, state in self._read(statement, params)
        ]

    def max_notification_id(self) -> int | None:
        """The position of the last event; None when there is none."""
        row = self._read("select max(position) from events", [])[0]
        return None if row[0] is None else int(row[0])

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Refused: a subscription may start before it listens, and then waits for the next write."""
        raise NotSupportedError("subscribe: read the log with LogTail, after a nudge and at least once a second")

    def _read(self, statement: str, params: list[Any]) -> list[tuple[Any, ...]]:
        with transaction(self._pool) as connection:
            return connection.execute(statement.encode(), params, binary=True).fetchall()


def _conditions(candidates: list[tuple[str, Any]]) -> tuple[str, list[Any]]:
    """Those whose value is given."""
    given = [(condition, value) for condition, value in candidates if value is not None]
    return "".join(f" and {condition}" for condition, _ in given), [value for _, value in given]


def _row_of(event: StoredEvent) -> EventRow:
    """The mapper's row; a bare stored event gets empty clear columns."""
    if isinstance(event, LedgerEvent):
        return event.row
    return EventRow(
        originator_id=UUID(str(event.originator_id)),
        originator_version=event.originator_version,
        topic=event.topic,
        scheme="",
        scope="",
        from_tier=None,
        to_tier=None,
        effective_at=0,
        recorded_at=None,
        actor="",
        command_id="",
        causation="",
        state=event.state,
    )


def _stored(row: EventRow, data_key: bytes | None) -> LedgerEvent:
    return LedgerEvent(row.originator_id, row.originator_version, row.topic, row.state, row, data_key)
