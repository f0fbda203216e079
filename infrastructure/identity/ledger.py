"""Which user ids name which subject, in Postgres: linked, and merged in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from psycopg import Connection

from application.queries import UnknownUser
from domain.facts.history import SubjectInHistory
from domain.user_tier.decide import BatchResult, Command, Subject
from domain.user_tier.merging import FactConflict, UserIdTaken
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.work import LockedWork
from infrastructure.facts.batch import LockedSubject
from infrastructure.facts.writing import copy_and_advance
from infrastructure.identity.copies import Copies, copies_of
from infrastructure.postgres.pool import Pool, transaction

Moves = Callable[[Connection, UUID, UUID, int], Sequence[Command]]
"""Moves whatever belongs to a subject (the third: the other, the second: the survivor) at an instant, in the merge's
transaction, and answers the commands that tell of it on the survivor's stream."""

_OF = "select user_id, subject_id from user_ids where user_id = any(%b)"
_ALL_OF = "select user_id from user_ids where subject_id = %b order by user_id"
_NAMES = """
select user_id from user_ids where subject_id = (select subject_id from user_ids where user_id = %b) order by user_id
"""
_LINK = "insert into user_ids (user_id, subject_id) values (%b, %b) on conflict do nothing returning user_id"
_CHAIN = "select last_instant, facts, chain from timelines where subject_id = %b"
# No activation reaches a closed subject: its generation is beyond any.
_CLOSE = """
update timelines set merged_into = %(survivor)s, merged_at = %(now)s, due_at = null, generation = 9223372036854775807
where subject_id = %(other)s
"""
# Whoever was merged into the other is found in one step.
_SHORTEN = "update timelines set merged_into = %(survivor)s where merged_into = %(other)s"
_RENAME = "update user_ids set subject_id = %(survivor)s where subject_id = %(other)s"
_FORGET = (
    "delete from shadow_standings where subject_id = %(other)s",
    "delete from rule_tag_due where subject_id = %(other)s",
    "update override_requests set subject_id = %(survivor)s where subject_id = %(other)s",
    """
    delete from bulk_tag_users o where subject_id = %(other)s and exists (
        select from bulk_tag_users s where s.bulk_id = o.bulk_id and s.subject_id = %(survivor)s)
    """,
    "update bulk_tag_users set subject_id = %(survivor)s, before = null where subject_id = %(other)s",
)
_ATTEMPTS = 5


class UserIdsUnsettled(Exception):
    """The user ids were merged and linked by others again and again while we tried to lock them."""


class PostgresIdentities:
    """Fulfils IdentityLedger."""

    def __init__(self, pool: Pool, evaluation: PostgresEvaluationLedger, moves: Sequence[Moves] = ()) -> None:
        self._pool, self._evaluation, self._moves = pool, evaluation, moves

    @contextmanager
    def take_pair(self, user_id: str, other_user_id: str) -> Iterator["LockedPair"]:
        """See IdentityLedger. Both are locked in ascending order, like everybody who locks subjects."""
        with transaction(self._pool) as connection:
            for _ in range(_ATTEMPTS):
                named = _subjects(connection, user_id, other_user_id)
                work = self._evaluation.lock_all(connection, list(set(named.values())))
                if _subjects(connection, user_id, other_user_id) == named:
                    break
                connection.rollback()
            else:
                raise UserIdsUnsettled
            _require_no_history(work, {subject_id: name for name, subject_id in named.items()})
            pair = LockedPair(connection, work, named[user_id], named[other_user_id], self._moves)
            if not pair.same:
                pair.prepare()
            yield pair

    @contextmanager
    def take_link(self, user_id: str, alias: str) -> Iterator["LockedLink"]:
        """See IdentityLedger. The user id is claimed before the subject is locked, as recording facts does."""
        with transaction(self._pool) as connection:
            for _ in range(_ATTEMPTS):
                subject_id = _subjects(connection, user_id)[user_id]
                fresh = connection.execute(_LINK, (alias, subject_id), binary=True).fetchone() is not None
                if not fresh and _subjects(connection, alias)[alias] != subject_id:
                    raise UserIdTaken(alias)
                work = self._evaluation.lock_all(connection, [subject_id])
                if work.rows:
                    break
                connection.rollback()
            else:
                raise UserIdsUnsettled
            _require_no_history(work, {subject_id: user_id})
            yield LockedLink(work, fresh)

    def user_ids(self, user_id: str) -> list[str]:
        """See IdentityLedger."""
        with transaction(self._pool) as connection:
            found = connection.execute(_NAMES, (user_id.replace("\0", ""),), binary=True).fetchall()
        if not found or "\0" in user_id:
            raise UnknownUser(user_id)
        return [row[0] for row in found]


