"""Standings taken over from a programme before: decided at once, or kept until the subject's history is sealed."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from uuid import UUID

import msgspec
from psycopg import Connection

from application.standings.import_standings import tier_remedy
from application.standings.ports import LineFault, OpeningLine, TakenOver
from domain.tier_model.spec import TierModelSpec
from domain.user_tier.decide import BatchResult, Subject, decide
from domain.user_tier.holds import HoldChange, Opening
from domain.user_tier.observation import Observation
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.work import LockedWork, TimelineRow
from infrastructure.event_store.rows import ObservationRow, seal_observation
from infrastructure.event_store.subjects import Subjects
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.tier_models.in_force import ModelsInForce, ModelsInForceReader

# free: nothing is decided of them, and nothing is due. Facts in a history that is still open are neither.
_KNOWN = """
select u.user_id, u.subject_id, t.decided_at is null and t.stream_version = 0 and (
    t.facts = 0 or exists (select from history_sessions h where h.history_id = t.history_id and h.sealed_at is null))
from user_ids u join timelines t using (subject_id) where u.user_id = any(%b)
"""
_TAKEN_OVER = "select subject_id, scheme, scope, digest from openings where subject_id = any(%b)"
# Whoever seals the session waits for us, or we find it sealed.
_HOLD_OPEN = "select from history_sessions where history_id = any(%b) order by history_id for share"
_MOVED = """
update timelines set last_position = (select nextval('positions') from (select tierline_order_lock()) locked)
where subject_id = any(%b)
"""
_KEEP = """
insert into openings (subject_id, scheme, scope, digest, imported_at, actor)
select *, %b::bigint, %b::text from unnest(%b::uuid[], %b::text[], %b::text[], %b::bytea[])
on conflict (subject_id, scheme, scope) do update set digest = excluded.digest, imported_at = excluded.imported_at,
    actor = excluded.actor
