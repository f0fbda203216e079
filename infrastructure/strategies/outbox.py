"""Messages in Postgres: taken by one at a time, sent outside of any transaction, and told as events afterwards."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from application.strategies.message_ports import Answer, DueMessage, Message
from application.strategies.ports import Undecided
from domain.strategies.cause import actor_of
from domain.strategies.sending import GiveUp, HoldBack, Outgoing, Send, Suppress, Verdict, next_attempt
from domain.strategies.spec import Notify
from infrastructure.benefits.holders import Holder
from infrastructure.event_store.rows import EventRow
from infrastructure.postgres.commit_with import commit_with
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.strategies.acting import spec_of
from infrastructure.strategies.definitions import instant_of
from infrastructure.strategies.people import People, read_people
from infrastructure.strategies.taking_in import PUT_OFF_MICROS, event_of, tell_apart

SENT, SUPPRESSED = "user-tier.message-sent.v1", "user-tier.message-suppressed.v1"
FAILED = "user-tier.message-failed.v1"
_LEASE_MICROS = 180_000_000  # longer than any batch of attempts takes
_DAY = 86_400_000_000

# One taker at a time: so that two of them do not each send a user the last message of a cap.
_ALONE = "select pg_try_advisory_xact_lock(7306, hashtext('outbound-messages'))"
_DUE = """
select m.message_id, m.subject_id, m.channel, m.template, m.strategy, m.assignment_id, m.created_at, m.attempts,
       m.reason, m.state, a.version, a.arm, a.campaign, a.ended_at is null, s.status, v.spec::text,
       array(select user_id from user_ids u where u.subject_id = m.subject_id order by user_id)
from outbound_messages m join assignments a using (assignment_id) join strategies s on s.strategy = m.strategy
join strategy_versions v on v.strategy = a.strategy and v.version = a.version
where m.state in ('waiting', 'sending') and m.due_at <= (select tierline_peek())
order by m.due_at, m.created_at limit %b
"""
# What somebody has taken may have gone out.
_LATELY = """
select subject_id, count(*) from outbound_messages
where subject_id = any(%b) and (state = 'sending' or state = 'sent' and settled_at > tierline_peek() - %b)
  and not message_id = any(%b)
group by 1
"""
_RECORD = """
update outbound_messages m set state = v.state, due_at = v.due_at, reason = v.reason, attempts = v.attempts,
    settled_at = v.settled_at, tell_at = v.settled_at
from unnest(%b::uuid[], %b::text[], %b::bigint[], %b::text[], %b::integer[], %b::bigint[], %b::integer[])
    as v (message_id, state, due_at, reason, attempts, settled_at, seen)
where m.message_id = v.message_id and m.state in ('waiting', 'sending') and (m.attempts = v.seen or v.state = 'sent')
"""
_TO_TELL = """
select message_id, subject_id from outbound_messages where tell_at <= (select tierline_peek())
order by tell_at limit %b
"""
_TOLD_OF = """
select m.message_id, m.subject_id, m.state, m.strategy, m.assignment_id, m.channel, m.template, m.reason, m.attempts,
       m.settled_at, a.version, a.arm
from outbound_messages m join assignments a using (assignment_id)
where m.message_id = any(%b) and m.tell_at is not null order by m.settled_at, m.message_id
"""
_TOLD = "update outbound_messages set tell_at = null where message_id = any(%b)"
_TELL_LATER = "update outbound_messages set tell_at = tierline_peek() + %b where message_id = any(%b)"


class PostgresOutbox:
    """Fulfils Outbox."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring

    @contextmanager
    def turn(self, limit: int, cap_days: int) -> Iterator["LockedOutbox | None"]:
        """See Outbox. No row is locked: whoever merges users holds their timelines, and then wants their messages."""
        with transaction(self._pool) as connection:
            row = connection.execute(_ALONE).fetchone()
            if row is None or not row[0]:
                yield None
                return
            yield LockedOutbox(connection, self._keyring, limit, cap_days)

    def settle(self, answers: Sequence[tuple[Message, Answer]]) -> None:
        """See Outbox."""
        with transaction(self._pool) as connection:
            now = instant_of(connection, "select tierline_peek()")
            _record(connection, [_settled(message, answer, now) for message, answer in answers])

    def tell(self, limit: int, *, put_off: bool = False) -> tuple[int, list[Undecided]]:
        """See Outbox."""
        with transaction(self._pool) as connection:
            asked = connection.execute(_TO_TELL, (limit,), binary=True).fetchall()
            if not asked:
                return 0, []
            people = read_people(connection, self._keyring, [subject_id for _, subject_id in asked])
            # Read again under the locks: somebody may have told them meanwhile, or merged two users.
            ids = [message_id for message_id, _ in asked]
            rows = [_ToTell(*row) for row in connection.execute(_TOLD_OF, (ids,), binary=True).fetchall()]
            locked = set(people.holders)
            return _tell(connection, people, [row for row in rows if row.subject_id in locked], put_off)