@dataclass(frozen=True, slots=True)
class LockedLink:
    """Fulfils TakenLink."""

    taken: LockedWork
    fresh: bool


class LockedPair:
    """Fulfils TakenPair."""

    def __init__(
        self, connection: Connection, work: LockedWork, survivor: UUID, other: UUID, moves: Sequence[Moves]
    ) -> None:
        self._connection, self.taken, self._moves = connection, work, moves
        self._survivor, self._other = survivor, other
        numbers = {row.subject_id: number for number, row in enumerate(work.rows)}
        self.survivor, self.other = numbers[survivor], numbers[other]
        self.user_ids: Sequence[str] = ()
        self._copies = Copies(b"")
        self._before = (0, 0)

    @property
    def same(self) -> bool:
        """See TakenPair."""
        return self._survivor == self._other

    @property
    def conflicts(self) -> Sequence[FactConflict]:
        """See TakenPair."""
        return self._copies.conflicts

    @property
    def facts(self) -> int:
        """See TakenPair."""
        return len(self._copies.rows)

    @property
    def known_already(self) -> int:
        """See TakenPair."""
        return self._copies.known_already

    @property
    def facts_known_at(self) -> int:
        """See TakenPair."""
        return self.taken.work.now + 1

    def prepare(self) -> None:
        """Make the copies ready, before anything is written and the order lock is held."""
        row = self._connection.execute(_CHAIN, (self._survivor,), binary=True).fetchone()
        assert row is not None
        last_instant, facts, chain = row
        self._before = (last_instant, facts)
        seals = self.taken.seals
        mine, theirs = seals[self._survivor], seals[self._other]
        self._copies = copies_of(self._connection, theirs, mine, chain, self.facts_known_at)
        names = self._connection.execute(_ALL_OF, (self._other,), binary=True).fetchall()
        self.user_ids = [name for (name,) in names]

    def moved(self) -> list[Command]:
        """See TakenPair."""
        place = (self._connection, self._survivor, self._other, self.taken.work.now)
        return [command for move in self._moves for command in move(*place)]

    def record(self, result: BatchResult, subjects: Sequence[Subject]) -> int:
        """See TakenPair."""
        return self.taken.record(result, subjects=subjects, commanded=True, along=self._go_over, closing=[self._other])

    def _go_over(self) -> None:
        named = {"survivor": self._survivor, "other": self._other, "now": self.taken.work.now}
        rows = self._copies.rows
        if rows:
            known_at, (last_instant, facts) = self.facts_known_at, self._before
            seal = self.taken.seals[self._survivor]
            subject = LockedSubject(
                self._survivor, seal, max(last_instant, known_at), facts, self._copies.chain, None, False
            )
            subject.due_at, subject.offset, subject.recorded = known_at, len(rows), len(rows)
            copy_and_advance(self._connection, rows, subject)
        for statement in (_CLOSE, _SHORTEN, _RENAME, *_FORGET):
            self._connection.execute(statement.encode(), named)


def _subjects(connection: Connection, *user_ids: str) -> dict[str, UUID]:
    """By user id. Raises UnknownUser."""
    asked = [user_id for user_id in user_ids if "\0" not in user_id]
    found: dict[str, UUID] = dict(connection.execute(_OF, (asked,), binary=True).fetchall())
    for user_id in user_ids:
        if user_id not in found:
            raise UnknownUser(user_id)
    return found


def _require_no_history(work: LockedWork, names: dict[UUID, str]) -> None:
    for row in work.rows:
        if row.history_id is not None:
            raise SubjectInHistory(names[row.subject_id], row.history_id)
