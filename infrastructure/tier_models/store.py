"""Versions of tier models: their events in the log, and beside them the table that evaluation looks up."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import msgspec
from psycopg import Connection
from psycopg.types.json import Jsonb

from application.definitions.ports import DefinitionView
from application.tier_models.ports import TierModelView
from domain.facts.table import FactTable
from domain.tags.aggregate import TagDefinition
from domain.tier_model.aggregate import TierModel
from domain.tier_model.events import Activated, ModelEvent, Scheduled, Shadowed, Unscheduled
from domain.tier_model.spec import TierModelSpec
from domain.tier_model.version import ModelVersion, Review
from infrastructure.definitions.store import definitions_of
from infrastructure.event_store.application import Ledger
from infrastructure.facts.read import facts_of
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.tier_models.in_force import LOCK_EXCLUSIVE, LOCK_SHARED, ModelsInForceReader

_VERSIONS = """
select m.scheme, m.version, m.status, m.content_hash, m.spec, m.created_at, m.created_by, a.activated_at, m.review,
       s.at, coalesce(s.migration, a.migration, '{}')
from tier_models m
left join lateral (
    select activated_at, migration from activations a where a.scheme = m.scheme and a.version = m.version
    order by generation desc limit 1
) a on true
left join scheduled_activations s on s.scheme = m.scheme and s.version = m.version
where %(scheme)s::text is null or m.scheme = %(scheme)s order by m.scheme, m.version
"""
_UPSERT = """
insert into tier_models (scheme, version, status, spec, content_hash, created_at, created_by, review)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict (scheme, version) do update set status = excluded.status, spec = excluded.spec,
    content_hash = excluded.content_hash, review = excluded.review
"""
_SCHEDULE = """
insert into scheduled_activations (scheme, version, at, migration, actor, command_id) values (%s, %s, %s, %s, %s, %s)
on conflict (scheme) do update set version = excluded.version, at = excluded.at, migration = excluded.migration,
    actor = excluded.actor, command_id = excluded.command_id, change = nextval('generations')
"""
_SHADOW = """
insert into shadows (scheme, version, started_at, migration, running) values (%s, %s, %s, %s, %s)
on conflict (scheme) do update set version = excluded.version, running = excluded.running, fault = '',
    started_at = case when excluded.running then excluded.started_at else shadows.started_at end,
    migration = case when excluded.running then excluded.migration else shadows.migration end,
    change = nextval('generations')
"""
_CAME_DUE = "select scheme from scheduled_activations where at < tierline_peek() order by at, scheme"
# The activation has a position of its own, before its event's: it is taken under the order lock like any other.
_ACTIVATE = """
insert into activations (generation, scheme, version, activated_at, migration, position)
select nextval('generations'), %s, %s, %s, %s, nextval('positions') from (select tierline_order_lock()) locked
returning position
"""
_SUBJECTS = "select subject_id from timelines where merged_into is null order by 1"
_CHUNK = 2_000
_CHANGES_AT_ONCE = 2


class PostgresTierModels:
    """Fulfils TierModels."""

    def __init__(self, pool: Pool, keyring: Keyring, ledger: Ledger) -> None:
        self._pool, self._keyring, self._ledger = pool, keyring, ledger
        self._in_force = ModelsInForceReader()
        # A change reads its aggregate over a second connection: many at once would wait for each other for one.
        self._changing = BoundedSemaphore(_CHANGES_AT_ONCE)

    @contextmanager
    def change(self, scheme: str, *, activating: bool = False) -> Iterator["LockedModel"]:
        """The scheme's model, locked: one change at a time; an activation waits for decisions under way."""
        with self._changing, transaction(self._pool) as connection:
            connection.execute(LOCK_EXCLUSIVE if activating else LOCK_SHARED)
            connection.execute("select pg_advisory_xact_lock(7306, hashtext(%s))", (scheme,))
            yield LockedModel(connection, self._ledger, self._ledger.tier_model(scheme), self._in_force)

    def versions(self, scheme: str | None = None) -> list[TierModelView]:
        """All versions (of one scheme)."""
        with transaction(self._pool) as connection:
            rows = connection.execute(_VERSIONS, {"scheme": scheme}).fetchall()
        return [_view(*row) for row in rows]

    def facts(self, kinds: frozenset[str] | None, progress: Callable[[int, int], None]) -> Iterator[FactTable]:
        """Everybody's facts, chunk by chunk, open history sessions included."""
        with transaction(self._pool) as connection:
            ids = [row[0] for row in connection.execute(_SUBJECTS, binary=True)]
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            with transaction(self._pool) as connection:
                yield facts_of(connection, chunk, self._keyring, kinds, with_lines=True)
            progress(min(start + _CHUNK, len(ids)), len(ids))

    def has_facts_before(self, instant: int) -> bool:
        """Whether any fact occurred before the instant."""
        with transaction(self._pool) as connection:
            row = connection.execute(
                "select exists (select 1 from facts where occurred_at < %s)", (instant,)
            ).fetchone()
        return row is not None and bool(row[0])

    def due_schemes(self) -> list[str]:
        """Schemes whose scheduled activation's instant has come."""
        with transaction(self._pool) as connection:
            return [row[0] for row in connection.execute(_CAME_DUE)]

    def now(self) -> int:
        """The clock, unmoved."""
        with transaction(self._pool) as connection:
            return _instant(connection, "select tierline_peek()")


