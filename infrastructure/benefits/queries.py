"""Grants read from the ledger."""

from collections.abc import Sequence

from application.queries import CursorInvalid, UnknownUser
from domain.benefits.grant import Grant, GrantStatus
from domain.benefits.refusals import UnknownGrant
from infrastructure.benefits.grant_rows import COLUMNS, grant_of, uuid_of
from infrastructure.postgres.pool import Pool

_ONE = f"""
select (select (array_agg(user_id order by user_id))[1] from user_ids u where u.subject_id = g.subject_id), {COLUMNS}
from grants g where grant_id = %s
"""
_OF_USER = f"""
select {COLUMNS} from grants g
where g.subject_id = %(subject)s and (%(status)s::text is null or g.status = %(status)s)
  and (%(at)s::bigint is null or (g.granted_at, g.grant_id) < (%(at)s, %(id)s))
order by g.granted_at desc, g.grant_id desc limit %(limit)s
"""


class PostgresGrantQueries:
    """Fulfils GrantQueries."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def grant(self, grant_id: str) -> tuple[str, Grant]:
        """See GrantQueries. The grant of an erased user is unknown, as the user is."""
        with self._pool.connection() as connection:
            row = connection.execute(_ONE, (uuid_of(grant_id),)).fetchone()
        if row is None or row[0] is None:
            raise UnknownGrant(grant_id)
        return row[0], grant_of(row[1:])

    def grants_of(
        self, user_id: str, status: GrantStatus | None, after: str | None, size: int
    ) -> tuple[Sequence[Grant], str | None]:
        """See GrantQueries."""
        with self._pool.connection() as connection:
            found = None
            if "\0" not in user_id:
                query = "select subject_id from user_ids where user_id = %s"
                found = connection.execute(query, (user_id,)).fetchone()
            if found is None:
                raise UnknownUser(user_id)
            at, grant_id = _opened(after)
            terms = {"subject": found[0], "status": status, "at": at, "id": grant_id, "limit": size + 1}
            grants = [grant_of(row) for row in connection.execute(_OF_USER, terms).fetchall()]
        last = grants[size - 1] if len(grants) > size else None
        return grants[:size], f"{last.granted_at}-{last.grant_id}" if last else None

    def has_benefit(self, benefit: str) -> bool:
        """See GrantQueries."""
        with self._pool.connection() as connection:
            row = connection.execute("select exists (select from benefits where benefit = %s)", (benefit,)).fetchone()
        return row is not None and bool(row[0])


def _opened(cursor: str | None) -> tuple[int | None, object]:
    if cursor is None:
        return None, None
    at, _, grant_id = cursor.partition("-")
    try:
        return int(at), uuid_of(grant_id)
    except (ValueError, UnknownGrant):
        raise CursorInvalid(cursor) from None
