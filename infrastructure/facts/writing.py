"""The last step of recording: rows and timelines, together with the commit."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import astuple
from psycopg import Connection

from infrastructure.facts.batch import FactRow, LockedSubject, Plan
from infrastructure.facts.copying import fact_rows_to_copy
from infrastructure.postgres.arrays import bigints, byteas, columns_of, integers, texts, uuids
from infrastructure.postgres.commit_with import commit_with

_BY_STATEMENT = 100  # rows up to which one statement beats COPY with its further round trips

_ROWS = "%b::uuid[], %b::text[], %b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::text[]," + (
    " %b::bytea[], %b::bytea[], %b::bytea[], %b::uuid[], %b::integer[]"
)
_TIMELINES = "%b::uuid[], %b::bigint[], %b::bigint[], %b::integer[], %b::integer[], %b::bytea[], %b::uuid[]"
_OF_ROWS = (
    *(uuids, texts, texts, texts, bigints, bigints, bigints, texts),
    *(byteas, byteas, byteas, uuids, integers),
)
_OF_TIMELINES = (uuids, bigints, bigints, integers, integers, byteas, uuids)
_RECORD = f"select record_facts({_ROWS}, {_TIMELINES})"
_ADVANCE = f"select advance_timelines(%b::integer, {_TIMELINES})"
_COPY = """
copy facts (subject_id, source, fact_id, kind, occurred_at, known_at, amount, currency, sealed, content_hash, chain,
            history_id, brought_by) from stdin (format binary)
"""


def write(connection: Connection, plan: Plan) -> int:
    """Write the plan's rows and commit. Answers the position before the first of them, 0 when there are none.

    The order lock is held from the start of the COPY, or of the one statement, to the commit.
    """
    if not plan.rows:
        # Only who else brought what is there already may have been written.
        connection.commit() if plan.claims else connection.rollback()
        return 0
    timelines = _timelines(plan.touched)
    if len(plan.rows) <= _BY_STATEMENT:
        statement = _RECORD
        parameters: list[Any] = [*columns_of([astuple(row) for row in plan.rows], _OF_ROWS), *timelines]
    else:
        copy_rows(connection, fact_rows_to_copy(plan.rows))
        statement, parameters = _ADVANCE, [len(plan.rows), *timelines]
    return int(commit_with(connection, (statement, parameters))[0])


def copy_and_advance(connection: Connection, rows: Sequence[FactRow], subject: LockedSubject) -> None:
    """Rows of one subject in the caller's transaction, which goes on: its timeline follows. The order lock is held."""
    copy_rows(connection, fact_rows_to_copy(rows))
    connection.execute(_ADVANCE, [len(rows), *_timelines([subject])])


def copy_rows(connection: Connection, payload: bytes) -> None:
    """COPY of rows made beforehand: the order lock is taken as it begins."""
    with connection.cursor().copy(_COPY) as copy:
        copy.write(payload)


def _timelines(subjects: Iterable[LockedSubject]) -> list[Any]:
    rows = [(s.subject_id, s.due_at, s.last_instant, s.offset, s.recorded, s.chain, s.history_id) for s in subjects]
    return columns_of(rows, _OF_TIMELINES)