class LockedModel:
    """Fulfils ModelChange."""

    def __init__(
        self, connection: Connection, ledger: Ledger, model: TierModel | None, in_force: ModelsInForceReader
    ) -> None:
        self._connection, self._ledger, self._in_force = connection, ledger, in_force
        self.model = model
        self.now = _instant(connection, "select tierline_now()")

    def specs(self) -> dict[str, TierModelSpec]:
        """See ModelChange."""
        return {scheme: model.spec for scheme, model in self._in_force.read(self._connection).current.items()}

    def versions(self) -> dict[str, list[TierModelSpec]]:
        """See ModelChange."""
        models = self._in_force.read(self._connection)
        forces = models.forces(self.now - 1, self.now)
        found = {scheme: [force.model.spec for force in there] for scheme, there in forces.items()}
        for activation in models.scheduled:
            found.setdefault(activation.model.scheme, []).append(activation.model.spec)
        return found

    def tags(self) -> list[DefinitionView]:
        """See ModelChange."""
        return definitions_of(self._connection, TagDefinition.KIND)

    def save(self, model: TierModel) -> int:
        """Tables, events and commit."""
        if not model.pending_events:
            self._connection.rollback()
            return 0
        for version in model.versions.values():
            self._connection.execute(_UPSERT, _row(model.scheme, version))
        for event in model.pending_events:
            self._keep(event)
        return self._ledger.save_joined(self._connection, model)

    def _keep(self, event: object) -> None:
        """What evaluation looks up: activations, and those that come by themselves."""
        match event:
            case Scheduled():
                place = (event.scheme, event.model_version, event.at, Jsonb(event.migration))
                self._connection.execute(_SCHEDULE, (*place, event.actor, event.command_id))
            case Unscheduled():
                self._unschedule(event)
            case Shadowed():
                self._shadow(event)
            case Activated():
                if event.scheduled:
                    self._unschedule(event)
                migration = Jsonb(event.migration or {})
                row = (event.scheme, event.model_version, event.effective_at, migration)
                self._connection.execute(_ACTIVATE, row)

    def _shadow(self, event: Shadowed) -> None:
        """Another candidate begins with nobody: who is following the one before is waited for."""
        place = (event.scheme, event.model_version, event.effective_at, Jsonb(event.migration), event.running)
        self._connection.execute(_SHADOW, place)
        if event.running:
            self._connection.execute("delete from shadow_standings where scheme = %s", (event.scheme,))

    def _unschedule(self, event: ModelEvent) -> None:
        self._connection.execute(_SCHEDULE, (event.scheme, None, None, Jsonb({}), event.actor, event.command_id))


def _row(scheme: str, version: ModelVersion) -> tuple[Any, ...]:
    return (
        scheme,
        version.number,
        version.status,
        Jsonb(version.spec),
        version.content_hash,
        version.drafted_at,
        version.author,
        Jsonb(msgspec.to_builtins(version.review)),
    )


def _view(
    scheme: str,
    version: int,
    status: str,
    content_hash: str,
    spec: dict[str, Any],
    created_at: int,
    created_by: str,
    activated_at: int | None,
    review: dict[str, Any],
    scheduled_at: int | None,
    migration: dict[str, Any],
) -> TierModelView:
    unfitted = TierModelSpec.model_validate(spec).needs_fitting if status == "draft" else ()
    return TierModelView(
        scheme,
        version,
        status,
        content_hash,
        spec,
        unfitted,
        created_at,
        created_by,
        activated_at,
        msgspec.convert(review, Review),
        scheduled_at,
        migration,
    )


def _instant(connection: Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])
