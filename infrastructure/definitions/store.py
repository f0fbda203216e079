"""What is known by a name, in Postgres: its events in the log, and beside them the row that is looked up."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any, Generic, TypeVar

from psycopg import Connection
from psycopg.types.json import Jsonb

from application.definitions.ports import DefinitionView
from domain.definitions.aggregate import Definition
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.tier_models.in_force import LOCK_SHARED

D = TypeVar("D", bound=Definition)

_COLUMNS = "name, status, revision, spec, defined_at, defined_by, changed_at, changed_by"
_FIND = f"select {_COLUMNS} from definitions where kind = %s and name = %s"
_LIST = f"select {_COLUMNS} from definitions where kind = %s order by name"
_LOCK = "select pg_advisory_xact_lock(7309, hashtext(%s))"
_KEEP = """
insert into definitions (kind, name, status, revision, spec, defined_at, defined_by, changed_at, changed_by)
values (%(kind)s, %(name)s, %(status)s, %(revision)s, %(spec)s, %(at)s, %(actor)s, %(at)s, %(actor)s)
on conflict (kind, name) do update set status = excluded.status, revision = excluded.revision, spec = excluded.spec,
    changed_at = excluded.changed_at, changed_by = excluded.changed_by
"""
_CHANGES_AT_ONCE = 2


class PostgresDefinitions(Generic[D]):
    """Fulfils Definitions."""

    def __init__(self, pool: Pool, ledger: Ledger, kind: type[D]) -> None:
        self._pool, self._ledger, self._kind = pool, ledger, kind
        # A change reads its aggregate over a second connection: many at once would wait for each other for one.
        self._changing = BoundedSemaphore(_CHANGES_AT_ONCE)

    @contextmanager
    def change(self, name: str) -> Iterator["LockedDefinition[D]"]:
        """See Definitions."""
        with self._changing, transaction(self._pool) as connection:
            connection.execute(LOCK_SHARED)  # what is in force stays so meanwhile
            connection.execute(_LOCK, (self._kind.KIND,))
            yield LockedDefinition(connection, self._ledger, self._kind, self._ledger.definition(self._kind, name))

    def find(self, name: str) -> DefinitionView | None:
        """See Definitions."""
        if "\0" in name:
            return None
        with transaction(self._pool) as connection:
            return _found(connection, self._kind.KIND, name)

    def list(self) -> list[DefinitionView]:
        """See Definitions."""
        with transaction(self._pool) as connection:
            return definitions_of(connection, self._kind.KIND)


class LockedDefinition(Generic[D]):
    """Fulfils DefinitionChange."""

    def __init__(self, connection: Connection, ledger: Ledger, kind: type[D], found: D | None) -> None:
        self._connection, self._ledger, self._kind = connection, ledger, kind
        self.found = found
        row = connection.execute("select tierline_now()").fetchone()
        assert row is not None
        self.now = int(row[0])

    def save(self, definition: D) -> tuple[DefinitionView, int]:
        """See DefinitionChange."""
        name = definition.name
        pending = list(definition.pending_events)
        if pending:
            last: Any = pending[-1]
            terms = {
                "kind": self._kind.KIND,
                "name": name,
                "status": "retired" if definition.retired else "active",
                "revision": definition.revision,
                "spec": Jsonb(definition.spec),
                "at": last.effective_at,
                "actor": last.actor,
            }
            self._connection.execute(_KEEP, terms)
        found = _found(self._connection, self._kind.KIND, name)
        assert found is not None
        return found, self._ledger.save_joined(self._connection, definition) if pending else 0


def definitions_of(connection: Connection, kind: str) -> list[DefinitionView]:
    """All of one kind, retired ones too, by name."""
    return [DefinitionView(*row) for row in connection.execute(_LIST, (kind,)).fetchall()]


def _found(connection: Connection, kind: str, name: str) -> DefinitionView | None:
    row = connection.execute(_FIND, (kind, name)).fetchone()
    return None if row is None else DefinitionView(*row)
