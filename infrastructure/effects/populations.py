"""Everybody's facts and transitions as of one moment, read chunk by chunk out of one snapshot."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from psycopg import Connection

from application.effects.ports import Past
from domain.effects.model_effect import InForce
from domain.effects.transitions import Transition
from domain.facts.table import FactTable
from domain.user_tier.events import TierChanged
from infrastructure.facts.read import facts_of
from infrastructure.postgres.pool import Pool
from infrastructure.postgres.snapshot import at_once, one_snapshot
from infrastructure.security.keyring import Keyring
from infrastructure.tier_models.in_force import ModelsInForce, ModelsInForceReader

_CHUNK = 1_000
# Whoever is not decided yet stands nowhere; nor does who was merged into another.
_EVERYBODY = "history_id is null and decided_at is not null and merged_into is null"
_MOMENT = f"select (select last_value from positions), (select count(*) from timelines where {_EVERYBODY})"
_SUBJECTS = f"""
select subject_id, facts from timelines where {_EVERYBODY} and subject_id > %b order by subject_id limit %b
"""
_TRANSITIONS = """
select (s.i - 1)::int, e.scope, e.to_tier, e.effective_at
from unnest(%b::uuid[]) with ordinality as s(subject_id, i)
join events e on e.originator_id = s.subject_id
where e.scheme = %b and e.topic = %b
order by s.i, e.scope, e.effective_at, e.originator_version
"""


class PostgresPopulations:
    """Fulfils Populations."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._models = ModelsInForceReader()

    @contextmanager
    def take(self, scheme: str) -> Iterator["PostgresPopulation"]:
        """See Populations."""
        with one_snapshot(self._pool) as connection:
            yield PostgresPopulation(connection, self._keyring, self._models.read(connection), scheme)


class PostgresPopulation:
    """Fulfils Population."""

    def __init__(self, connection: Connection, keyring: Keyring, models: ModelsInForce, scheme: str) -> None:
        self._connection, self._keyring, self._scheme = connection, keyring, scheme
        row = connection.execute(_MOMENT).fetchone()
        assert row is not None
        self.position, self.total = row
        mine = [activation for activation in models.activations if activation.model.scheme == scheme]
        self.past = Past(
            [InForce(one.activated_at, one.model.version, dict(one.migration.mapping)) for one in mine],
            {one.model.version: one.model for one in mine},
        )

    def batches(
        self, kinds: Collection[str] | None, lines: bool
    ) -> Iterator[tuple[UUID, FactTable, Sequence[Transition]]]:
        """See Population."""
        after = UUID(int=0)
        while rows := self._connection.execute(_SUBJECTS, (after, _CHUNK), binary=True).fetchall():
            rows = at_once(rows, facts=1)
            ids = [row[0] for row in rows]
            after = ids[-1]
            table = facts_of(self._connection, ids, self._keyring, kinds, with_lines=lines)
            told = self._connection.execute(_TRANSITIONS, (ids, self._scheme, TierChanged.TOPIC), binary=True)
            yield after, table, [Transition(*row) for row in told.fetchall()]
