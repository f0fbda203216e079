"""Where users are taken in by hand and in bulk, and let go: assignments in Postgres."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection

from application.queries import UnknownUser
from application.strategies.ports import AssignmentRow, Outcome, Started, Undecided, Wanted
from domain.strategies.cause import Cause, actor_of
from infrastructure.event_store.rows import EventRow
from infrastructure.postgres.commit_with import commit_with
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.strategies.people import read_people
from infrastructure.strategies.running import StartedReader
from infrastructure.strategies.taking_in import ENDED, PUT_OFF_MICROS, event_of, take_in, tell

_SUBJECT = "select subject_id from user_ids where user_id = %s"
_ROW = "assignment_id, subject_id, strategy, version, arm, campaign"
_LIVE = f"""
select {_ROW} from assignments
where subject_id = (select subject_id from user_ids where user_id = %s) and strategy = %s and ended_at is null
"""
_THESE = f"select {_ROW} from assignments where assignment_id = any(%b) and ended_at is null order by subject_id"
_END = """
update assignments a set ended_at = e.at, end_reason = %b
from unnest(%b::uuid[], %b::bigint[]) as e (assignment_id, at)
where a.assignment_id = e.assignment_id and a.ended_at is null
"""
_UNTIME = "delete from strategy_timers where assignment_id = any(%b)"
_ENDING = """
(select assignment_id, 'over' from assignments
 where ended_at is null and ends_at <= (select tierline_peek()) order by ends_at limit %(limit)s)
union all
(select assignment_id, 'strategy-ended' from assignments a join strategies s using (strategy)
 where s.status in ('ended', 'retired') and a.ended_at is null and a.ends_at > (select tierline_peek())
 limit %(limit)s)
limit %(limit)s
"""
_PUT_OFF = "update strategy_timers set due_at = tierline_peek() + %s where timer_id = any(%s)"
_TRIGGERS = """
select timer_id, strategy, subject_id, cause from strategy_timers t
where kind = 'trigger' and due_at <= (select tierline_peek())
  and not exists (select from strategies s where s.strategy = t.strategy and s.status = 'paused')
order by due_at limit %s
"""


class PostgresAssignmentDesk:
    """Fulfils AssignmentDesk."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._started = StartedReader()

    def started(self) -> Started:
        """See AssignmentDesk."""
        with transaction(self._pool) as connection:
            return self._started.read(connection)

    def subject_of(self, user_id: str) -> UUID:
        """See AssignmentDesk."""
        with transaction(self._pool) as connection:
            row = None if "\0" in user_id else connection.execute(_SUBJECT, (user_id,)).fetchone()
        if row is None:
            raise UnknownUser(user_id)
        return UUID(str(row[0]))

    def take_in(self, wanted: Sequence[Wanted]) -> list[Outcome]:
        """See AssignmentDesk."""
        with transaction(self._pool) as connection:
            return take_in(connection, self._keyring, self._started.read(connection), wanted)

    def live_of(self, user_id: str, strategy: str) -> AssignmentRow | None:
        """See AssignmentDesk."""
        with transaction(self._pool) as connection:
            row = None if "\0" in user_id else connection.execute(_LIVE, (user_id, strategy)).fetchone()
        return None if row is None else AssignmentRow(*row)

    def end(self, assignments: Sequence[UUID], reason: str, actor: str, command_id: str = "") -> list[Undecided]:
        """See AssignmentDesk."""
        with transaction(self._pool) as connection:
            return end(connection, self._keyring, assignments, reason, actor, command_id)

    def ending(self, limit: int) -> list[tuple[UUID, str]]:
        """See AssignmentDesk."""
        with transaction(self._pool) as connection:
            return [(row[0], row[1]) for row in connection.execute(_ENDING, {"limit": limit}).fetchall()]

    def due_triggers(self, limit: int) -> list[Wanted]:
        """See AssignmentDesk."""
        with transaction(self._pool) as connection:
            rows = connection.execute(_TRIGGERS, (limit,)).fetchall()
        return [
            Wanted(strategy, subject_id, Cause(**cause), actor_of(strategy), timer_id=timer_id)
            for timer_id, strategy, subject_id, cause in rows
        ]

    def put_off(self, timer_ids: Sequence[UUID]) -> None:
        """See AssignmentDesk."""
        with transaction(self._pool) as connection:
            connection.execute(_PUT_OFF, (PUT_OFF_MICROS, list(timer_ids)))


def end(
    connection: Connection,
    keyring: Keyring,
    assignments: Sequence[UUID],
    reason: str,
    actor: str,
    command_id: str = "",
) -> list[Undecided]:
    """Those of the assignments that go on are over; what was still to be done for them is not done."""
    found = connection.execute(_THESE, (list(assignments),), binary=True).fetchall()
    rows = [AssignmentRow(*row) for row in found]
    people = read_people(connection, keyring, [row.subject_id for row in rows])
    undecided = {holder.subject_id: holder for holder in people.undecided(row.subject_id for row in rows)}
    # Read again under the locks: somebody may have ended one of them meanwhile.
    live = {row[0] for row in connection.execute(_THESE, (list(assignments),), binary=True).fetchall()}
    events: list[EventRow] = []
    ended: list[tuple[UUID, int]] = []
    for row in rows:
        holder = people.holders.get(row.subject_id)
        if holder is None or row.subject_id in undecided or row.assignment_id not in live:
            continue
        now = holder.instant(people.terms)
        ended.append((row.assignment_id, now))
        if holder.seal is None:
            continue
        data = {
            "strategy": row.strategy,
            "strategy_version": row.version,
            "assignment_id": row.assignment_id.hex,
            "reason": reason,
        }
        named = command_id or f"strategy/{row.assignment_id.hex}/end"
        events.append(
            event_of(holder, ENDED, data, now, actor=actor, command_id=named, causation=row.assignment_id.hex)
        )
    ids, instants = [one for one, _ in ended], [at for _, at in ended]
    statements = [(_END, (reason, ids, instants)), (_UNTIME, (ids,))]
    if events:
        commit_with(connection, *statements, tell(events))
    else:
        for statement, parameters in statements:
            connection.execute(statement.encode(), parameters)
        connection.commit()
    return [Undecided(holder.user_id) for holder in undecided.values()]
