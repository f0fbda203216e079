"""Work in hand: subjects whose decisions are written together with their timelines."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from application.evaluation.ports import Work
from domain.user_tier.decide import BatchResult, Decided, Subject
from domain.user_tier.shadow import LiveDecisions
from infrastructure.evaluation.shadow import follow_shadows
from infrastructure.event_store.append import AppendBatch, append
from infrastructure.event_store.bulk import BulkAppender, Pace, Stream
from infrastructure.event_store.rows import EventRow, ObservationRow, seal_event, seal_observation
from infrastructure.postgres.arrays import bigints, integers, uuids
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.seal import Seal
from infrastructure.tier_models.in_force import ModelsInForce

# Selected, so that how many there are is unknown to the planner: it makes one plan, not one each time.
_UPDATE = """
update timelines t set due_at = d.due_at, decided_at = d.decided_at, stream_version = d.stream_version,
    generation = %(generation)s, last_instant = greatest(t.last_instant, d.decided_at), history_id = null,
    last_position = greatest(t.last_position, %(commanded)s)
from unnest((select %(subjects)b::uuid[]), (select %(due)b::bigint[]), (select %(decided)b::bigint[]),
            (select %(versions)b::int[]), (select %(read_versions)b::int[]), (select %(read_positions)b::bigint[]))
    as d (subject_id, due_at, decided_at, stream_version, read_version, read_position)
where t.subject_id = d.subject_id and t.last_position = d.read_position and t.stream_version = d.read_version
returning t.subject_id
"""
# A command has a position of its own, before its event's, so that what waits for the event waits for this decision.
_COMMANDED = "select nextval('positions') from (select tierline_order_lock()) locked"
_OF_COMMAND = "select max(position) from events where originator_id = %s and command_id = %s"


class TimelineRow(NamedTuple):
    """A subject's row of `timelines` as read; facts: how many it has, chain: their running hash."""

    subject_id: UUID
    due_at: int | None
    last_position: int
    decided_at: int | None
    stream_version: int
    facts: int
    history_id: UUID | None
    chain: bytes


@dataclass(frozen=True, slots=True)
class LockedWork:
    """Work whose rows are locked in one transaction, which record() commits. to_pack: whose facts to pack anew."""

    connection: Connection
    work: Work
    rows: Sequence[TimelineRow]
    seals: dict[UUID, Seal]
    models: ModelsInForce
    to_pack: Sequence[UUID] = ()

    def record(
        self,
        result: BatchResult,
        *,
        subjects: Sequence[Subject] | None = None,
        commanded: bool = False,
        beside: Sequence[ObservationRow] = (),
        along: Callable[[], None] | None = None,
        closing: Collection[UUID] = (),
    ) -> int:
        """Events, observations and timelines together; answers the last position. Then candidates follow.

        beside: observations of others, written along. along: writes what else belongs to the transaction, once the
        timelines are written. closing: subjects that candidates do not follow any more.
        """
        position, now = 0, self.work.now
        if commanded:
            row = self.connection.execute(_COMMANDED).fetchone()
            position = int(row[0]) if row else 0
        batch = _Sealed(self.rows, result, self.seals, self.models, now, position)
        now += commanded
        timelines = batch.timelines(self.rows, result.decided)
        events = [event for stream in batch.streams for event in stream.events]
        observations = [stream.observation for stream in batch.streams if stream.observation is not None]
        observations += beside
        if along is None:
            position = append(self.connection, AppendBatch(events, observations), (_UPDATE, timelines))
        else:
            self.connection.execute(_UPDATE, timelines)
            along()
            position = append(self.connection, AppendBatch(events, observations))
        if self.models.shadows and result.decided:
            whose = self.work.subjects if subjects is None else subjects
            followed = [subject for subject in whose if subject.subject_id not in closing]
            _follow(self.connection, self, followed, result, now)
        return position

    def position_of(self, command_id: str) -> int | None:
        """See application.evaluation.ports.TakenUser."""
        if not command_id:
            return None
        found = self.connection.execute(_OF_COMMAND, (self.rows[0].subject_id, command_id)).fetchone()
        return int(found[0]) if found and found[0] is not None else None


