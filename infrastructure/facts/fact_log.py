"""The fact log: facts and due rows in one transaction, each fact once, in the order of commits."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure, UniqueViolation

from application.facts.ports import Outcome, Stored
from application.queries import UnknownUser
from domain.facts.fact import Fact
from domain.facts.field_errors import FieldError
from infrastructure.event_store.subjects import SubjectsUnsettled
from infrastructure.facts.batch import Item, LockedSubject, Plan, SealedFact, plan, refuse, seal_fact
from infrastructure.facts.claims import keep_claims
from infrastructure.facts.conflicts import explain
from infrastructure.facts.locking import Locked, create_subjects, lock
from infrastructure.facts.writing import write
from infrastructure.postgres.group_commit import GroupCommit
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import Seal

_TO_GROUP = 200  # facts of a request that is worth joining with others
_REQUESTS_AT_ONCE = 10
_ATTEMPTS = 5
_REMEMBERED = 100_000
# The transaction is undone, and another attempt may do better.
_PASSING = (DeadlockDetected, LockNotAvailable, SerializationFailure, UniqueViolation, SubjectsUnsettled)


class _Request(NamedTuple):
    facts: Sequence[Fact]
    history_id: UUID | None


class _UnderWay(NamedTuple):
    """A stretch that is being recorded. way: per fact, which half it is in."""

    way: Sequence[int]
    halves: Sequence[Future[list[Outcome]]]

    def outcomes(self) -> list[Outcome]:
        """In the order of the stretch, once both halves are recorded."""
        found = [iter(half.result()) for half in self.halves]
        return [next(found[side]) for side in self.way]


class PostgresFactLog:
    """Fulfils application.facts.ports.FactLog. Safe for threads."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring
        self._groups: GroupCommit[_Request, list[Outcome]] = GroupCommit(self._record_together, _REQUESTS_AT_ONCE)
        self._seals: dict[str, Seal] = {}  # of users met in streams: guesses, never trusted
        self._repeating = False  # a stream under way meets facts that are there already

    def record(self, facts: Sequence[Fact], history_id: UUID | None = None) -> list[Outcome]:
        """Facts of one request. Small requests that come together are committed together."""
        if history_id is None and 0 < len(facts) <= _TO_GROUP:
            return self._groups.submit(_Request(facts, None))
        return self._record([Item(0, fact) for fact in facts], history_id)

    def rehearse(self, facts: Sequence[Fact]) -> list[Outcome]:
        """See FactLog."""
        items = [Item(0, fact) for fact in facts]
        with self._pool.connection() as connection:
            locked = lock(connection, self._keyring, items, None)
            for user_id in _lacks(locked, items):
                raise UnknownUser(user_id)
            made = _planned(connection, items, refuse(items, locked.terms), locked, {})
            connection.rollback()
        return made.settle(0)

    def record_stream(
        self, stretches: Iterable[Sequence[Fact]], history_id: UUID | None = None
    ) -> Iterator[list[Outcome]]:
        """Facts of a stream, in stretches: one is recorded while the next is read, hashed and sealed.

        Each stretch is two transactions, for the server writes one while Python makes the other ready. A user's facts
        always take the same of the two ways, so that they stay in the order of their lines.
        """
        with ThreadPoolExecutor(1, "record-facts-a") as one, ThreadPoolExecutor(1, "record-facts-b") as other:
            under_way: _UnderWay | None = None
            for facts in stretches:
                way = [zlib.crc32(fact.user_id.encode()) & 1 for fact in facts]
                halves = [[fact for fact, side in zip(facts, way, strict=True) if side == half] for half in (0, 1)]
                sealed = [self._seal_ahead(half) for half in halves]
                if under_way is not None:
                    yield under_way.outcomes()
                under_way = _UnderWay(
                    way,
                    [
                        recorder.submit(self._record_lines, half, seals, history_id)
                        for recorder, half, seals in zip((one, other), halves, sealed, strict=True)
                    ],
                )
            if under_way is not None:
                yield under_way.outcomes()

    def _record_lines(
        self, facts: Sequence[Fact], sealed: Mapping[int, SealedFact], history_id: UUID | None
    ) -> list[Outcome]:
        """A stream is mostly new: what was so far is not looked up, and the primary key tells when that was wrong."""
        if not facts:
            return []
        items = [Item(line, fact) for line, fact in enumerate(facts)]
        outcomes = self._record(items, history_id, sealed, look_up=self._repeating)
        self._repeating = any(isinstance(outcome, Stored) and outcome.duplicate for outcome in outcomes)
        return outcomes

    def _seal_ahead(self, facts: Sequence[Fact]) -> dict[int, SealedFact]:
        """By item, with the seals seen last. Whoever has another one by the time they are locked is sealed anew."""
        seals = self._seals
        return {n: seal_fact(fact, seals[fact.user_id]) for n, fact in enumerate(facts) if fact.user_id in seals}

    def _remember(self, subjects: Mapping[str, LockedSubject]) -> None:
        if len(self._seals) > _REMEMBERED:
            self._seals = {}
        self._seals.update({user_id: subject.seal for user_id, subject in subjects.items()})

    def _record_together(self, requests: list[_Request]) -> list[list[Outcome]]:
        items = [Item(group, fact) for group, request in enumerate(requests) for fact in request.facts]
        outcomes = iter(self._record(items, None))
        return [[next(outcomes) for _ in request.facts] for request in requests]

    def _record(
        self,
        items: Sequence[Item],
        history_id: UUID | None,
        sealed: Mapping[int, SealedFact] | None = None,
        *,
        look_up: bool = True,
    ) -> list[Outcome]:
        attempt = 1
        while True:
            try:
                with self._pool.connection() as connection:
                    return self._in_transaction(connection, items, history_id, sealed or {}, look_up)
            except _PASSING:
                if attempt == _ATTEMPTS:
                    raise
                attempt, look_up = attempt + 1, True

    def _in_transaction(
        self,
        connection: Connection,
        items: Sequence[Item],
        history_id: UUID | None,
        sealed: Mapping[int, SealedFact],
        look_up: bool,
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
        self._remember(locked.subjects)
        made = _planned(connection, items, refused, locked, sealed)
        if made.claims:
            for index, error in keep_claims(connection, made.claims, items).items():
                made.outcomes[index] = error
        return made.settle(write(connection, made))


def _planned(
    connection: Connection,
    items: Sequence[Item],
    refused: Sequence[FieldError | None],
    locked: Locked,
    sealed: Mapping[int, SealedFact],
) -> Plan:
    made = plan(items, refused, locked.subjects, locked.existing, locked.terms, sealed, locked.numbers)
    for conflict in made.conflicts:
        made.outcomes[conflict.item] = explain(connection, conflict, items)
    return made


def _lacks(locked: Locked, items: Sequence[Item]) -> list[str]:
    """Users that are not known yet."""
    return [item.fact.user_id for item in items if item.fact.user_id not in locked.subjects]
