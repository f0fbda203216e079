"""Which model versions were in force when, compiled."""

from dataclasses import dataclass
from typing import Any

import psycopg

from domain.tier_model.compiled import CompiledModel, compiled_model
from domain.tier_model.spans import ALWAYS
from domain.tier_model.timeline import Force

# Taken shared by every decision and exclusively by an activation: no decision straddles one.
LOCK_SHARED = "select pg_advisory_xact_lock_shared(7305, 2)"
LOCK_EXCLUSIVE = "select pg_advisory_xact_lock(7305, 2)"
LAST_GENERATION = "select coalesce(max(generation), 0) from activations"

_ACTIVATIONS = """
select a.generation, a.scheme, a.version, a.activated_at, a.position, m.spec::text
from activations a join tier_models m using (scheme, version)
order by a.generation
"""


@dataclass(frozen=True, slots=True)
class Activation:
    """One version coming into force. generation: activations are numbered in their order."""

    generation: int
    model: CompiledModel
    activated_at: int
    position: int


@dataclass(frozen=True, slots=True)
class ModelsInForce:
    """All activations so far."""

    activations: tuple[Activation, ...] = ()

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
        """Every version that was or is in force."""
        return [activation.model for activation in self.activations]

    @property
    def current(self) -> dict[str, CompiledModel]:
        """The version in force, by scheme."""
        return {activation.model.scheme: activation.model for activation in self.activations}

    def forces(self, since: int) -> dict[str, tuple[Force, ...]]:
        """Per scheme what was in force at some instant after `since` (microseconds), oldest first."""
        forces: dict[str, list[Force]] = {}
        for activation in self.activations:
            scheme = forces.setdefault(activation.model.scheme, [])
            if activation.activated_at <= since:
                scheme.clear()
            scheme.append(Force(activation.model, activation.activated_at))
        return {scheme: tuple(found) for scheme, found in forces.items()}

    def forces_of_history(self, generation: int) -> dict[str, tuple[Force, ...]]:
        """For a session sealed at that generation: what was in force then holds from the beginning."""
        forces: dict[str, list[Force]] = {}
        for activation in self.activations:
            scheme = forces.setdefault(activation.model.scheme, [])
            if activation.generation <= generation:
                scheme[:] = [Force(activation.model, ALWAYS)]
            else:
                scheme.append(Force(activation.model, activation.activated_at))
        return {scheme: tuple(found) for scheme, found in forces.items()}


class ModelsInForceReader:
    """Reads the activations; reads again only when there are new ones."""

    def __init__(self) -> None:
        self._last = ModelsInForce()

    def read(self, connection: psycopg.Connection[Any]) -> ModelsInForce:
        """As committed; take LOCK_SHARED first when deciding."""
        return self.as_told(connection, connection.execute(LAST_GENERATION))

    def as_told(self, connection: psycopg.Connection[Any], asked: psycopg.Cursor[Any]) -> ModelsInForce:
        """The same when `LAST_GENERATION` was asked along with something else."""
        row = asked.fetchone()
        assert row is not None
        if row[0] != self._last.generation:
            rows = connection.execute(_ACTIVATIONS).fetchall()
            self._last = ModelsInForce(
                tuple(Activation(g, compiled_model(spec, version), at, p) for g, _, version, at, p, spec in rows)
            )
        return self._last
