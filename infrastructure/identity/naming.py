"""Which subjects user ids name at this moment: whoever locks them afterwards asks again."""

from uuid import UUID

from psycopg import Connection

from application.queries import UnknownUser

ATTEMPTS = 5
_OF = "select user_id, subject_id from user_ids where user_id = any(%b)"


class UserIdsUnsettled(Exception):
    """The user ids were merged, linked and split by others again and again while we tried to lock them."""


def subjects_named(connection: Connection, *user_ids: str) -> dict[str, UUID]:
    """By user id. Raises UnknownUser."""
    asked = [user_id for user_id in user_ids if "\0" not in user_id]
    found: dict[str, UUID] = dict(connection.execute(_OF, (asked,), binary=True).fetchall())
    for user_id in user_ids:
        if user_id not in found:
            raise UnknownUser(user_id)
    return found
