"""What assignments have come to, made anew from facts in Postgres."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from application.strategies.outcome_ports import Material
from application.strategies.ports import Undecided
from domain.facts.fact import decode_attributes
from domain.facts.table import NEVER
from domain.strategies.cause import actor_of
from domain.strategies.outcomes import SLACK_MICROS, Followed, Goal, Outcome, Reached, goal_of, may_matter
from domain.tier_model.expression import ConditionInvalid
from infrastructure.event_store.rows import EventRow
from infrastructure.facts.read import facts_since
from infrastructure.postgres.commit_with import commit_with
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_FACT
from infrastructure.strategies.acting import spec_of
from infrastructure.strategies.people import People, read_people
from infrastructure.strategies.taking_in import PUT_OFF_MICROS, event_of, tell_apart

NAME = "fold_back_what_came_of_assignments"
RECORDED = "user-tier.outcome-recorded.v1"
_STRETCH = 5_000  # positions
_USERS_AT_ONCE = 100
_TURN = "select position from reactions where name = %s for update skip locked"
_MOVE = "update reactions set position = %s where name = %s"
# Facts that have a position are committed, and so are all below them.
_REACHED = "select coalesce(max(position), %(after)s) from facts where position > %(after)s"
# History is nobody's who has an assignment.
_NEW = """
select f.subject_id, f.kind, f.sealed, s.data_key from facts f join subjects s using (subject_id)
where f.position > %b and f.position <= %b and f.history_id is null
  and exists (select from assignments a where a.subject_id = f.subject_id)
"""
_SPECS = "select spec::text from strategy_versions"
_ASSIGNMENTS = """
select a.assignment_id, a.subject_id, a.assigned_at, v.spec::text from assignments a
join strategy_versions v using (strategy, version) where a.subject_id = any(%b)
"""
_GRANTED = """
select replace(g.grant_id::text, '-', ''), a.assignment_id from grants g
join assignments a on replace(a.assignment_id::text, '-', '') = g.assignment_id and a.subject_id = g.subject_id
where a.subject_id = any(%b) and g.assignment_id <> ''
"""
_KEPT = """
select assignment_id, outcome, at, source, fact_id from assignment_outcomes where assignment_id = any(%b)
"""
_KEEP = """
insert into assignment_outcomes as kept (assignment_id, outcome, at, source, fact_id, tell_at)
select *, tierline_peek() from unnest(%b::uuid[], %b::text[], %b::bigint[], %b::text[], %b::text[])
on conflict (assignment_id, outcome) do update set at = excluded.at, source = excluded.source,
    fact_id = excluded.fact_id,
    tell_at = case when excluded.at is distinct from kept.told_at then excluded.tell_at end
"""
_TO_TELL = """
select o.assignment_id, a.subject_id from assignment_outcomes o join assignments a using (assignment_id)
where o.tell_at <= (select tierline_peek()) order by o.tell_at limit %b
"""
_TOLD_OF = """
select o.assignment_id, o.outcome, o.at, o.source, o.fact_id, a.subject_id, a.strategy, a.version, a.arm, a.holdout
from assignment_outcomes o join assignments a using (assignment_id)
where o.assignment_id = any(%b) and o.tell_at is not null order by o.at nulls first, o.assignment_id, o.outcome
"""
_TOLD = """
update assignment_outcomes o set told_at = told.at, tell_at = null
from unnest(%b::uuid[], %b::text[], %b::bigint[]) as told (assignment_id, outcome, at)
where (o.assignment_id, o.outcome) = (told.assignment_id, told.outcome) and o.at is not distinct from told.at
"""
_TELL_LATER = """
update assignment_outcomes set tell_at = tierline_peek() + %b where assignment_id = any(%b) and tell_at is not null
"""


class PostgresOutcomes:
    """Fulfils Outcomes."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring

    @contextmanager
    def turn(self) -> Iterator["LockedOutcomes | None"]:
        """See Outcomes."""
        with transaction(self._pool) as connection:
            row = connection.execute(_TURN, (NAME,)).fetchone()
            yield None if row is None else LockedOutcomes(connection, self._keyring, int(row[0]))

    def tell(self, limit: int, *, put_off: bool = False) -> tuple[int, list[Undecided]]:
        """See Outcomes."""
        with transaction(self._pool) as connection:
            asked = connection.execute(_TO_TELL, (limit,), binary=True).fetchall()
            if not asked:
                return 0, []
            people = read_people(connection, self._keyring, [subject_id for _, subject_id in asked])
            # Read again under the locks: somebody may have told them meanwhile, or merged two users.
            ids = list({assignment_id for assignment_id, _ in asked})
            rows = [_ToTell(*row) for row in connection.execute(_TOLD_OF, (ids,), binary=True).fetchall()]
            locked = set(people.holders)
            return _tell(connection, people, [row for row in rows if row.subject_id in locked], ids if put_off else ())