@dataclass(frozen=True, slots=True)
class BulkWork:
    """Work on many who wait for one thing, sealed history or an activation: written in bulk, in several short
    transactions, each subject in one of them."""

    pool: Pool
    work: Work
    rows: Sequence[TimelineRow]
    seals: dict[UUID, Seal]
    models: ModelsInForce
    pace: Pace

    def record(self, result: BatchResult, *, subjects: Sequence[Subject] | None = None, commanded: bool = False) -> int:
        """In chunks of whole subjects. A subject whose facts have moved on stays for the next batch. Then candidates
        follow."""
        assert not commanded, "commands are on one subject"
        written: set[UUID] = set()
        batch = _Sealed(self.rows, result, self.seals, self.models, self.work.now)
        by_subject = {row.subject_id: (row, decided) for row, decided in zip(self.rows, result.decided, strict=True)}

        def before(connection: Connection, chunk: Sequence[Stream]) -> Sequence[Stream]:
            pairs = [by_subject[_subject_of(stream)] for stream in chunk]
            rows, decided = [row for row, _ in pairs], [found for _, found in pairs]
            ids = [row.subject_id for row in rows]
            connection.execute(
                "select from timelines where subject_id = any(%b) order by subject_id for update", (ids,)
            )
            updated = connection.execute(_UPDATE, batch.timelines(rows, decided), binary=True).fetchall()
            unmoved = {row[0] for row in updated}
            written.update(unmoved)
            return [stream for stream in chunk if _subject_of(stream) in unmoved]

        erased = [pair for subject_id, pair in by_subject.items() if subject_id not in self.seals]
        if erased:  # nothing can be written of them, but they wait no more
            with transaction(self.pool) as connection:
                rows, decided = [row for row, _ in erased], [found for _, found in erased]
                connection.execute(_UPDATE, batch.timelines(rows, decided), binary=True)
        position = BulkAppender(self.pool, before, pace=self.pace).append(batch.streams).last_position
        if self.models.shadows and written:
            whose = self.work.subjects if subjects is None else subjects
            followed = [subject for subject in whose if subject.subject_id in written]
            with self.pool.connection() as connection:
                _follow(connection, self, followed, result, self.work.now)
        return position


class _Sealed:
    """A batch's outcome as rows to write."""

    def __init__(
        self,
        rows: Sequence[TimelineRow],
        result: BatchResult,
        seals: dict[UUID, Seal],
        models: ModelsInForce,
        now: int,
        commanded: int = 0,
    ) -> None:
        """commanded: the position of the command that is decided with them, at now itself; 0: none."""
        self._decided_at = now if commanded else now - 1
        self._generation, self._commanded = models.generation, commanded
        self.streams = []
        asked = max(models.position, commanded)  # of everybody: the last activation or the command
        for row, decided in zip(rows, result.decided, strict=True):
            seal = seals.get(row.subject_id)
            if seal is None:
                continue
            events: list[EventRow] = [seal_event(event, seal, now) for event in decided.events]
            through = max(row.last_position, asked)
            observation: ObservationRow = seal_observation(
                decided.observation, seal, through=through, decided_at=self._decided_at, due_at=decided.due_at
            )
            self.streams.append(Stream(events, observation))

    def timelines(self, rows: Sequence[TimelineRow], decided: Sequence[Decided]) -> dict[str, Any]:
        """Parameters of the update of these subjects' timelines."""
        return {
            "generation": self._generation,
            "commanded": self._commanded,
            "subjects": uuids([row.subject_id for row in rows]),
            "due": bigints([found.due_at for found in decided]),
            "decided": bigints([self._decided_at] * len(rows)),
            "versions": integers(
                [row.stream_version + len(found.events) for row, found in zip(rows, decided, strict=True)]
            ),
            "read_versions": integers([row.stream_version for row in rows]),
            "read_positions": bigints([row.last_position for row in rows]),
        }


def _subject_of(stream: Stream) -> UUID:
    assert stream.observation is not None
    return stream.observation.subject_id


def _follow(
    connection: Connection,
    taken: LockedWork | BulkWork,
    subjects: Sequence[Subject],
    result: BatchResult,
    now: int,
) -> None:
    """Candidates follow what was decided of these of the work's subjects."""
    table, decided = taken.work.table, result.decided
    if len(subjects) < len(taken.rows):
        ids = {subject.subject_id for subject in subjects}
        numbers = [number for number, row in enumerate(taken.rows) if row.subject_id in ids]
        table, decided = table.of_subjects(numbers), [decided[number] for number in numbers]
    live = LiveDecisions(subjects, table, taken.work.forces, now, decided)
    follow_shadows(connection, taken.models.shadows, live, taken.seals)
