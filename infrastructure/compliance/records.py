"""Reads the ledger for proof: facts with their chain, and every recorded decision."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection, Cursor, IsolationLevel

from application.compliance.ports import EVERYBODY, RecordedSubjects, Share
from domain.tier_model.reads import columns_read, lines_read
from domain.user_tier.decide import EVALUATOR, Command, Subject
from domain.user_tier.decisions import NewEvent
from domain.user_tier.holds import COMMANDED, changes_of
from domain.user_tier.merging import IDENTITY
from domain.user_tier.splitting import PARTING
from domain.user_tier.tags import ADDED, REMOVED, spans_of
from domain.user_tier.verify import Finding, RecordedEvent
from infrastructure.compliance.proved_facts import ask_proved, proved_facts
from infrastructure.compliance.shares import bounds
from infrastructure.compliance.versions import VersionsProved, prove_versions
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT, Seal, SealBroken
from infrastructure.tier_models.in_force import LAST_GENERATION, ModelsInForce

_CHUNK = 400
_FACTS_AT_ONCE = 100_000  # bounds a batch's memory
_DECIDED = """
t.decided_at is not null and t.subject_id >= %(first)s and t.subject_id <= %(last)s
and (%(only)s::uuid is null or t.subject_id = %(only)s)
"""
# A subject belongs to the session that brought its first fact; it is decided by what was in force at that sealing.
_SUBJECTS = f"""
select t.subject_id, t.decided_at, t.chain, h.sealed_at, t.stream_version, t.facts
from timelines t
left join lateral (
    select f.history_id from facts f where f.subject_id = t.subject_id order by f.position limit 1
) first_fact on true
left join history_sessions h on h.history_id = first_fact.history_id
where {_DECIDED} and t.subject_id > %(after)s
order by t.subject_id limit %(limit)s
"""
_COUNT = f"select count(*) from timelines t where {_DECIDED}"
# Each subject's events are in order as they are read: all of them sorted once more would not fit the server's memory.
_EVENTS = """
select (s.i - 1)::int8, originator_version, topic, scheme, scope, from_tier, to_tier, effective_at, actor, command_id,
       causation, state
