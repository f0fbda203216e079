"""What is to be done for those who were taken in: due rows taken by whoever comes first, gone with their effect."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from application.strategies.ports import AssignmentRow, Done, DueAssignment, Undecided
from domain.strategies.audience import still_holds
from domain.strategies.cause import Cause, actor_of
from domain.strategies.spec import Notify, StrategySpec
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.benefits.holders import Holder
from infrastructure.event_store.rows import EventRow
from infrastructure.postgres.commit_with import Statement, commit_with
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_OBSERVATION
from infrastructure.strategies.people import read_people
from infrastructure.strategies.taking_in import EXPOSED, PUT_OFF_MICROS, SKIPPED, event_of, tell

_TAKE = """
select t.timer_id, t.assignment_id from strategy_timers t join strategies s using (strategy)
where t.kind = 'actions' and t.due_at <= (select tierline_peek()) and s.status = 'running'
order by t.due_at limit %b for update of t skip locked
"""
_ASSIGNMENTS = """
select a.assignment_id, a.subject_id, a.strategy, a.version, a.arm, a.campaign, a.cause, v.spec::text, s.data_key,
       o.body, c.budget,
       (select (array_agg(user_id order by user_id))[1] from user_ids u where u.subject_id = a.subject_id)
from assignments a join strategy_versions v using (strategy, version) join subjects s using (subject_id)
left join observations o using (subject_id) left join campaigns c on c.campaign = a.campaign
where a.assignment_id = any(%b) and a.ended_at is null
"""
_MESSAGES = """
select subject_id, created_at from outbound_messages
where subject_id in (select subject_id from assignments where assignment_id = any(%b))
  and created_at > tierline_peek() - 366 * 86400000000 and state in ('waiting', 'sending', 'sent')
"""
_SEND = """
insert into outbound_messages (message_id, subject_id, channel, template, strategy, assignment_id, created_at)
select * from unnest(%b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::uuid[], %b::bigint[])
on conflict do nothing
"""
_EXPOSE = """
update assignments a set exposed_at = e.at from unnest(%b::uuid[], %b::bigint[]) as e (assignment_id, at)
where a.assignment_id = e.assignment_id
"""
_RUNG = "delete from strategy_timers where timer_id = any(%b)"
_PUT_OFF = "update strategy_timers set due_at = tierline_peek() + %b where timer_id = any(%b)"


class PostgresActions:
    """Fulfils Actions."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring

    @contextmanager
    def turn(self, limit: int) -> Iterator["LockedActions"]:
        """See Actions. The rows stay locked meanwhile; what is done for the users goes its own way."""
        with transaction(self._pool) as connection:
            timers: dict[UUID, UUID] = {
                assignment_id: timer_id
                for timer_id, assignment_id in connection.execute(_TAKE, (limit,), binary=True).fetchall()
            }
            yield LockedActions(connection, self._keyring, timers)


