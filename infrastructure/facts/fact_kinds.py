"""Registered kinds in Postgres, kept in memory: a registered kind never changes."""

from collections.abc import Mapping

import msgspec
from psycopg.types.json import Jsonb

from domain.facts.kinds import KindDefinition, KindRefused, all_kinds
from infrastructure.postgres.pool import Pool

_SELECT = "select kind, definition from fact_kinds"
_INSERT = """
insert into fact_kinds (kind, definition, registered_at) values (%s, %s, tierline_now()) on conflict (kind) do nothing
"""


class PostgresFactKinds:
    """Fulfils application.facts.ports.FactKinds. Safe for threads."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known: Mapping[str, KindDefinition] | None = None

    def definitions(self) -> Mapping[str, KindDefinition]:
        """As last read."""
        known = self._known
        return self.refreshed() if known is None else known

    def refreshed(self) -> Mapping[str, KindDefinition]:
        """Read anew."""
        with self._pool.connection() as connection:
            rows = connection.execute(_SELECT).fetchall()
        self._known = all_kinds((kind, msgspec.convert(definition, KindDefinition)) for kind, definition in rows)
        return self._known

    def register(self, kind: str, definition: KindDefinition) -> None:
        """Add a kind, once. Raises KindRefused when the name is taken by another definition."""
        with self._pool.connection() as connection:
            connection.execute(_INSERT, (kind, Jsonb(msgspec.to_builtins(definition))))
        if self.refreshed()[kind] != definition:
            raise KindRefused("kind", kind, "choose another name: this kind is registered with another definition")
