"""Shares of all subjects, as bounds of their ids."""

from typing import Any
from uuid import UUID

from application.compliance.ports import Share
from application.queries import UnknownUser
from infrastructure.postgres.pool import Pool


def bounds(pool: Pool, share: Share) -> dict[str, Any]:
    """first, last: of the ids; only: the one user's, or None; after: where to go on. Raises UnknownUser."""
    width = 2**128 // share.parts
    return {
        "first": UUID(int=share.part * width),
        "last": UUID(int=(share.part + 1) * width - 1),
        "only": None if share.user_id is None else _subject(pool, share.user_id),
        "after": share.after or UUID(int=0),
    }


def _subject(pool: Pool, user_id: str) -> UUID:
    row = None
    if "\0" not in user_id:
        with pool.connection() as connection:
            row = connection.execute("select subject_id from user_ids where user_id = %s", (user_id,)).fetchone()
    if row is None:
        raise UnknownUser(user_id)
    return UUID(str(row[0]))
