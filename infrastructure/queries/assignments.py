"""Assignments of users, with what has come of them."""

from collections.abc import Sequence
from uuid import UUID

from application.queries import CursorInvalid, UnknownUser
from application.strategies.outcome_ports import AssignmentView
from infrastructure.postgres.pool import Pool, transaction

_SUBJECT = "select subject_id from user_ids where user_id = %s"
_OF_USER = """
select a.assignment_id, a.strategy, a.version, a.arm, a.holdout, a.campaign, a.assigned_at, a.ends_at, a.exposed_at,
       a.ended_at, a.end_reason,
       (select coalesce(jsonb_object_agg(o.outcome, o.at), '{}') from assignment_outcomes o
        where o.assignment_id = a.assignment_id and o.at is not null)
       || (select coalesce(jsonb_object_agg('redeemed', r.at), '{}') from (
               select min(m.at) as at from grants g join grant_moves m using (grant_id)
               where g.assignment_id = replace(a.assignment_id::text, '-', '') and g.assignment_id <> ''
                 and g.redeemed > g.reclaimed and m.move = 'redeemed') r where r.at is not null)
from assignments a
where a.subject_id = %(subject)s
  and (%(at)s::bigint is null or (a.assigned_at, a.assignment_id) < (%(at)s, %(id)s))
order by a.assigned_at desc, a.assignment_id desc limit %(limit)s
"""


class PostgresAssignments:
    """Fulfils Assignments."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def of_user(self, user_id: str, size: int, cursor: str | None) -> tuple[Sequence[AssignmentView], str | None]:
        """See Assignments."""
        at, assignment_id = opened_cursor(cursor)
        with transaction(self._pool) as connection:
            row = None if "\0" in user_id else connection.execute(_SUBJECT, (user_id,)).fetchone()
            if row is None:
                raise UnknownUser(user_id)
            asked = {"subject": row[0], "at": at, "id": assignment_id, "limit": size + 1}
            rows = connection.execute(_OF_USER, asked).fetchall()
        found = [AssignmentView(row[0].hex, *row[1:]) for row in rows]
        last = found[size - 1] if len(found) > size else None
        return found[:size], f"{last.assigned_at}-{last.assignment_id}" if last else None


def opened_cursor(cursor: str | None) -> tuple[int | None, UUID | None]:
    """INSTANT-ID, as a page gives it out. Raises CursorInvalid."""
    if cursor is None:
        return None, None
    at, _, name = cursor.partition("-")
    try:
        opened = int(at), UUID(name)
    except ValueError:
        raise CursorInvalid(cursor) from None
    if not 0 <= opened[0] < 2**63:
        raise CursorInvalid(cursor)
    return opened
