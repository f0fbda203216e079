"""Reads the ledger for proof: facts with their chain, and every recorded decision."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, IsolationLevel

from application.compliance.ports import RecordedSubjects
from application.queries import UnknownUser
from domain.facts.fact import EMPTY_CHAIN, Fact, canonical_content, decode_details, next_chain
from domain.user_tier.decide import EVALUATOR, Command, Subject, columns_read, lines_read
from domain.user_tier.decisions import NewEvent
from domain.user_tier.holds import COMMANDED, changes_of
from domain.user_tier.tags import ADDED, REMOVED, spans_of
from infrastructure.facts.read import facts_of
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT, CONTEXT_FACT, Seal
from infrastructure.tier_models.in_force import ModelsInForceReader

_CHUNK = 400
# A subject belongs to the session that brought its first fact; it is decided by what was in force at that sealing.
_SUBJECTS = """
select t.subject_id, t.decided_at, t.chain, h.sealed_at, h.generation
from timelines t
left join lateral (
    select f.history_id from facts f where f.subject_id = t.subject_id order by f.position limit 1
) first_fact on true
left join history_sessions h on h.history_id = first_fact.history_id
where t.decided_at is not null and t.subject_id > %(after)s
  and (%(only)s::uuid is null or t.subject_id = %(only)s)
order by t.subject_id limit %(limit)s
"""
_EVENTS = """
select originator_id, originator_version, topic, scheme, scope, from_tier, to_tier, effective_at, actor, command_id,
       causation, state
from events where originator_id = any(%s) order by originator_id, originator_version
"""
_FACTS = """
select subject_id, fact_id, kind, occurred_at, source, amount, currency, sealed, content_hash, known_at, chain
from facts where subject_id = any(%s) order by subject_id, position
"""
_decode = msgspec.msgpack.Decoder().decode


class PostgresRecords:
    """Fulfils Records."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._models = ModelsInForceReader()

    def count(self) -> int:
        """Subjects with decisions."""
        with self._pool.connection() as connection:
            row = connection.execute("select count(*) from timelines where decided_at is not null").fetchone()
        return int(row[0]) if row else 0

    def subjects(self, user_id: str | None) -> Iterator[RecordedSubjects]:
        """Batches in the order of subject ids; a subject whose key is gone is counted as erased and no more."""
        return self._read(self._subject(user_id) if user_id is not None else None)

    def subject(self, subject_id: UUID) -> Iterator[RecordedSubjects]:
        """One subject, if it has decisions."""
        return self._read(subject_id)

    def _subject(self, user_id: str) -> UUID:
        with self._pool.connection() as connection:
            row = connection.execute("select subject_id from user_ids where user_id = %s", (user_id,)).fetchone()
        if row is None:
            raise UnknownUser(user_id)
        return UUID(str(row[0]))

    def _read(self, only: UUID | None) -> Iterator[RecordedSubjects]:
        after = UUID(int=0)
        while True:
            with self._pool.connection() as connection:
                connection.isolation_level = IsolationLevel.REPEATABLE_READ
                try:
                    parameters = {"after": after, "only": only, "limit": _CHUNK}
                    rows = connection.execute(_SUBJECTS, parameters).fetchall()
                    batches = list(self._batches(connection, rows))
                finally:
                    connection.rollback()
                    connection.isolation_level = None
            if not rows:
                return
            yield from batches
            after = rows[-1][0]

    def _batches(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> Iterator[RecordedSubjects]:
        """One batch for each sealing, for the forces differ."""
        models = self._models.read(connection)
        seals = self._keyring.seals(connection, [row[0] for row in rows])

        def sealing(row: tuple[Any, ...]) -> tuple[int, int]:
            return row[3] or 0, row[4] or 0

        for (sealed_at, generation), group in groupby(sorted(rows, key=sealing), key=sealing):
            everybody = list(group)
            known = [row for row in everybody if row[0] in seals]
            ids = [row[0] for row in known]
            events = _events(connection, ids, seals)
            now = max((row[1] for row in known), default=0) + 1
            yield RecordedSubjects(
                subjects=[_subject(i, mine, sealed_at or None) for i, mine in zip(ids, events, strict=True)],
                table=facts_of(
                    connection, ids, self._keyring, columns_read(models.models), with_lines=lines_read(models.models)
                ),
                forces=models.forces_of_history(generation, now) if sealed_at else models.forces(-1, now),
                decided_at=[row[1] for row in known],
                events=events,
                broken=_broken(connection, {row[0]: bytes(row[2]) for row in known}, seals),
                erased=len(everybody) - len(known),
            )


def _subject(subject_id: UUID, events: Sequence[NewEvent], history_until: int | None) -> Subject:
    """The subject before anything was decided, with what people did to it: that is given, not recomputed."""
    return Subject(
        subject_id,
        0,
        history_until=history_until,
        tags=spans_of(events),
        commands=tuple(
            Command(
                event.effective_at,
                event.topic,
                event.data,
                event.actor,
                event.command_id,
                event.scheme,
                event.scope,
                event.to_tier,
            )
            for event in events
            if event.actor != EVALUATOR and event.topic in (ADDED, REMOVED, *COMMANDED)
        ),
        changes=changes_of(events, EVALUATOR),
    )


def _events(connection: Connection, ids: list[UUID], seals: dict[UUID, Seal]) -> list[list[NewEvent]]:
    events: dict[UUID, list[NewEvent]] = {subject_id: [] for subject_id in ids}
    for row in connection.execute(_EVENTS, (ids,), binary=True):
        data = _decode(seals[row[0]].unseal(CONTEXT_EVENT, row[11]))
        events[row[0]].append(NewEvent(*(*row[:11], data)))
    return [events[subject_id] for subject_id in ids]


def _broken(connection: Connection, ends: dict[UUID, bytes], seals: dict[UUID, Seal]) -> list[UUID]:
    """Subjects with a fact row whose content or place in the chain is not what was recorded, or with a row too few."""
    broken, running = set(), dict.fromkeys(ends, EMPTY_CHAIN)
    for row in connection.execute(_FACTS, (list(ends),), binary=True):
        subject_id, content_hash, known_at, chain = row[0], row[8], row[9], row[10]
        seal = seals[subject_id]
        details = decode_details(seal.unseal(CONTEXT_FACT, row[7])) if row[7] is not None else None
        fact = Fact(
            fact_id=row[1],
            user_id="",
            kind=row[2],
            occurred_at=row[3],
            source=row[4],
            amount=row[5],
            currency=row[6],
            attributes=details.attributes if details else {},
            lines=details.lines if details else (),
        )
        running[subject_id] = next_chain(running[subject_id], content_hash, known_at)
        if seal.digest(canonical_content(fact)) != content_hash or running[subject_id] != chain:
            broken.add(subject_id)
    return sorted(broken | {subject_id for subject_id, end in ends.items() if running[subject_id] != end})