@dataclass(slots=True)
class LockedOutcomes:
    """Fulfils OutcomesTurn."""

    connection: Connection
    keyring: Keyring
    position: int
    until: int = field(init=False)

    def __post_init__(self) -> None:
        row = self.connection.execute(_REACHED, {"after": self.position}).fetchone()
        assert row is not None
        self.until = min(int(row[0]), self.position + _STRETCH)

    def materials(self) -> Iterator[Material]:
        """See OutcomesTurn."""
        subjects = self._touched()
        for start in range(0, len(subjects), _USERS_AT_ONCE):
            yield self._material(subjects[start : start + _USERS_AT_ONCE])

    def keep(self, followed: Sequence[Followed], outcomes: Mapping[tuple[UUID, Outcome], Reached]) -> None:
        """See OutcomesTurn."""
        ids = [one.assignment_id for one in followed]
        before: dict[tuple[UUID, Outcome], Reached | None] = {
            (assignment_id, outcome): None if at is None else Reached(at, source, fact_id)
            for assignment_id, outcome, at, source, fact_id in self.connection.execute(_KEPT, (ids,), binary=True)
        }
        changed = [
            (*key, *(outcomes.get(key) or (None, "", "")))
            for key in sorted(before.keys() | outcomes.keys())
            if before.get(key) != outcomes.get(key)
        ]
        if changed:
            self.connection.execute(_KEEP, [list(column) for column in zip(*changed, strict=True)], binary=True)

    def move_on(self) -> bool:
        """See OutcomesTurn."""
        if self.until == self.position:
            return False
        self.connection.execute(_MOVE, (self.until, NAME))
        return True

    def _touched(self) -> list[UUID]:
        """Users about whose assignments the next facts may say something."""
        if self.until == self.position:
            return []
        specs = [spec_of(text) for (text,) in self.connection.execute(_SPECS).fetchall()]
        goal_kinds = {kind for spec in specs if spec.goal is not None for kind in spec.goal.kinds}
        found: set[UUID] = set()
        rows = self.connection.execute(_NEW, (self.position, self.until), binary=True).fetchall()
        for subject_id, kind, sealed, data_key in rows:
            if subject_id in found:
                continue
            seal = self.keyring.unwrap(subject_id, data_key)
            attributes = decode_attributes(seal.unseal(CONTEXT_FACT, sealed)).attributes if sealed else {}
            if may_matter(kind, attributes, goal_kinds):
                found.add(subject_id)
        return sorted(found)

    def _material(self, subjects: Sequence[UUID]) -> Material:
        numbers = {subject_id: number for number, subject_id in enumerate(subjects)}
        rows = self.connection.execute(_ASSIGNMENTS, (list(subjects),), binary=True).fetchall()
        first = dict.fromkeys(subjects, NEVER)  # of whoever was merged into somebody meanwhile
        for _, subject_id, at, _ in rows:
            first[subject_id] = min(first[subject_id], at)
        table = facts_since(self.connection, subjects, [first[one] - SLACK_MICROS for one in subjects], self.keyring)
        followed = [Followed(one, numbers[subject_id], at, _goal_of(text)) for one, subject_id, at, text in rows]
        granted: dict[str, UUID] = dict(self.connection.execute(_GRANTED, (list(subjects),), binary=True).fetchall())
        return Material(table, followed, granted)


class _ToTell(NamedTuple):
    assignment_id: UUID
    outcome: str
    at: int | None
    source: str
    fact_id: str
    subject_id: UUID
    strategy: str
    version: int
    arm: str | None
    holdout: str


@lru_cache(maxsize=500)
def _goal_of(text: str) -> Goal | None:
    """Of a stored strategy. One whose condition cannot be read measures nothing: it must not hold up the others."""
    try:
        return goal_of(spec_of(text))
    except ConditionInvalid:
        return None


def _tell(
    connection: Connection, people: People, rows: Sequence[_ToTell], asked: Sequence[UUID]
) -> tuple[int, list[Undecided]]:
    undecided = {holder.subject_id: holder for holder in people.undecided(row.subject_id for row in rows)}
    done = [row for row in rows if row.subject_id not in undecided]
    events: list[EventRow] = []
    for row in done:
        holder = people.holders[row.subject_id]
        if holder.seal is None:
            continue  # of whoever was erased nothing is told any more
        who = {"actor": actor_of(row.strategy), "command_id": f"outcome/{row.assignment_id.hex}/{row.outcome}"}
        now = holder.instant(people.terms)
        events.append(event_of(holder, RECORDED, _told(row), now, **who, causation=row.assignment_id.hex))
    waits = set(asked) - {row.assignment_id for row in done}
    connection.execute(_TELL_LATER, (PUT_OFF_MICROS, list(waits)), binary=True)
    told = [list(column) for column in zip(*((row.assignment_id, row.outcome, row.at) for row in done), strict=True)]
    connection.execute(_TOLD, told or [[], [], []], binary=True)
    if events:
        commit_with(connection, tell_apart(events))
    else:
        connection.commit()
    return len(done), [Undecided(holder.user_id) for holder in undecided.values()]


def _told(row: _ToTell) -> dict[str, Any]:
    return {
        "strategy": row.strategy,
        "strategy_version": row.version,
        "assignment_id": row.assignment_id.hex,
        "arm": row.arm,
        "holdout": row.holdout,
        "outcome": row.outcome,
        "at": row.at,
        "source": row.source,
        "fact_id": row.fact_id,
    }
