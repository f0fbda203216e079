"""Everybody as of one moment: one snapshot of the database, read chunk by chunk."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from application.previews.ports import Candidate
from domain.facts.table import FactTable
from domain.tier_model.compiled import CompiledModel, compiled_model
from domain.tier_model.reads import columns_read, lines_read
from domain.tier_model.spans import ALWAYS
from domain.tier_model.spec import TierModelSpec
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Subject
from domain.user_tier.impact import Specs
from domain.user_tier.observation import Observation, decode_observation
from domain.user_tier.scheme_order import concerned, with_read
from domain.user_tier.tags import held_tags
from infrastructure.facts.read import facts_of
from infrastructure.postgres.pool import Pool
from infrastructure.postgres.snapshot import at_once, one_snapshot
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION
from infrastructure.tier_models.in_force import ModelsInForce, ModelsInForceReader

_CHUNK = 1_000
# Whoever is not decided yet (an open history) has nowhere to move from.
_EVERYBODY = "t.history_id is null and t.decided_at is not null and t.merged_into is null"
_MOMENT = f"""
select tierline_peek(), (select last_value from positions), (select count(*) from timelines t where {_EVERYBODY})
"""
_SUBJECTS = f"""
select t.subject_id, t.stream_version, t.decided_at, t.facts, o.body
from timelines t left join observations o using (subject_id)
where {_EVERYBODY} and t.subject_id > %b order by t.subject_id limit %b
"""


class PostgresSnapshots:
    """Fulfils Snapshots."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._models = ModelsInForceReader()

    @contextmanager
    def take(self, candidate: Candidate) -> Iterator["PostgresSnapshot"]:
        """See Snapshots."""
        with one_snapshot(self._pool) as connection:
            yield PostgresSnapshot(connection, self._keyring, self._models.read(connection), candidate)


class PostgresSnapshot:
    """Fulfils Snapshot."""

    def __init__(self, connection: Connection, keyring: Keyring, models: ModelsInForce, candidate: Candidate) -> None:
        self._connection, self._keyring, self._in_force = connection, keyring, models
        row = connection.execute(_MOMENT).fetchone()
        assert row is not None
        self.now, self.position, self.total = row
        spec = msgspec.json.encode(candidate.spec).decode()
        self._force = Force(compiled_model(spec, candidate.version), self.now, candidate.migration)
        forces = self._all_forces(self.now - 1)
        self._concerned = concerned(candidate.scheme, forces)
        self.specs: Specs = {
            scheme: _newest_last(found) for scheme, found in forces.items() if scheme in self._concerned
        }

    def batches(self) -> Iterator[tuple[Sequence[Subject], FactTable, Mapping[str, tuple[Force, ...]]]]:
        """See Snapshot."""
        models = self._models()
        kinds, lines = columns_read(models), lines_read(models)
        after = UUID(int=0)
        while rows := self._connection.execute(_SUBJECTS, (after, _CHUNK), binary=True).fetchall():
            rows = at_once(rows, facts=3)
            after = rows[-1][0]
            ids = [row[0] for row in rows]
            table = facts_of(self._connection, ids, self._keyring, kinds, with_lines=lines)
            decided = min(min(row[2], self.now - 1) for row in rows)
            yield self._subjects(rows), table, self._forces(decided)

    def _subjects(self, rows: Sequence[tuple[Any, ...]]) -> list[Subject]:
        seals = self._keyring.seals(self._connection, [row[0] for row in rows])
        subjects = []
        for subject_id, version, decided_at, _, body in rows:
            seal = seals.get(subject_id)
            observation = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body)) if seal and body else Observation()
            # A decision at this very moment counts as before it: nobody is decided beyond the candidate's instant.
            upto = min(decided_at, self.now - 1)
            subjects.append(Subject(subject_id, version, upto, observation, tags=held_tags(observation)))
        return subjects

    def _models(self) -> list[CompiledModel]:
        """All versions that may be looked at."""
        forces = self._forces(ALWAYS)
        return [force.model for versions in forces.values() for force in versions]

    def _forces(self, since: int) -> dict[str, tuple[Force, ...]]:
        """Of the schemes whose standings the candidate may change, and of those that they read."""
        return with_read(self._concerned, self._all_forces(since))

    def _all_forces(self, since: int) -> dict[str, tuple[Force, ...]]:
        forces = self._in_force.forces(since, self.now)
        scheme = self._force.model.scheme
        return forces | {scheme: (*forces.get(scheme, ()), self._force)}


def _newest_last(forces: Sequence[Force]) -> dict[int, TierModelSpec]:
    """By version. One may come into force more than once."""
    specs: dict[int, TierModelSpec] = {}
    for force in forces:
        specs.pop(force.model.version, None)
        specs[force.model.version] = force.model.spec
    return specs
