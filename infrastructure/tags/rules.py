"""What rule tags read of the ledger, and the one place from which they follow it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from psycopg import Connection

from application.definitions.ports import Definitions
from application.reactions.ports import Observed, RulesInForce
from domain.tags.aggregate import TagDefinition
from domain.tags.definition import spec_from
from domain.tags.rule import TagRule, rule_of
from domain.tier_model.calendar import calendar_of
from domain.user_tier.observation import decode_observation
from infrastructure.evaluation.ledger import PostgresEvaluationLedger, undecidable
from infrastructure.evaluation.work import LockedWork
from infrastructure.event_store.tail import PARTITIONS, LogTail, head
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.runs.shares import bounds_of
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION
from infrastructure.tier_models.in_force import ModelsInForceReader
from projections.records import ObservationRecord

_CHUNK = 500
_CLAIM = "select pg_try_advisory_lock(7310, 0)"
_LEAVE = "select pg_advisory_unlock(7310, 0)"
_SHARE = """
select subject_id, body, position from observations join timelines using (subject_id)
where merged_into is null and subject_id >= %b and subject_id <= %b and subject_id > %b order by subject_id limit %b
"""
_COUNT = "select count(*) from observations where subject_id >= %s and subject_id <= %s"
_DUE = """
select o.subject_id, o.body, o.position from rule_tag_due d join observations o using (subject_id)
where d.due_at <= tierline_peek() order by d.due_at limit %b
"""
_REMEMBER = """
insert into rule_tag_due (subject_id, due_at)
select t.subject_id, t.due_at from unnest(%b::uuid[], %b::bigint[]) t (subject_id, due_at)
join subjects using (subject_id) order by t.subject_id
on conflict (subject_id) do update set due_at = excluded.due_at
"""
_FORGET = "delete from rule_tag_due where subject_id = any(%b)"


class PostgresRuleTags:
    """Fulfils RuleTagLedger."""

    def __init__(
        self,
        pool: Pool,
        keyring: Keyring,
        tail: LogTail,
        evaluation: PostgresEvaluationLedger,
        definitions: Definitions[TagDefinition],
    ) -> None:
        self._pool, self._keyring, self._tail = pool, keyring, tail
        self._evaluation, self._definitions = evaluation, definitions
        self._models = ModelsInForceReader()
        self._compiled: dict[tuple[str, int], TagRule] = {}

    def rules(self) -> RulesInForce:
        """See RuleTagLedger."""
        views = [view for view in self._definitions.list() if not view.retired]
        specs = {(view.name, view.revision): spec_from(view.spec) for view in views}
        self._compiled = {
            key: self._compiled.get(key) or rule_of(*key, spec.lineage) for key, spec in specs.items() if spec.by_rule
        }
        if not self._compiled:
            return RulesInForce((), {})
        with transaction(self._pool) as connection:
            models = self._models.read(connection).current
        calendars = {scheme: calendar_of(model.spec.time_zone) for scheme, model in models.items()}
        return RulesInForce(list(self._compiled.values()), calendars)

    def now(self) -> int:
        """See RuleTagLedger."""
        with transaction(self._pool) as connection:
            row = connection.execute("select tierline_peek()").fetchone()
        return int(row[0]) if row else 0

    def place(self) -> tuple[int | None, int]:
        """How far the log is followed, None before that has begun; and its head."""
        with transaction(self._pool) as connection:
            row = connection.execute("select position from rule_tag_progress").fetchone()
            return (row[0] if row else None), head(connection)

    @contextmanager
    def following(self) -> Iterator["FollowedLog | None"]:
        """See RuleTagLedger. The claim ends with the connection, whatever happens."""
        with self._pool.connection() as connection:
            if not _told(connection, _CLAIM):
                yield None
                return
            try:
                yield FollowedLog(connection, self._tail, self._observed)
            finally:
                connection.rollback()
                _told(connection, _LEAVE)

    def share(self, part: int, parts: int, after: UUID | None) -> Iterator[Sequence[Observed]]:
        """See RuleTagLedger."""
        first, last = bounds_of(part, parts)
        reached = after or UUID(int=max(first.int - 1, 0))
        while True:
            with transaction(self._pool) as connection:
                rows = connection.execute(_SHARE, (first, last, reached, _CHUNK), binary=True).fetchall()
                found = self._observed(connection, rows)
            if not rows:
                return
            reached = rows[-1][0]
            if found:
                yield found

    def count(self, part: int, parts: int) -> int:
        """See RuleTagLedger."""
        with transaction(self._pool) as connection:
            row = connection.execute(_COUNT, bounds_of(part, parts)).fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def take(self, subject_ids: Sequence[UUID]) -> Iterator[LockedWork | None]:
        """See RuleTagLedger."""
        with transaction(self._pool) as connection, undecidable(subject_ids):
            yield self._evaluation.lock_settled(connection, subject_ids)

    def remember(self, turns: Mapping[UUID, int | None]) -> None:
        """See RuleTagLedger."""
        ahead = {subject_id: at for subject_id, at in turns.items() if at is not None}
        with transaction(self._pool) as connection:
            connection.execute(_REMEMBER, (list(ahead), list(ahead.values())), binary=True)
            connection.execute(_FORGET, ([subject_id for subject_id in turns if subject_id not in ahead],), binary=True)

    def _observed(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> list[Observed]:
        seals = self._keyring.seals(connection, [row[0] for row in rows])
        return [
            Observed(subject_id, decode_observation(seal.unseal(CONTEXT_OBSERVATION, body)), position)
            for subject_id, body, position in rows
            if (seal := seals.get(subject_id)) is not None
        ]


class FollowedLog:
    """Fulfils Following."""

    def __init__(self, connection: Connection, tail: LogTail, observed: Any) -> None:
        self._connection, self._tail, self._observed = connection, tail, observed
        self._position: int | None = _told(connection, "select position from rule_tag_progress")

    @property
    def begun(self) -> bool:
        """See Following."""
        return self._position is not None

    def begin(self) -> None:
        """See Following."""
        self._keep(self._tail.head())

    def stop(self) -> None:
        """See Following."""
        self._connection.execute("delete from rule_tag_due")
        self._keep(None)

    def next(self, limit: int) -> tuple[list[Observed], int, bool]:
        """See Following. Of a subject that no user id names nothing is told."""
        batch = self._tail.read(range(PARTITIONS), self._position or 0, limit, events=False)
        found = [
            Observed(record.subject_id, record.observation, record.position)
            for record in batch.records
            if isinstance(record, ObservationRecord) and record.user_ids
        ]
        return found, batch.position, batch.position < batch.head

    def reached(self, position: int) -> None:
        """See Following."""
        if position != self._position:
            self._keep(position)

    def due(self, limit: int) -> list[Observed]:
        """See Following."""
        rows = self._connection.execute(_DUE, (limit,), binary=True).fetchall()
        found: list[Observed] = self._observed(self._connection, rows)
        self._connection.commit()
        return found

    def _keep(self, position: int | None) -> None:
        self._connection.execute("update rule_tag_progress set position = %s", (position,))
        self._connection.commit()
        self._position = position


def _told(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    connection.commit()
    return row[0] if row else None
