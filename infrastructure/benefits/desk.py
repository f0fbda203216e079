"""Grants and their moves in Postgres. Commands of one process that come together share a transaction."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from psycopg import Connection
from psycopg.errors import DeadlockDetected, SerializationFailure

from application.benefits.ports import MoveWanted, Outcome, Recorded, Undecided
from domain.benefits.granting import GrantWanted
from domain.refusal import Refusal
from infrastructure.benefits.granting import grant_together
from infrastructure.benefits.moving import HolderMerged, expire_together, move_together
from infrastructure.postgres.attempts import persisting
from infrastructure.postgres.group_commit import GroupCommit
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring

T = TypeVar("T")
_PASSING = (DeadlockDetected, SerializationFailure, HolderMerged)


class PostgresGrantDesk:
    """Fulfils GrantDesk."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring
        self._grants: GroupCommit[GrantWanted, Outcome] = GroupCommit(self.grant_many)
        self._moves: GroupCommit[MoveWanted, Outcome] = GroupCommit(self.move_many)

    def grant(self, wanted: GrantWanted) -> Recorded | Undecided:
        """See GrantDesk."""
        return _answered(self._grants.submit(wanted))

    def grant_many(self, wanted: Sequence[GrantWanted]) -> list[Outcome]:
        """See GrantDesk."""
        return self._in_transaction(lambda connection: grant_together(connection, self._keyring, wanted))

    def move(self, wanted: MoveWanted) -> Recorded | Undecided:
        """See GrantDesk."""
        return _answered(self._moves.submit(wanted))

    def move_many(self, wanted: Sequence[MoveWanted]) -> list[Outcome]:
        """See GrantDesk."""
        return self._in_transaction(lambda connection: move_together(connection, self._keyring, wanted))

    def expire(self, limit: int) -> int:
        """See GrantDesk."""
        return self._in_transaction(lambda connection: expire_together(connection, self._keyring, limit))

    def _in_transaction(self, work: Callable[[Connection], T]) -> T:
        def attempt() -> T:
            with self._pool.connection() as connection:
                return work(connection)

        return persisting(attempt, _PASSING)


def _answered(outcome: Outcome) -> Recorded | Undecided:
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome
