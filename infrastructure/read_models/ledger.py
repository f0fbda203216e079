"""Versions, leases, checkpoints and parked subjects of the read models, in Postgres."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import Cursor
from psycopg.rows import TupleRow

from infrastructure.postgres.pool import Pool
from projections.catalogue import PARTITIONS
from projections.checkpoint import Lease, Parked, Standing, Status, Version

_ACQUIRE = """
with free as (
    select lane from checkpoints
    where name = %(name)s and version = %(version)s and lane = any(%(lanes)s)
      and (holder = %(holder)s or lease_until is null or lease_until < clock_timestamp())
    order by lane for update skip locked)
update checkpoints c
set fence = c.fence + (c.holder is distinct from %(holder)s)::int, holder = %(holder)s,
    lease_until = clock_timestamp() + make_interval(secs => %(seconds)s)
from free where c.name = %(name)s and c.version = %(version)s and c.lane = free.lane
returning c.lane, c.fence, c.position
"""

_SAVE = """
update checkpoints c set position = reached.position, updated_at = clock_timestamp()
from unnest(%(lanes)s::int[], %(fences)s::bigint[], %(positions)s::bigint[]) as reached (lane, fence, position)
where c.name = %(name)s and c.version = %(version)s and c.lane = reached.lane and c.fence = reached.fence
returning c.lane
"""

_RESET = """
update checkpoints c set position = 0, fence = fence + 1, holder = null, lease_until = null
from read_models m
where m.name = c.name and m.version = c.version and m.status <> 'retired'
  and c.name = %(name)s and c.version = %(version)s
returning c.lane
"""

_OVERVIEW = """
select name, version, status,
       (select array_agg(row (lane, position)) from checkpoints c where c.name = m.name and c.version = m.version),
       (select count(*) from parked p where p.name = m.name and p.version = m.version)
from read_models m order by name, version
"""

_PARKED = """
select subject_id, position, error, parked_at,
       (select part from generate_series(0, %(partitions)s - 1) part
        where satisfies_hash_partition('events'::regclass, %(partitions)s, part, subject_id))
from parked where name = %(name)s and version = %(version)s order by position
"""


class PostgresLedger:
    """Fulfils projections.checkpoint.Ledger. Every method is one transaction, sent together with its commit."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def versions(self, name: str) -> list[Version]:
        """See projections.checkpoint.Ledger.versions."""
        rows = self._rows("select version, status from read_models where name = %(name)s order by version", name=name)
        return [Version(version, Status(status)) for version, status in rows]

    def overview(self) -> list[Standing]:
        """See projections.checkpoint.Ledger.overview."""
        return [
            Standing(name, version, Status(status), {int(lane): int(at) for lane, at in lanes or ()}, parked)
            for name, version, status, lanes, parked in self._rows(_OVERVIEW)
        ]

    def register(self, name: str, version: int, status: Status, lanes: int) -> None:
        """See projections.checkpoint.Ledger.register."""
        with self._pool.connection() as connection:
            connection.execute(
                "insert into checkpoints (name, version, lane) select %s, %s, lane from generate_series(0, %s - 1) lane"
                " on conflict do nothing",
                (name, version, lanes),
            )
            connection.execute(
                "insert into read_models (name, version, status) values (%s, %s, %s) on conflict do nothing",
                (name, version, status),
            )

    def set_status(self, name: str, version: int, status: Status) -> None:
        """See projections.checkpoint.Ledger.set_status."""
        self._run(
            "update read_models set status = %(status)s where name = %(name)s and version = %(version)s",
            name=name,
            version=version,
            status=status,
        )

    def switch(self, name: str, version: int) -> None:
        """See projections.checkpoint.Ledger.switch."""
        self._run(
            "update read_models set status = case when version = %(version)s then 'serving' else 'retired' end"
            " where name = %(name)s and (version = %(version)s or status in ('serving', 'paused'))",
            name=name,
            version=version,
        )

    def forget(self, name: str, version: int) -> None:
        """See projections.checkpoint.Ledger.forget."""
        with self._pool.connection() as connection:
            for table in ("parked", "checkpoints", "read_models"):
                connection.execute(f"delete from {table} where name = %s and version = %s", (name, version))

    def acquire(self, name: str, version: int, lanes: Sequence[int], holder: str, seconds: float) -> list[Lease]:
        """See projections.checkpoint.Ledger.acquire."""
        rows = self._rows(_ACQUIRE, name=name, version=version, lanes=list(lanes), holder=holder, seconds=seconds)
        return sorted(Lease(*row) for row in rows)

    def release(self, name: str, version: int, holder: str) -> None:
        """See projections.checkpoint.Ledger.release."""
        # A release that is lost costs the rest of the lease, never an order: it need not wait for the disk.
        with self._pool.connection() as connection, connection.pipeline():
            connection.execute("set local synchronous_commit = off")
            connection.execute(
                "update checkpoints set lease_until = null where name = %s and version = %s and holder = %s",
                (name, version, holder),
            )
            connection.commit()

    def save(self, name: str, version: int, reached: Mapping[int, tuple[int, int]]) -> set[int]:
        """See projections.checkpoint.Ledger.save."""
        rows = self._rows(
            _SAVE,
            name=name,
            version=version,
            lanes=list(reached),
            fences=[fence for fence, _ in reached.values()],
            positions=[position for _, position in reached.values()],
        )
        return {lane for (lane,) in rows}

    def positions(self, name: str, version: int) -> dict[int, int]:
        """See projections.checkpoint.Ledger.positions."""
        return dict(
            self._rows(
                "select lane, position from checkpoints where name = %(name)s and version = %(version)s",
                name=name,
                version=version,
            )
        )

    def reset(self, name: str, version: int) -> bool:
        """See projections.checkpoint.Ledger.reset."""
        return bool(self._rows(_RESET, name=name, version=version))

    def parked(self, name: str, version: int) -> list[Parked]:
        """See projections.checkpoint.Ledger.parked."""
        return [Parked(*row) for row in self._rows(_PARKED, name=name, version=version, partitions=PARTITIONS)]

    def park(self, name: str, version: int, subject_id: UUID, position: int, error: str) -> None:
        """See projections.checkpoint.Ledger.park."""
        self._run(
            "insert into parked (name, version, subject_id, position, error)"
            " values (%(name)s, %(version)s, %(subject_id)s, %(position)s, %(error)s)"
            " on conflict (name, version, subject_id) do update set error = excluded.error",
            name=name,
            version=version,
            subject_id=subject_id,
            position=position,
            error=error.replace("\x00", ""),
        )

    def unpark(self, name: str, version: int, subject_id: UUID) -> None:
        """See projections.checkpoint.Ledger.unpark."""
        self._run(
            "delete from parked where name = %(name)s and version = %(version)s and subject_id = %(subject_id)s",
            name=name,
            version=version,
            subject_id=subject_id,
        )

    def _rows(self, query: str, **parameters: Any) -> list[TupleRow]:
        return self._execute(query, parameters, fetch=True)

    def _run(self, query: str, **parameters: Any) -> None:
        self._execute(query, parameters, fetch=False)

    def _execute(self, query: str, parameters: dict[str, Any], fetch: bool) -> list[TupleRow]:
        with self._pool.connection() as connection:
            with connection.pipeline():
                cursor: Cursor[TupleRow] = connection.execute(query.encode(), parameters)
                connection.commit()
            return cursor.fetchall() if fetch else []
