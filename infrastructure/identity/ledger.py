"""Which user ids name which subject, in Postgres: linked, merged and split, each in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from psycopg import Connection
from psycopg.errors import DeadlockDetected, SerializationFailure

from application.queries import UnknownUser
from domain.facts.history import SubjectInHistory
from domain.user_tier.decide import BatchResult, Command, Subject
from domain.user_tier.merging import FactConflict, UserIdTaken
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.work import LockedWork
from infrastructure.identity.copies import Copies, copies_of
from infrastructure.identity.naming import ATTEMPTS, UserIdsUnsettled, subjects_named
from infrastructure.identity.splits import LockedSplit
from infrastructure.postgres.attempts import persisting
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring

T = TypeVar("T")
Moves = Callable[[Connection, UUID, UUID, int], Sequence[Command]]
"""Moves whatever belongs to a subject (the third: the other, the second: the survivor) at an instant, in the merge's
transaction, and answers the commands that tell of it on the survivor's stream."""

_ALL_OF = "select user_id from user_ids where subject_id = %b order by user_id"
_NAMES = """
select user_id from user_ids where subject_id = (select subject_id from user_ids where user_id = %b) order by user_id
"""
_LINK = """
insert into user_ids (user_id, subject_id, number) values (%b, %b, nextval('user_id_numbers'))
on conflict do nothing returning user_id
"""
# The subject was not locked when the user id was claimed: others may have left it meanwhile.
_SETTLE_LINK = """
update user_ids u set departures = t.departures from timelines t where u.user_id = %b and t.subject_id = u.subject_id
"""
# No activation reaches a closed subject: its generation is beyond any.
_CLOSE = """
update timelines set merged_into = %(survivor)s, merged_at = %(now)s, due_at = null, generation = 9223372036854775807
where subject_id = %(other)s
"""
# Whoever was merged into the other is found in one step.
_SHORTEN = "update timelines set merged_into = %(survivor)s where merged_into = %(other)s"
_RENAME = """
update user_ids set subject_id = %(survivor)s, number = coalesce(
        (select after from unnest(%(before)s::integer[], %(after)s::integer[]) n (before, after)
         where before = number), number),
    departures = (select departures from timelines where subject_id = %(survivor)s)
where subject_id = %(other)s
"""
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


class PostgresIdentities:
    """Fulfils IdentityLedger."""

    def __init__(
        self, pool: Pool, keyring: Keyring, evaluation: PostgresEvaluationLedger, moves: Sequence[Moves] = ()
    ) -> None:
        self._pool, self._keyring, self._evaluation, self._moves = pool, keyring, evaluation, moves

    def persisting(self, work: Callable[[], T]) -> T:
        """See IdentityLedger."""
        return persisting(work, (DeadlockDetected, SerializationFailure), ATTEMPTS)

    @contextmanager
    def take_pair(self, user_id: str, other_user_id: str) -> Iterator["LockedPair"]:
        """See IdentityLedger. Both are locked in ascending order, like everybody who locks subjects."""
        with transaction(self._pool) as connection:
            for _ in range(ATTEMPTS):
                named = subjects_named(connection, user_id, other_user_id)
                work = self._evaluation.lock_all(connection, list(set(named.values())))
                if subjects_named(connection, user_id, other_user_id) == named:
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
            for _ in range(ATTEMPTS):
                subject_id = subjects_named(connection, user_id)[user_id]
                fresh = connection.execute(_LINK, (alias, subject_id), binary=True).fetchone() is not None
                if not fresh and subjects_named(connection, alias)[alias] != subject_id:
                    raise UserIdTaken(alias)
                work = self._evaluation.lock_all(connection, [subject_id])
                if work.rows and subjects_named(connection, user_id)[user_id] == subject_id:
                    break
                connection.rollback()
            else:
                raise UserIdsUnsettled
            _require_no_history(work, {subject_id: user_id})
            if fresh:
                connection.execute(_SETTLE_LINK, (alias,), binary=True)
            yield LockedLink(work, fresh)

    @contextmanager
    def take_split(self, user_id: str, leaving: Sequence[str], command_id: str) -> Iterator[LockedSplit]:
        """See IdentityLedger."""
        with transaction(self._pool) as connection:
            yield LockedSplit.taken_of(connection, self._evaluation, self._keyring, user_id, leaving, command_id)

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
        self._copies: Copies | None = None

    @property
    def same(self) -> bool:
        """See TakenPair."""
        return self._survivor == self._other

    @property
    def conflicts(self) -> Sequence[FactConflict]:
        """See TakenPair."""
        return self.copies.conflicts

    @property
    def split_off(self) -> Sequence[FactConflict]:
        """See TakenPair."""
        return self.copies.split_off

    @property
    def facts(self) -> int:
        """See TakenPair."""
        return len(self.copies.new.rows)

    @property
    def known_already(self) -> int:
        """See TakenPair."""
        return self.copies.known_already

    @property
    def copies(self) -> Copies:
        """Of two that are not the same."""
        assert self._copies is not None, "prepare() comes first"
        return self._copies

    @property
    def facts_known_at(self) -> int:
        """See TakenPair."""
        return self.taken.work.now + 1

    def prepare(self) -> None:
        """Make the copies ready, before anything is written and the order lock is held."""
        seals = self.taken.seals
        mine, theirs = seals[self._survivor], seals[self._other]
        self._copies = copies_of(self._connection, theirs, mine, self.facts_known_at)
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
        numbers = self.copies.numbers
        named |= {"before": list(numbers), "after": list(numbers.values())}
        self.copies.new.write()
        for statement in (_CLOSE, _SHORTEN, _RENAME, *_FORGET):
            self._connection.execute(statement.encode(), named)


def _require_no_history(work: LockedWork, names: dict[UUID, str]) -> None:
    for row in work.rows:
        if row.history_id is not None:
            raise SubjectInHistory(names[row.subject_id], row.history_id)
