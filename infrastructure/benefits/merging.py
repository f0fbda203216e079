"""What becomes of a user's grants when the user is merged into another."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import Connection

from domain.user_tier.decide import Command

# The order that a grant hangs on is known by a digest that the closed subject's key made: it is known no more.
_MOVE = "update grants set subject_id = %b, order_key = null where subject_id = %b"
_FORGET = "delete from issuance_timers where subject_id = %b"


def move_grants(connection: Connection, survivor: UUID, other: UUID, now: int) -> Sequence[Command]:
    """They are the survivor's from now on, on the terms that they were given. The merge's own event tells of it."""
    connection.execute(_MOVE, (survivor, other), binary=True)
    connection.execute(_FORGET, (other,), binary=True)
    return ()
