"""User ids leave a subject and name a new one: locked, made, and written in one transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection

from domain.facts.history import SubjectInHistory
from domain.user_tier.decide import BatchResult, Subject
from domain.user_tier.splitting import Parting, part, recorded_by_split, require_some_to_stay
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.work import LockedWork
from infrastructure.identity.brought import NewRows, brought_facts, new_number
from infrastructure.identity.naming import ATTEMPTS, UserIdsUnsettled, subjects_named
from infrastructure.security.keyring import Keyring
from infrastructure.tier_models.in_force import LOCK_SHARED

_LOCK = "select history_id from timelines where subject_id = %b and merged_into is null for update"
_NUMBERS = "select user_id, number from user_ids where subject_id = %b"
_OF_COMMAND = "select max(position) from events where originator_id = %s and command_id = %s and %s <> ''"
_MAKE = (
    """
    insert into subjects (subject_id, data_key, master_key_id, created_at)
    values (%(new)s, %(data_key)s, %(master_key_id)s, tierline_peek())
    """,
    """
    insert into timelines (subject_id, last_instant, chain)
    values (%(new)s, 0, decode(repeat('00', 32), 'hex'))
    """,
)
# Every id of the subject is counted anew with its timeline: who read it before looks it up again.
_LEAVE = (
    """
    insert into departed_user_ids (subject_id, number, into_subject, departed_at)
    select subject_id, number, %(new)s, %(now)s from user_ids
    where subject_id = %(stays)s and user_id = any(%(leaving)s)
    """,
    """
    update user_ids set subject_id = %(new)s, departures = 0,
        number = case number when 0 then %(first_number)s else number end
    where user_id = any(%(leaving)s)
    """,
    "update user_ids set departures = departures + 1 where subject_id = %(stays)s",
    "update timelines set departures = departures + 1 where subject_id = %(stays)s",
    # Who waits for a second person's word waits under the name that stays.
    "update override_requests set user_id = %(user_id)s where subject_id = %(stays)s and user_id = any(%(leaving)s)",
)


class LockedSplit:
    """Fulfils TakenSplit."""

    def __init__(
        self,
        connection: Connection,
        user_id: str,
        leaving: Sequence[str],
        *,
        done_at: int | None = None,
        work: LockedWork | None = None,
        stays: UUID,
        new: UUID | None = None,
        numbers: dict[str, int],
    ) -> None:
        self._connection, self._user_id, self._leaving, self.done_at = connection, user_id, leaving, done_at
        self._work, self._stays, self._new, self._numbers = work, stays, new, numbers
        self._rows: list[NewRows] = []
        self._first_number = 0

    @classmethod
    def taken_of(
        cls,
        connection: Connection,
        evaluation: PostgresEvaluationLedger,
        keyring: Keyring,
        user_id: str,
        leaving: Sequence[str],
        command_id: str,
    ) -> "LockedSplit":
        """In the caller's transaction. See IdentityLedger.take_split for what it raises."""
        stays = _locked(connection, user_id)
        numbers: dict[str, int] = dict(connection.execute(_NUMBERS, (stays,), binary=True).fetchall())
        done = connection.execute(_OF_COMMAND, (stays, command_id, command_id)).fetchone()
        if done is not None and done[0] is not None:
            return cls(connection, user_id, leaving, done_at=int(done[0]), stays=stays, numbers=numbers)
        require_some_to_stay(user_id, leaving, sorted(numbers))
        new = uuid4()
        named = {"new": new, "data_key": keyring.new_keys([new])[0], "master_key_id": keyring.master_key_id}
        for statement in _MAKE:
            connection.execute(statement.encode(), named)
        # Nobody else can see the new one yet, so that the order in which the two are locked is of no account.
        work = evaluation.lock_all(connection, [stays, new])
        return cls(connection, user_id, leaving, work=work, stays=stays, new=new, numbers=numbers)

    @property
    def taken(self) -> LockedWork:
        """See TakenSplit."""
        assert self._work is not None, "it has happened already"
        return self._work

    @property
    def stays(self) -> int:
        """See TakenSplit."""
        return self._number_of(self._stays)

    @property
    def new(self) -> int:
        """See TakenSplit."""
        return self._number_of(self._new)

    @property
    def facts_known_at(self) -> int:
        """See TakenSplit."""
        return self.taken.work.now + 1

    def part(self, reason: str) -> Parting:
        """See TakenSplit. Hashed and sealed before anything is written and the order lock is held."""
        connection, known_at = self._connection, self.facts_known_at
        subjects, seals = self.taken.work.subjects, self.taken.seals
        mine, new = seals[self._stays], seals[subjects[self.new].subject_id]
        nobodys, self._first_number = new_number(connection), new_number(connection)
        parting = part(brought_facts(connection, mine), frozenset(self._numbers[name] for name in self._leaving))
        for_mine, for_new = recorded_by_split(subjects[self.new], parting, known_at, reason)
        rows_of_mine, rows_of_new = NewRows(connection, mine, known_at), NewRows(connection, new, known_at)
        for fact, by in parting.copied:
            rows_of_new.add(fact, [number or self._first_number for number in by] or [nobodys])
        for fact in for_new:
            rows_of_new.add(fact, [nobodys])
        for fact in for_mine:
            rows_of_mine.add(fact, [nobodys])
        for fact in parting.kept:
            rows_of_mine.also((fact.source, fact.fact_id), [nobodys])
        self._rows = [rows_of_mine, rows_of_new]
        return parting

    def record(self, result: BatchResult, subjects: Sequence[Subject]) -> int:
        """See TakenSplit."""
        return self.taken.record(result, subjects=subjects, commanded=True, along=self._leave)

    def _leave(self) -> None:
        named: dict[str, Any] = {
            "stays": self._stays,
            "new": self._new,
            "now": self.taken.work.now,
            "leaving": list(self._leaving),
            "first_number": self._first_number,
            "user_id": self._user_id,
        }
        for rows in self._rows:
            rows.write()
        for statement in _LEAVE:
            self._connection.execute(statement.encode(), named)

    def _number_of(self, subject_id: UUID | None) -> int:
        return [row.subject_id for row in self.taken.rows].index(subject_id)  # type: ignore[arg-type]


def _locked(connection: Connection, user_id: str) -> UUID:
    """The subject that the user id names, under lock. Raises UnknownUser, SubjectInHistory."""
    for _ in range(ATTEMPTS):
        connection.execute(LOCK_SHARED)
        subject_id = subjects_named(connection, user_id)[user_id]
        row = connection.execute(_LOCK, (subject_id,), binary=True).fetchone()
        if row is not None and subjects_named(connection, user_id)[user_id] == subject_id:
            if row[0] is not None:
                raise SubjectInHistory(user_id, row[0])
            return subject_id
        connection.rollback()
    raise UserIdsUnsettled
