"""The append: the last statement of a transaction, sent together with its commit."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation

from infrastructure.event_store.rows import EventRow, ObservationRow
from infrastructure.postgres.arrays import bigints, byteas, columns_of, integers, texts, uuids
from infrastructure.postgres.commit_with import commit_with

# Of the columns of EventRow and ObservationRow.
_EVENT = (uuids, integers, texts, texts, texts, texts, texts, bigints, bigints, texts, texts, texts, byteas)
_OBSERVATION = (uuids, bigints, bigints, bigints, byteas)
_NAMES = [f"append_{number}" for number in range(len(_EVENT) + len(_OBSERVATION))]
_APPEND = f"select append_ledger({', '.join(f'%({name})b' for name in _NAMES)})"
_CONFLICT = re.compile(r"\(originator_id, originator_version\)=\(([0-9a-f-]{36}), (\d+)\)")


@dataclass(slots=True)
class AppendBatch:
    """Sealed rows to append together. Events of one stream stand in the order of their versions.

    At most one observation a subject. Keep it under some 1,000 rows, for the order lock is held while they are
    written; more goes through bulk.
    """

    events: Sequence[EventRow] = field(default_factory=list)
    observations: Sequence[ObservationRow] = field(default_factory=list)


class VersionConflict(Exception):
    """Somebody else has written this version of the stream."""

    def __init__(self, stream_id: UUID, version: int) -> None:
        self.stream_id, self.version = stream_id, version
        super().__init__(f"version {version} of stream {stream_id} is already written: read the stream and decide anew")


def append(connection: Connection, batch: AppendBatch, beside: tuple[str, Mapping[str, Any]] | None = None) -> int:
    """Append, commit the caller's transaction with it in one round trip, and answer the last position.

    beside: an update that returns what it touched, as part of the same statement, parameters by name. It is carried out
    first, so that nobody waits for it under the order lock. The positions of the batch are consecutive: events first,
    then observations. An empty batch commits and answers 0. Raises VersionConflict; the caller's transaction is then to
    be rolled back, and nothing of it is written.
    """
    if not batch.events and not batch.observations:
        if beside is not None:
            connection.execute(beside[0].encode(), beside[1])
        connection.commit()
        return 0
    columns = columns_of(batch.events, _EVENT) + columns_of(batch.observations, _OBSERVATION)
    query, parameters = _APPEND, dict[str, Any](zip(_NAMES, columns, strict=True))
    if beside is not None:
        query = f"with beside as ({beside[0]}) {_APPEND} from (select count(*) from beside) as updated"
        parameters = {**beside[1], **parameters}
    try:
        return int(commit_with(connection, (query, parameters))[0])
    except UniqueViolation as violation:
        raise conflict_of(violation) from violation


def conflict_of(violation: UniqueViolation) -> Exception:
    """The typed conflict behind a violated primary key of events; any other violation as it is."""
    match = _CONFLICT.search(violation.diag.message_detail or "")
    if match is None:
        return violation
    return VersionConflict(UUID(match[1]), int(match[2]))