from unnest(%s::uuid[]) with ordinality as s(subject_id, i)
cross join lateral (select * from events where originator_id = s.subject_id order by originator_version) e
"""
_GIVEN = (ADDED, REMOVED, *IDENTITY, *PARTING, *COMMANDED)


class PostgresRecords:
    """Fulfils Records."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._versions: tuple[int, VersionsProved] | None = None

    def count(self, share: Share = EVERYBODY) -> int:
        """See Records."""
        with self._pool.connection() as connection:
            row = connection.execute(_COUNT, bounds(self._pool, share)).fetchone()
        return int(row[0]) if row else 0

    def broken_models(self) -> Sequence[Finding]:
        """See Records."""
        with self._pool.connection() as connection:
            return prove_versions(connection).findings

    def subjects(self, share: Share = EVERYBODY) -> Iterator[RecordedSubjects]:
        """Batches in the order of subject ids; a subject whose key is gone is counted as erased and no more."""
        return self._read(bounds(self._pool, share))

    def subject(self, subject_id: UUID) -> Iterator[RecordedSubjects]:
        """One subject, if it has decisions."""
        return self._read({**bounds(self._pool, EVERYBODY), "only": subject_id})

    def _read(self, asked: dict[str, Any]) -> Iterator[RecordedSubjects]:
        """Each chunk is read while the one before it is looked at: a server at work is not waited for."""
        with ThreadPoolExecutor(1, "records") as reader:
            coming = reader.submit(self._chunk, asked)
            while (chunk := coming.result()) is not None:
                coming = reader.submit(self._chunk, asked | {"after": chunk.through})
                through, batches = chunk.through, [_batch(sealing) for sealing in chunk.sealings]
                del chunk  # what was read is not kept beside what became of it
                yield from batches[:-1]
                yield replace(batches[-1], through=through)

    def _chunk(self, asked: dict[str, Any]) -> "_Chunk | None":
        """The next subjects in one snapshot, asked for and not yet opened; None when nobody is left."""
        with self._pool.connection() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            try:
                parameters = asked | {"limit": _CHUNK}
                rows = _at_once(connection.execute(_SUBJECTS, parameters, binary=True).fetchall())
                return _Chunk(rows[-1][0], list(self._sealings(connection, rows))) if rows else None
            finally:
                connection.rollback()
                connection.isolation_level = None

    def _sealings(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> Iterator["_Sealing"]:
        """One for each sealing, for the forces differ."""
        models = self._proved(connection).in_force
        seals = self._keyring.seals(connection, [row[0] for row in rows])

        def sealing(row: tuple[Any, ...]) -> int:
            return row[3] or 0

        for sealed_at, group in groupby(sorted(rows, key=sealing), key=sealing):
            everybody = list(group)
            known = [row for row in everybody if row[0] in seals]
            ids = [row[0] for row in known]
            facts, events = ask_proved(connection, ids), connection.execute(_EVENTS, (ids,), binary=True)
            erased = len(everybody) - len(known)
            yield _Sealing(sealed_at or None, known, erased, models, seals, facts, events)

    def _proved(self, connection: Connection) -> VersionsProved:
        """Read again only when there is another activation."""
        row = connection.execute(LAST_GENERATION).fetchone()
        assert row is not None
        if self._versions is None or self._versions[0] != row[0]:
            self._versions = row[0], prove_versions(connection)
        return self._versions[1]


class _Sealing(NamedTuple):
    """Subjects of one sealing: their rows, how many more are erased, and what was asked of them. The answers are whole:
    their connection may serve others meanwhile."""

    sealed_at: int | None
    rows: Sequence[tuple[Any, ...]]
    erased: int
    models: ModelsInForce
    seals: dict[UUID, Seal]
    facts: Cursor
    events: Cursor


class _Chunk(NamedTuple):
    """Everybody up to the subject `through`."""

    through: UUID
    sealings: Sequence[_Sealing]


def _batch(sealing: _Sealing) -> RecordedSubjects:
    """Opened, and its facts proved."""
    rows, models = sealing.rows, sealing.models
    ids, read, now = [row[0] for row in rows], models.models, max((row[1] for row in rows), default=0) + 1
    ends = {row[0]: row[2] for row in rows}
    table, broken = proved_facts(sealing.facts, ends, sealing.seals, columns_read(read), with_lines=lines_read(read))
    events = _events(sealing.events, ids, sealing.seals)
    return RecordedSubjects(
        subjects=[_subject(i, mine, sealing.sealed_at) for i, mine in zip(ids, events, strict=True)],
        table=table,
        forces=models.forces_of_history(sealing.sealed_at, now) if sealing.sealed_at else models.forces(-1, now),
        decided_at=[row[1] for row in rows],
        versions=[row[4] for row in rows],
        events=events,
        broken=broken,
        erased=sealing.erased,
    )


def _at_once(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The first of the rows, as many as have no more facts than are read at once; at least one."""
    read = 0
    for number, row in enumerate(rows):
        read += row[5]
        if read > _FACTS_AT_ONCE and number:
            return rows[:number]
    return rows


def _subject(subject_id: UUID, events: Sequence[RecordedEvent], history_until: int | None) -> Subject:
    """The subject before anything was decided, with what people did to it: that is given, not recomputed."""
    given = [event.opened() for event in events if event.actor != EVALUATOR and event.body is not None]
    if not given:
        return Subject(subject_id, 0, history_until=history_until)
    return Subject(
        subject_id,
        0,
        history_until=history_until,
        tags=spans_of(given),
        commands=tuple(_command(event) for event in given if event.topic in _GIVEN),
        changes=changes_of(given, EVALUATOR),
    )


def _command(event: NewEvent) -> Command:
    return Command(
        event.effective_at,
        event.topic,
        event.data,
        event.actor,
        event.command_id,
        event.scheme,
        event.scope,
        event.to_tier,
    )


def _events(asked: Cursor, ids: list[UUID], seals: dict[UUID, Seal]) -> list[list[RecordedEvent]]:
    """By subject, in their order."""
    events: list[list[RecordedEvent]] = [[] for _ in ids]
    own = [seals[subject_id] for subject_id in ids]
    for number, *fields, state in asked.fetchall():
        events[number].append(RecordedEvent._make((ids[number], *fields, _body(own[number], state))))
    return events


def _body(seal: Seal, state: bytes) -> bytes | None:
    try:
        return seal.unseal(CONTEXT_EVENT, state)
    except SealBroken:
        return None
