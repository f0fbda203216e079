"""Who is who: user ids to random subject ids and back, and the creation of subjects, in bulk."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from psycopg import Connection

from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import Seal

_SELECT = """
select u.user_id, u.subject_id, s.data_key
from user_ids u join subjects s using (subject_id)
where u.user_id = any(%b)
"""

# Whoever claims the user id first wins; the loser's subject is never made. Claimed in sorted order, so that two
# sessions that create the same users wait for each other and never in a circle.
_CREATE = """
with offered as (
    select * from unnest(%(user_ids)b::text[], %(subject_ids)b::uuid[], %(data_keys)b::bytea[])
        as t (user_id, subject_id, data_key)
), claimed as (
    insert into user_ids (user_id, subject_id)
    select user_id, subject_id from offered order by user_id collate "C"
    on conflict (user_id) do nothing
    returning user_id, subject_id
), made as (
    insert into subjects (subject_id, data_key, master_key_id, created_at)
    select subject_id, data_key, %(master_key_id)s, %(now)s from claimed join offered using (user_id, subject_id)
), timed as (
    insert into timelines (subject_id, last_instant, chain)
    select subject_id, 0, decode(repeat('00', 32), 'hex') from claimed
)
select claimed.user_id, claimed.subject_id, offered.data_key from claimed join offered using (user_id, subject_id)
"""

_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """A subject and the seal of its data."""

    subject_id: UUID
    seal: Seal


class SubjectsUnsettled(Exception):
    """User ids were claimed and erased by others again and again while we tried to resolve them."""

    def __init__(self, user_ids: Sequence[str]) -> None:
        self.user_ids = user_ids
        super().__init__(f"user_id {user_ids[0]!r} and {len(user_ids) - 1} more kept changing hands: try again")


class Subjects:
    """Resolves user ids. Every method joins the caller's transaction."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def resolve(self, connection: Connection, user_ids: Iterable[str]) -> dict[str, SubjectRef]:
        """By user id; one that is not known is missing from the answer."""
        rows = connection.execute(_SELECT, (list(user_ids),), binary=True).fetchall()
        return self._refs(rows)

    def resolve_or_create(self, connection: Connection, user_ids: Iterable[str], now: int) -> dict[str, SubjectRef]:
        """By user id, all of them; new subjects come with a data key and an empty timeline. now: microseconds.

        Call it before locking anything else in the transaction: it waits for whoever creates the same user.
        """
        wanted = set(user_ids)
        found = self.resolve(connection, wanted)
        for _ in range(_ROUNDS):
            missing = sorted(wanted - found.keys())
            if not missing:
                return found
            found |= self._create(connection, missing, now)
            # What somebody else claimed meanwhile is committed by now, for the insert waited for it.
            if len(found) < len(wanted):
                found |= self.resolve(connection, wanted - found.keys())
        raise SubjectsUnsettled(sorted(wanted - found.keys()))

    def user_ids_of(self, connection: Connection, subject_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
        """User ids per subject, sorted; an erased subject is missing from the answer."""
        rows = connection.execute(
            "select subject_id, user_id from user_ids where subject_id = any(%b) order by user_id",
            (list(subject_ids),),
            binary=True,
        ).fetchall()
        names: dict[UUID, list[str]] = {}
        for subject_id, user_id in rows:
            names.setdefault(subject_id, []).append(user_id)
        return names

    def _create(self, connection: Connection, user_ids: list[str], now: int) -> dict[str, SubjectRef]:
        subject_ids = [uuid4() for _ in user_ids]
        rows = connection.execute(
            _CREATE,
            {
                "user_ids": user_ids,
                "subject_ids": subject_ids,
                "data_keys": self._keyring.new_keys(subject_ids),
                "master_key_id": self._keyring.master_key_id,
                "now": now,
            },
            binary=True,
        ).fetchall()
        return self._refs(rows)

    def _refs(self, rows: Iterable[tuple[str, UUID, bytes]]) -> dict[str, SubjectRef]:
        unwrap = self._keyring.unwrap
        return {user_id: SubjectRef(subject_id, unwrap(subject_id, data_key)) for user_id, subject_id, data_key in rows}