"""

_Place = tuple[UUID, str, str]


class PostgresOpenings:
    """Fulfils OpeningLedger."""

    def __init__(self, pool: Pool, keyring: Keyring, ledger: PostgresEvaluationLedger) -> None:
        self._pool, self._ledger, self._subjects = pool, ledger, Subjects(keyring)
        self._models = ModelsInForceReader()

    def in_force(self) -> tuple[Mapping[str, Sequence[TierModelSpec]], int]:
        """See OpeningLedger."""
        with self._pool.connection() as connection:
            return self._specs(connection)

    def faults(self, lines: Sequence[OpeningLine]) -> Sequence[LineFault]:
        """See OpeningLedger."""
        with self._pool.connection() as connection:
            return _sorted_out(connection, lines, self._specs(connection)[0]).faults

    def _specs(self, connection: Connection) -> tuple[Mapping[str, Sequence[TierModelSpec]], int]:
        models = self._models.read(connection)
        row = connection.execute("select tierline_peek()").fetchone()
        now = int(row[0]) if row else 0
        return _in_force(models, now), now

    def take_over(self, lines: Sequence[OpeningLine], actor: str) -> TakenOver:
        """See OpeningLedger."""
        with transaction(self._pool) as connection:
            now = connection.execute("select tierline_now()").fetchone()
            users = dict.fromkeys(line.user_id for line in lines)
            self._subjects.resolve_or_create(connection, users, int(now[0]) if now else 0)
            ids = _known(connection, list(users))
            work = self._ledger.lock_all(connection, [subject_id for subject_id, _ in ids.values()])
            histories = [row.history_id for row in work.rows if row.history_id is not None]
            connection.execute(_HOLD_OPEN, (histories,), binary=True)
            found = _sorted_out(connection, lines, _in_force(work.models, work.work.now))
            position = _record(connection, work, found, actor) if found.fresh else 0
        return TakenOver(sum(map(len, found.fresh.values())), found.again, found.faults, position)


@dataclass(slots=True)
class _Sorted:
    """What is to be done with some lines. fresh: by subject; again: as many as were taken over as they are."""

    fresh: dict[UUID | str, list[OpeningLine]]
    again: int
    faults: list[LineFault]


def _in_force(models: ModelsInForce, now: int) -> dict[str, list[TierModelSpec]]:
    """By scheme, oldest first: several while a version is rolled out."""
    return {scheme: [force.model.spec for force in found] for scheme, found in models.forces(now, now + 1).items()}


def _sorted_out(
    connection: Connection, lines: Sequence[OpeningLine], specs: Mapping[str, Sequence[TierModelSpec]]
) -> _Sorted:
    """By what there is of the users now, and of tiers. Whom nobody named yet is told by the user id."""
    known = _known(connection, [line.user_id for line in lines])
    rows = connection.execute(_TAKEN_OVER, ([subject_id for subject_id, _ in known.values()],), binary=True).fetchall()
    taken: dict[_Place, bytes] = {(subject_id, scheme, scope): digest for subject_id, scheme, scope, digest in rows}
    found = _Sorted({}, 0, [])
    for user_id, group in groupby(lines, key=lambda line: line.user_id):
        mine = list(group)
        subject_id, free = known.get(user_id, (None, True))
        fresh = [
            line
            for line in mine
            if subject_id is None or taken.get((subject_id, line.scheme, line.scope)) != _digest(line)
        ]
        found.again += len(mine) - len(fresh) if free or not fresh else 0
        remedies = [(line, tier_remedy(line.tier, specs.get(line.scheme, ()))) for line in fresh]
        gone = [LineFault(line.line, "tier", line.tier, remedy) for line, remedy in remedies if remedy is not None]
        if fresh and free and gone:
            found.faults += gone
        elif fresh and free:
            found.fresh.setdefault(subject_id or user_id, []).extend(fresh)
        elif fresh:
            remedy = "leave the user out: what is decided stands; `tierline user pin` holds a tier by hand"
            found.faults += [LineFault(line.line, "user_id", user_id, remedy) for line in fresh]
    return found


def _known(connection: Connection, user_ids: Sequence[str]) -> dict[str, tuple[UUID, bool]]:
    rows = connection.execute(_KNOWN, (user_ids,), binary=True).fetchall()
    return {user_id: (subject_id, free) for user_id, subject_id, free in rows}


def _record(connection: Connection, work: LockedWork, found: _Sorted, actor: str) -> int:
    """Of who has a history to be decided the observation keeps it; anybody else is decided."""
    now = work.work.now
    rows = {row.subject_id: number for number, row in enumerate(work.rows)}
    numbers = sorted(rows[subject_id] for subject_id in found.fresh if isinstance(subject_id, UUID))
    at_once = [number for number in numbers if work.rows[number].history_id is None]
    waiting = [number for number in numbers if work.rows[number].history_id is not None]
    openings = {number: _openings(found.fresh[work.rows[number].subject_id], actor) for number in numbers}
    kept = [_kept(work, number, openings[number]) for number in waiting]
    connection.execute(_MOVED, ([work.rows[number].subject_id for number in waiting],), binary=True)
    places = [(row, line) for row, line in _places(work.rows, numbers, found)]
    columns = [
        [row.subject_id for row, _ in places],
        [line.scheme for _, line in places],
        [line.scope for _, line in places],
        [_digest(line) for _, line in places],
    ]
    connection.execute(_KEEP, (now, actor, *columns), binary=True)
    result, subjects = BatchResult([], 0), list[Subject]()
    if at_once:
        subjects = [_opened(work.work.subjects[number], now, openings[number]) for number in at_once]
        table = work.work.table.of_subjects(at_once)
        result = decide(subjects, table, work.work.forces, now + 1)
        work = replace(work, work=replace(work.work, subjects=subjects, table=table))
    decided = replace(work, rows=[work.rows[number] for number in at_once])
    return decided.record(result, commanded=True, beside=kept)


def _places(
    rows: Sequence[TimelineRow], numbers: Sequence[int], found: _Sorted
) -> list[tuple[TimelineRow, OpeningLine]]:
    return [(rows[number], line) for number in numbers for line in found.fresh[rows[number].subject_id]]


def _openings(lines: Sequence[OpeningLine], actor: str) -> dict[str, dict[str, Opening]]:
    """By scheme and scope."""
    openings: dict[str, dict[str, Opening]] = {}
    for line in lines:
        opening = Opening(line.tier, line.since, actor, line.valid_until, line.growth)
        openings.setdefault(line.scheme, {})[line.scope] = opening
    return openings


def _opened(subject: Subject, now: int, openings: Mapping[str, Mapping[str, Opening]]) -> Subject:
    changes = tuple(
        HoldChange(now, scheme, scope, "opened", opening=opening)
        for scheme, scopes in openings.items()
        for scope, opening in scopes.items()
    )
    return replace(subject, changes=changes)


def _kept(work: LockedWork, number: int, openings: dict[str, dict[str, Opening]]) -> ObservationRow:
    """Beside what an import before this one left, of which this one replaces the same standings."""
    subject, now = work.work.subjects[number], work.work.now
    before = subject.observation.openings
    together = {scheme: {**before.get(scheme, {}), **openings.get(scheme, {})} for scheme in {**before, **openings}}
    observation = Observation(openings=together, opened_at=now)
    return seal_observation(observation, work.seals[subject.subject_id], through=0, decided_at=now, due_at=None)


def _digest(line: OpeningLine) -> bytes:
    told = msgspec.json.encode((line.tier, line.since, line.valid_until, line.growth))
    return hashlib.sha256(told).digest()
