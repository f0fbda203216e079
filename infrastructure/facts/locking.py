"""The first round trip of recording: lock the subjects, see what is there, read the terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from domain.facts.history import HistorySealed, HistorySession, UnknownHistory
from infrastructure.event_store.subjects import Subjects
from infrastructure.facts.batch import Existing, Item, LockedSubject, Terms
from infrastructure.facts.history_sessions import SELECT_SESSION, session_of
from infrastructure.security.keyring import Keyring

# Ascending by subject, like everybody who locks timelines. One that was merged into another while we waited for it is
# not there: its user ids name that one now. Nor is one whose user ids were parted meanwhile (departures): another may
# be named now.
_LOCK = """
select u.user_id, u.number, t.subject_id, s.data_key, t.last_instant, t.facts, t.chain, t.history_id,
       t.last_position = 0 and t.stream_version = 0 and t.decided_at is null
from user_ids u join timelines t using (subject_id) join subjects s using (subject_id)
where u.user_id = any(%b) and t.merged_into is null and u.departures = t.departures
order by t.subject_id for update of t
"""

# `offset 0` holds the planner to one index look-up a name, and none for a subject without facts.
_EXISTING = """
select (v.i - 1)::integer, f.content_hash, f.known_at, f.position, coalesce(f.brought_by, 0)
from unnest(%b::text[], %b::text[], %b::text[]) with ordinality v (user_id, source, fact_id, i)
join user_ids u using (user_id) join timelines t on t.subject_id = u.subject_id and t.facts > 0
cross join lateral (
    select content_hash, known_at, position, brought_by from facts
    where facts.subject_id = u.subject_id and facts.source = v.source and facts.fact_id = v.fact_id offset 0
) f
"""

_TERMS = """
select tierline_now(),
       array(select distinct spec ->> 'currency' from tier_models where status = 'active' and spec ->> 'currency' <> '')
"""


@dataclass(slots=True)
class Locked:
    """Subjects by user id (an unknown user is missing), existing rows by item, and the terms. numbers: of user ids that
    have one but 0."""

    subjects: dict[str, LockedSubject]
    numbers: dict[str, int]
    existing: dict[int, Existing]
    terms: Terms


def lock(
    connection: Connection, keyring: Keyring, items: Sequence[Item], history_id: UUID | None, *, look_up: bool = True
) -> Locked:
    """One round trip. The session, then the subjects stay locked until the transaction ends.

    look_up False: take it that nothing of this is in the log yet. Raises UnknownHistory, HistorySealed.
    """
    users = list({item.fact.user_id for item in items})
    names = [[getattr(item.fact, name) for item in items] for name in ("user_id", "source", "fact_id")]
    with connection.pipeline():
        session_rows = connection.execute(f"{SELECT_SESSION} for share", (history_id,)) if history_id else None
        locked = connection.execute(_LOCK, (users,), binary=True)
        existing = connection.execute(_EXISTING, names, binary=True) if look_up else None
        terms = connection.execute(_TERMS, binary=True)
    session = None
    if session_rows is not None and history_id is not None:
        session = open_session(session_rows.fetchone(), history_id)
    now, currencies = terms.fetchone() or (0, [])
    rows = locked.fetchall()
    return Locked(
        _subjects(rows, keyring),
        {user_id: number for user_id, number, *_ in rows if number},
        {item: Existing(*row) for item, *row in existing.fetchall()} if existing else {},
        Terms(now, frozenset(currencies), session),
    )


def create_subjects(connection: Connection, keyring: Keyring, items: Sequence[Item], now: int) -> None:
    """Make the users of these items that are not there. Before anything is locked in the transaction."""
    Subjects(keyring).resolve_or_create(connection, {item.fact.user_id for item in items}, now)


def open_session(row: tuple[Any, ...] | None, history_id: UUID) -> HistorySession:
    """The session of a row of `SELECT_SESSION`, if it is there and open."""
    if row is None:
        raise UnknownHistory(history_id)
    session = session_of(row)
    if session.sealed_at is not None:
        raise HistorySealed(history_id, session.sealed_at)
    return session


def _subjects(rows: Sequence[tuple[Any, ...]], keyring: Keyring) -> dict[str, LockedSubject]:
    """Two user ids of one subject share its state."""
    subjects: dict[str, LockedSubject] = {}
    by_id: dict[UUID, LockedSubject] = {}
    for user_id, _, subject_id, data_key, last_instant, facts, chain, history_id, untouched in rows:
        subject = by_id.get(subject_id)
        if subject is None:
            seal = keyring.unwrap(subject_id, data_key)
            subject = LockedSubject(subject_id, seal, last_instant, facts, chain, history_id, untouched)
            by_id[subject_id] = subject
        subjects[user_id] = subject
    return subjects
