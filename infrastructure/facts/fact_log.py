"""The fact log: facts and due rows in one transaction, each fact once, in the order of commits."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure, UniqueViolation

from application.facts.ports import Outcome, Stored
from domain.facts.fact import Fact
from infrastructure.event_store.subjects import SubjectsUnsettled
from infrastructure.facts.batch import Item, plan, refuse
from infrastructure.facts.conflicts import explain
from infrastructure.facts.locking import Locked, create_subjects, lock
from infrastructure.facts.writing import write
from infrastructure.postgres.group_commit import GroupCommit
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring

_TO_GROUP = 200  # facts of a request that is worth joining with others
_REQUESTS_AT_ONCE = 10
_TO_LOCK_AT_ONCE = 2_500  # rows written under the order lock at a time: some 30 ms
_ATTEMPTS = 5
# The transaction is undone, and another attempt may do better.
_PASSING = (DeadlockDetected, LockNotAvailable, SerializationFailure, UniqueViolation, SubjectsUnsettled)


class _Request(NamedTuple):
    facts: Sequence[Fact]
    history_id: UUID | None


class PostgresFactLog:
    """Fulfils application.facts.ports.FactLog. Safe for threads."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring
        self._groups: GroupCommit[_Request, list[Outcome]] = GroupCommit(self._record_together, _REQUESTS_AT_ONCE)
        self._repeating = False  # a stream under way meets facts that are there already

    def record(self, facts: Sequence[Fact], history_id: UUID | None = None) -> list[Outcome]:
        """Facts of one request. Small requests that come together are committed together."""
        if history_id is None and 0 < len(facts) <= _TO_GROUP:
            return self._groups.submit(_Request(facts, None))
        return self._record([Item(0, fact) for fact in facts], history_id)

    def record_lines(self, facts: Sequence[Fact], history_id: UUID | None = None) -> list[Outcome]:
        """Facts of a stream, in transactions that hold the order lock briefly.

        A stream is mostly new: what was so far is not looked up, and the primary key tells when that was wrong.
        """
        outcomes: list[Outcome] = []
        for start in range(0, len(facts), _TO_LOCK_AT_ONCE):
            items = [Item(line, fact) for line, fact in enumerate(facts[start : start + _TO_LOCK_AT_ONCE])]
            made = self._record(items, history_id, look_up=self._repeating)
            self._repeating = any(isinstance(outcome, Stored) and outcome.duplicate for outcome in made)
            outcomes += made
        return outcomes

    def _record_together(self, requests: list[_Request]) -> list[list[Outcome]]:
        items = [Item(group, fact) for group, request in enumerate(requests) for fact in request.facts]
        outcomes = iter(self._record(items, None))
        return [[next(outcomes) for _ in request.facts] for request in requests]

    def _record(self, items: Sequence[Item], history_id: UUID | None, *, look_up: bool = True) -> list[Outcome]:
        attempt = 1
        while True:
            try:
                with self._pool.connection() as connection:
                    return self._in_transaction(connection, items, history_id, look_up)
            except _PASSING:
                if attempt == _ATTEMPTS:
                    raise
                attempt, look_up = attempt + 1, True

    def _in_transaction(
        self, connection: Connection, items: Sequence[Item], history_id: UUID | None, look_up: bool
    ) -> list[Outcome]:
        locked = lock(connection, self._keyring, items, history_id, look_up=look_up)
        refused = refuse(items, locked.terms)
        wanted = [item for item, error in zip(items, refused, strict=True) if error is None]
        if _lacks(locked, wanted):
            # Users are made before anything is locked: whoever makes them waits for nobody who waits for us.
            connection.rollback()
            create_subjects(connection, self._keyring, wanted, locked.terms.now)
            locked = lock(connection, self._keyring, items, history_id, look_up=look_up)
            if _lacks(locked, wanted):
                raise SubjectsUnsettled(_lacks(locked, wanted))
        made = plan(items, refused, locked.subjects, locked.existing, locked.terms)
        for conflict in made.conflicts:
            made.outcomes[conflict.item] = explain(connection, conflict, items)
        return made.settle(write(connection, made))


def _lacks(locked: Locked, items: Sequence[Item]) -> list[str]:
    """Users that are not known yet."""
    return [item.fact.user_id for item in items if item.fact.user_id not in locked.subjects]
