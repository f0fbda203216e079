"""What becomes of a user's assignments when the user is merged into another."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection

from domain.user_tier.decide import Command

# One live assignment a strategy: the survivor's holds, with its arm.
_END = """
update assignments o set ended_at = %(now)s, end_reason = 'merged'
where o.subject_id = %(other)s and o.ended_at is null and exists (
    select from assignments s where s.subject_id = %(survivor)s and s.strategy = o.strategy and s.ended_at is null)
"""
_STATEMENTS = (
    _END,
    """
    delete from strategy_timers where subject_id = %(other)s and assignment_id in (
        select assignment_id from assignments where subject_id = %(other)s and ended_at is not null)
    """,
    "update assignments set subject_id = %(survivor)s where subject_id = %(other)s",
    "update strategy_timers set subject_id = %(survivor)s where subject_id = %(other)s",
    "delete from strategy_members where subject_id = %(other)s",
    "update outbound_messages set subject_id = %(survivor)s where subject_id = %(other)s",
)


def move_assignments(connection: Connection, survivor: UUID, other: UUID, now: int) -> Sequence[Command]:
    """They are the survivor's from now on, arms and all; where both are in one strategy the survivor's holds."""
    for statement in _STATEMENTS:
        connection.execute(statement.encode(), {"survivor": survivor, "other": other, "now": now})
    return ()
