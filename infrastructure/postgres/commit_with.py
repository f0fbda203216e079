"""The last statements of a transaction and its commit, in one round trip."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import Connection, Error
from psycopg.errors import PipelineAborted

Statement = tuple[str, Sequence[Any] | Mapping[str, Any]]


def commit_with(connection: Connection, *statements: Statement) -> tuple[Any, ...]:
    """Send the statements and the commit together; answer the first row of the last statement.

    So whatever they lock is held for no round trip. Raises the first error, with nothing committed.
    """
    failure: Error | None = None
    cursor = None
    try:
        with connection.pipeline():
            try:
                for statement, params in statements:
                    cursor = connection.execute(statement.encode(), params)
                connection.commit()
            except Error as error:  # kept until the pipeline is drained, which would complain of it once more
                failure = error
    except PipelineAborted:
        if failure is None:
            raise
    if failure is not None:
        raise failure
    row = cursor.fetchone() if cursor is not None else None
    if row is None:
        raise ValueError("statements: the last one must answer a row")
    return row