@dataclass(slots=True)
class LockedActions:
    """Fulfils ActionTurn. timers: by assignment."""

    connection: Connection
    keyring: Keyring
    timers: dict[UUID, UUID]

    @property
    def due(self) -> Sequence[DueAssignment]:
        """Those whose timer has rung and that go on, with the users as they are now."""
        if not self.timers:
            return []
        ids = list(self.timers)
        with self.connection.pipeline():
            clock = self.connection.execute("select tierline_peek()")
            rows = self.connection.execute(_ASSIGNMENTS, (ids,), binary=True)
            sent = self.connection.execute(_MESSAGES, (ids,), binary=True)
        row = clock.fetchone()
        assert row is not None
        now = int(row[0])
        messages: dict[UUID, list[int]] = {}
        for subject_id, at in sent.fetchall():
            messages.setdefault(subject_id, []).append(at)
        found = [self._due(row, messages.get(row[1], []), now) for row in rows.fetchall()]
        gone = [self.timers[one] for one in set(ids) - {one.row.assignment_id for one in found}]
        if gone:  # ended or erased meanwhile
            self.connection.execute(_RUNG, (gone,))
            if not found:
                self.connection.commit()
        return found

    def record(self, carried: Sequence[DueAssignment]) -> list[Undecided]:
        """See ActionTurn."""
        people = read_people(self.connection, self.keyring, [one.row.subject_id for one in carried])
        undecided = {holder.subject_id: holder for holder in people.undecided(one.row.subject_id for one in carried)}
        waits = [one.timer_id for one in carried if one.waits]
        ready = [one for one in carried if not one.waits and one.row.subject_id not in undecided]
        events: list[EventRow] = []
        sent: list[tuple[Any, ...]] = []
        exposed: list[tuple[UUID, int]] = []
        for one in ready:
            holder = people.holders.get(one.row.subject_id)
            if holder is None or holder.seal is None:
                continue
            now, done = holder.instant(people.terms), [one.done[number] for number in sorted(one.done)]
            events.append(_told(holder, one, done, now))
            sent += _messages(one, done, now)
            if any(each.outcome == "done" for each in done):
                exposed.append((one.row.assignment_id, now))
        statements: list[Statement] = [(_RUNG, ([one.timer_id for one in ready],))]
        if waits:
            statements.append((_PUT_OFF, (PUT_OFF_MICROS, waits)))
        if sent:
            statements.append((_SEND, [list(column) for column in zip(*sent, strict=True)]))
        if exposed:
            statements.append((_EXPOSE, ([one for one, _ in exposed], [at for _, at in exposed])))
        if events:
            commit_with(self.connection, *statements, tell(events))
        else:
            for statement, parameters in statements:
                self.connection.execute(statement.encode(), parameters)
            self.connection.commit()
        return [Undecided(holder.user_id) for holder in undecided.values()]

    def _due(self, row: tuple[Any, ...], messages: Sequence[int], now: int) -> DueAssignment:
        assignment = AssignmentRow(*row[:6])
        cause, text, data_key, body, budget, user_id = row[6:]
        seal = self.keyring.unwrap(assignment.subject_id, data_key)
        seen = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body)) if body else Observation()
        spec = spec_of(text)
        holds = still_holds(spec.trigger, Cause(**cause), seen, now)
        timer_id, budgets = self.timers[assignment.assignment_id], () if budget is None else (budget,)
        return DueAssignment(timer_id, assignment, spec, user_id, seen.attributes, holds, messages, budgets, now)


@lru_cache(maxsize=500)
def spec_of(text: str) -> StrategySpec:
    """A stored strategy."""
    return StrategySpec.model_validate(msgspec.json.decode(text))


def _told(holder: Holder, one: DueAssignment, done: Sequence[Done], now: int) -> EventRow:
    row = one.row
    actions = [each.told() for each in done]
    named = {"strategy": row.strategy, "strategy_version": row.version, "assignment_id": row.assignment_id.hex}
    who = {"actor": actor_of(row.strategy), "command_id": f"strategy/{row.assignment_id.hex}/actions"}
    if any(each.outcome == "done" for each in done):
        data = {**named, "arm": row.arm or "", "actions": actions}
        return event_of(holder, EXPOSED, data, now, **who, causation=row.assignment_id.hex)
    reason = next((each.reason for each in done), "")
    data = {**named, "reason": reason, "detail": "", "trigger": {}, "actions": actions}
    return event_of(holder, SKIPPED, data, now, **who, causation=row.assignment_id.hex)


def _messages(one: DueAssignment, done: Sequence[Done], now: int) -> list[tuple[Any, ...]]:
    row = one.row
    return [
        (UUID(each.id), row.subject_id, each.action.notify, each.action.template, row.strategy, row.assignment_id, now)
        for each in done
        if isinstance(each.action, Notify) and each.outcome == "done"
    ]