@dataclass(slots=True)
class LockedOutbox:
    """Fulfils OutboxTurn."""

    connection: Connection
    keyring: Keyring
    limit: int
    cap_days: int

    @property
    def now(self) -> int:
        """See OutboxTurn."""
        return instant_of(self.connection, "select tierline_peek()")

    def due(self) -> Sequence[DueMessage]:
        """See OutboxTurn."""
        rows = self.connection.execute(_DUE, (self.limit,), binary=True).fetchall()
        if not rows:
            return []
        subjects = [row[1] for row in rows]
        asked = (subjects, self.cap_days * _DAY, [row[0] for row in rows])
        lately: dict[UUID, int] = dict(self.connection.execute(_LATELY, asked, binary=True).fetchall())
        people = read_people(self.connection, self.keyring, subjects, lock=False)
        waiting = {holder.subject_id for holder in people.undecided(subjects)}
        # Whose user was merged into another meanwhile is that one's, and due again.
        there = [row for row in rows if row[1] in people.holders]
        return [_due(row, people, lately.get(row[1], 0), row[1] not in waiting) for row in there]

    def record(self, verdicts: Sequence[tuple[DueMessage, Verdict]]) -> None:
        """See OutboxTurn."""
        now = self.now
        _record(self.connection, [_judged(one, judged, now) for one, judged in verdicts])
        self.connection.commit()


class _Recorded(NamedTuple):
    """seen: the attempts that this follows on."""

    message_id: UUID
    state: str
    due_at: int
    reason: str
    attempts: int
    settled_at: int | None
    seen: int


class _ToTell(NamedTuple):
    message_id: UUID
    subject_id: UUID
    state: str
    strategy: str
    assignment_id: UUID
    channel: str
    template: str
    reason: str
    attempts: int
    settled_at: int
    version: int
    arm: str | None


def _due(row: tuple[Any, ...], people: People, lately: int, decided: bool) -> DueMessage:
    message_id, subject_id, channel, template, strategy, assignment_id, created_at, attempts, reason, state = row[:10]
    version, arm, campaign, goes_on, status, spec, user_ids = row[10:]
    holder = people.holders[subject_id]
    there = holder.seal is not None and bool(user_ids)
    attributes = people.observation(holder).attributes if there else None
    tried = reason if state == "waiting" else "the worker ended before it could record an answer"
    action = Notify(notify=channel, template=template)
    outgoing = Outgoing(action, spec_of(spec), status, goes_on, created_at, attempts, tried, lately, attributes)
    named = (strategy, version, arm or "", assignment_id.hex, campaign, created_at, attempts + 1)
    message = Message(message_id.hex, tuple(user_ids), channel, template, *named)
    return DueMessage(message, outgoing, user_ids[0] if user_ids else "", decided or not there)


def _judged(one: DueMessage, judged: Verdict, now: int) -> _Recorded:
    message_id, before = UUID(one.message.message_id), one.outgoing.attempts
    match judged:
        case Send():
            return _Recorded(message_id, "sending", now + _LEASE_MICROS, one.outgoing.tried, before + 1, None, before)
        case HoldBack(until, reason):
            why = one.outgoing.tried if before else reason  # what went wrong says more than why it waits
            return _Recorded(message_id, "waiting", until, why, before, None, before)
        case Suppress(reason):
            return _Recorded(message_id, "suppressed", 0, reason, before, now, before)
        case GiveUp(cause):
            return _Recorded(message_id, "failed", 0, cause, before, now, before)


def _settled(message: Message, answer: Answer, now: int) -> _Recorded:
    message_id, attempts = UUID(message.message_id), message.attempts
    if not answer.cause:
        return _Recorded(message_id, "sent", 0, "", attempts, now, attempts)
    again = None if answer.gone else next_attempt(attempts, now, answer.wait_seconds)
    if again is None:
        return _Recorded(message_id, "failed", 0, answer.cause, attempts, now, attempts)
    return _Recorded(message_id, "waiting", again, answer.cause, attempts, None, attempts)


def _record(connection: Connection, rows: Sequence[_Recorded]) -> None:
    if rows:
        connection.execute(_RECORD, [list(column) for column in zip(*rows, strict=True)], binary=True)


def _tell(
    connection: Connection, people: People, rows: Sequence[_ToTell], put_off: bool
) -> tuple[int, list[Undecided]]:
    undecided = {holder.subject_id: holder for holder in people.undecided(row.subject_id for row in rows)}
    events: list[EventRow] = []
    for row in rows:
        holder = people.holders[row.subject_id]
        if row.subject_id in undecided or holder.seal is None:
            continue  # of whoever was erased nothing is told any more
        events.append(_event(holder, row, holder.instant(people.terms)))
    waits = [row.message_id for row in rows if row.subject_id in undecided]
    done = [row.message_id for row in rows if row.subject_id not in undecided]
    if put_off:
        connection.execute(_TELL_LATER, (PUT_OFF_MICROS, waits), binary=True)
    connection.execute(_TOLD, (done,), binary=True)
    if events:
        commit_with(connection, tell_apart(events))
    else:
        connection.commit()
    return len(done), [Undecided(holder.user_id) for holder in undecided.values()]


def _event(holder: Holder, row: _ToTell, now: int) -> EventRow:
    data: dict[str, Any] = {
        "message_id": row.message_id.hex,
        "strategy": row.strategy,
        "strategy_version": row.version,
        "assignment_id": row.assignment_id.hex,
        "arm": row.arm or "",
        "channel": row.channel,
        "template": row.template,
    }
    told: dict[str, tuple[str, dict[str, Any]]] = {
        "sent": (SENT, {"attempts": row.attempts, "sent_at": row.settled_at}),
        "suppressed": (SUPPRESSED, {"reason": row.reason}),
        "failed": (FAILED, {"attempts": row.attempts, "cause": row.reason}),
    }
    topic, more = told[row.state]
    who = {"actor": actor_of(row.strategy), "command_id": f"message/{row.message_id.hex}"}
    return event_of(holder, topic, data | more, now, **who, causation=row.assignment_id.hex)
