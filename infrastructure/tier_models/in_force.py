"""Which model versions were in force when, compiled."""

from dataclasses import dataclass, replace
from typing import Any

import psycopg

from domain.facts.table import NEVER
from domain.tier_model.compiled import CompiledModel, compiled_model
from domain.tier_model.migration import Migration, migration_from_json
from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import REASSESS, Force

# Taken shared by every decision and exclusively by an activation: no decision straddles one.
LOCK_SHARED = "select pg_advisory_xact_lock_shared(7305, 2)"
LOCK_EXCLUSIVE = "select pg_advisory_xact_lock(7305, 2)"
LAST_GENERATION = """
select greatest((select coalesce(max(generation), 0) from activations),
                (select coalesce(max(change), 0) from scheduled_activations),
                (select coalesce(max(change), 0) from shadows))
"""

_ACTIVATIONS = """
select a.generation, a.version, a.activated_at, a.position, m.spec::text, a.migration
from activations a join tier_models m using (scheme, version)
order by a.generation
"""
_SCHEDULED = """
select s.change, s.version, s.at, 0, m.spec::text, s.migration
from scheduled_activations s join tier_models m using (scheme, version)
order by s.at, s.scheme
"""
_SHADOWS = """
select s.change, s.version, s.started_at, 0, m.spec::text, s.migration
from shadows s join tier_models m using (scheme, version) where s.running order by s.scheme
"""


@dataclass(frozen=True, slots=True)
class Activation:
    """One version coming into force. generation: activations are numbered in their order."""

    generation: int
    model: CompiledModel
    activated_at: int
    position: int
    migration: Migration = REASSESS

    @property
    def force(self) -> Force:
        """From its instant on."""
        return Force(self.model, self.activated_at, self.migration)


@dataclass(frozen=True, slots=True)
class ModelsInForce:
    """All activations so far. scheduled: those that come by themselves, by their instants; from these on they hold,
    also while nobody has carried them out. shadows: candidates decided beside them, without effect."""

    activations: tuple[Activation, ...] = ()
    scheduled: tuple[Activation, ...] = ()
    shadows: tuple[Activation, ...] = ()

    @property
    def generation(self) -> int:
        """The last activation's; 0 without any."""
        return self.activations[-1].generation if self.activations else 0

    @property
    def position(self) -> int:
        """The last activation's; 0 without any."""
        return max((activation.position for activation in self.activations), default=0)

    @property
    def models(self) -> list[CompiledModel]:
        """Every version that was or is in force, or is decided beside them."""
        return [activation.model for activation in (*self.activations, *self.scheduled, *self.shadows)]

    @property
    def current(self) -> dict[str, CompiledModel]:
        """The version in force, by scheme."""
        return {activation.model.scheme: activation.model for activation in self.activations}

    def forces(self, since: int, now: int) -> dict[str, tuple[Force, ...]]:
        """Per scheme what was in force at some instant after `since` and before `now` (microseconds), oldest first."""
        forces: dict[str, list[Force]] = {}
        for activation in self._before(now):
            scheme = forces.setdefault(activation.model.scheme, [])
            # Of one that comes again it is to be told who is on it already, for whom it does not.
            again = any(force.model.version == activation.model.version for force in scheme)
            if activation.migration.whole and activation.activated_at <= since + (not again):
                scheme.clear()
            scheme.append(activation.force)
        return {scheme: tuple(found) for scheme, found in forces.items()}

    def next_change(self, generation: int) -> int:
        """The first instant at which a version came, or comes, into force after those up to that generation."""
        later = (activation for activation in self.activations if activation.generation > generation)
        return min((activation.activated_at for activation in (*later, *self.scheduled)), default=NEVER)

    def forces_of_history(self, sealed_at: int, now: int) -> dict[str, tuple[Force, ...]]:
        """For a session sealed at an instant: what was in force then holds from the beginning, until `now`. By its
        instant, not by its number: what was scheduled is in force from there on, whenever that is written down."""
        forces: dict[str, list[Force]] = {}
        passed: dict[str, list[Force]] = {}
        for activation in self._before(now):
            scheme = forces.setdefault(activation.model.scheme, [])
            if activation.activated_at > sealed_at:
                scheme.append(activation.force)
                continue
            so_far = passed.setdefault(activation.model.scheme, [])
            so_far.append(activation.force)
            if activation.migration.whole:
                scheme.clear()
            scheme.append(replace(activation.force, since=ALWAYS, passed=tuple(so_far)))
        return {scheme: tuple(found) for scheme, found in forces.items()}

    def _before(self, now: int) -> list[Activation]:
        return [*self.activations, *(activation for activation in self.scheduled if activation.activated_at < now)]


class ModelsInForceReader:
    """Reads the activations; reads again only when there are new ones."""

    def __init__(self) -> None:
        self._last, self._read_at = ModelsInForce(), 0

    @property
    def last(self) -> ModelsInForce:
        """As they were when they were read last: most likely as they are."""
        return self._last

    def read(self, connection: psycopg.Connection[Any]) -> ModelsInForce:
        """As committed; take LOCK_SHARED first when deciding."""
        return self.as_told(connection, connection.execute(LAST_GENERATION))

    def as_told(self, connection: psycopg.Connection[Any], asked: psycopg.Cursor[Any]) -> ModelsInForce:
        """The same when `LAST_GENERATION` was asked along with something else."""
        row = asked.fetchone()
        assert row is not None
        return self.at(connection, row[0])

    def at(self, connection: psycopg.Connection[Any], generation: int) -> ModelsInForce:
        """The same when it is known what `LAST_GENERATION` answers."""
        if generation != self._read_at:
            read = (_read(connection, query) for query in (_ACTIVATIONS, _SCHEDULED, _SHADOWS))
            self._last = ModelsInForce(*read)
            self._read_at = generation
        return self._last


def _read(connection: psycopg.Connection[Any], query: str) -> tuple[Activation, ...]:
    return tuple(
        Activation(number, compiled_model(spec, version), at, position, migration_from_json(migration))
        for number, version, at, position, spec, migration in connection.execute(query.encode()).fetchall()
    )
