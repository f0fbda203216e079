"""Reads the ledger of benefits for proof: grants, their moves, the events about them, and the accounts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection, IsolationLevel

from application.benefits.ledger.verifications import LedgerBatch
from application.compliance.ports import Share
from domain.benefits.granting import GRANTED
from domain.benefits.kept import KeptAccount, KeptGrant, KeptMove, ToldEvent
from domain.user_tier.decisions import event_id_of
from infrastructure.benefits.catalogue_rows import BudgetRow
from infrastructure.compliance.shares import bounds
from infrastructure.postgres.pool import Pool
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT, Seal, SealBroken

_AT_ONCE = 500
_TOPIC = "topic like 'user-tier.benefit-%%'"
_SHARE = ">= %(first)s and {0} <= %(last)s and {0} > %(after)s and (%(only)s::uuid is null or {0} = %(only)s)"
_COUNT = f"select count(distinct subject_id) from grants where subject_id {_SHARE.format('subject_id')}"
# Grants of a subject that was merged into another are the other's; what was told before stands in its own stream.
_SUBJECTS = f"""
select subject_id from (
    (select distinct subject_id from grants where subject_id {_SHARE.format("subject_id")} order by 1 limit %(limit)s)
    union
    (select distinct originator_id from events
     where {_TOPIC} and originator_id {_SHARE.format("originator_id")} and not exists (
         select from timelines t where t.subject_id = originator_id and t.merged_into is not null)
     order by 1 limit %(limit)s)
    union
    (select distinct merged_into from timelines where merged_into {_SHARE.format("merged_into")}
     order by 1 limit %(limit)s)
) of_all order by 1 limit %(limit)s
"""
_GRANTS = """
select subject_id, replace(grant_id::text, '-', ''), benefit, benefit_version, kind, units, unit_cost, currency,
       accounts, tiers, cause, campaign, strategy, assignment_id, run_id::text, order_key, granted_at, expires_at,
       redeemed, released, reclaimed, times, moves, status, ended_at
from grants where subject_id = any(%s)
"""
_MOVES = """
select g.subject_id, replace(m.grant_id::text, '-', ''), m.number, m.move, m.units, m.cost, m.at, m.order_key
from grant_moves m join grants g using (grant_id) where g.subject_id = any(%s) order by 1, 2, 3
"""
_EVENTS = f"""
select originator_id, originator_version, topic, effective_at, state
from events where originator_id = any(%s) and {_TOPIC} order by position
"""
_CLOSED = "select subject_id, merged_into from timelines where merged_into = any(%s)"
_BUDGETS = "select budget, parent, amount, currency, period, time_zone, starts_at, ends_at, status from budgets"
_STOCKED = "select benefit, version from benefits where spec ? 'stock'"
_ACCOUNTS = """
with charged as (
    select account, sum((g.units - g.redeemed - g.released) * unit) as reserved, sum(g.redeemed * unit) as spent
    from grants g cross join lateral (
        select account, case when account like 'stock:%' then 1 else g.unit_cost end as unit
        from unnest(g.accounts) account
    ) held group by account
), all_of_them as (
    select account, a.account is not null as there, a.allowed, a.reserved, a.spent, coalesce(c.reserved, 0) as owed,
           coalesce(c.spent, 0) as used, split_part(account, '@', 1) as holder, strpos(account, '@') > 0 as of_period
    from accounts a full join charged c using (account)
)
select a.*, case when b.period = '' then b.amount else (v.spec ->> 'stock')::bigint end,
       b.budget is not null and (b.period <> '') = a.of_period
       or exists (select from benefits where 'stock:' || benefit = a.holder)
from all_of_them a
left join budgets b on 'budget:' || b.budget = a.holder
left join benefits v on 'stock:' || v.benefit = a.holder and v.status = 'active'
order by a.account collate "C"
"""
_decode = msgspec.msgpack.Decoder().decode


class PostgresLedgerRecords:
    """Fulfils LedgerRecords."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool, self._keyring = pool, keyring

    def count(self, share: Share) -> int:
        """See LedgerRecords."""
        asked = bounds(self._pool, share)
        with self._pool.connection() as connection:
            row = connection.execute(_COUNT.encode(), asked).fetchone()
        return int(row[0]) if row else 0

    def accounts(self) -> Sequence[KeptAccount]:
        """See LedgerRecords."""
        with self._pool.connection() as connection:
            rows = connection.execute(_ACCOUNTS).fetchall()
        found = []
        for account, there, allowed, reserved, spent, owed, used, _, _, should_allow, known in rows:
            state = (allowed, reserved, spent) if there else None
            found.append(KeptAccount(account, state, int(owed), int(used), should_allow, known))
        return found

    def subjects(self, share: Share) -> Iterator[LedgerBatch]:
        """See LedgerRecords."""
        asked = bounds(self._pool, share) | {"limit": _AT_ONCE}
        while True:
            with self._snapshot() as connection:
                ids = [row[0] for row in connection.execute(_SUBJECTS.encode(), asked).fetchall()]
                batch = self._batch(connection, ids) if ids else None
            if batch is None:
                return
            yield batch
            asked["after"] = batch.through

    def _batch(self, connection: Connection, ids: Sequence[UUID]) -> LedgerBatch:
        closed: dict[UUID, UUID] = dict(connection.execute(_CLOSED, (list(ids),)).fetchall())
        seals = self._keyring.seals(connection, [*ids, *closed])
        gone = {closed.get(subject, subject) for subject in (*ids, *closed) if subject not in seals}
        known = [subject for subject in ids if subject not in gone]
        terms = _Terms(connection)
        grants: dict[UUID, dict[str, KeptGrant]] = {}
        for subject, *row in connection.execute(_GRANTS, (known,), binary=True).fetchall():
            grants.setdefault(subject, {})[row[0]] = _grant(row)
        moves: dict[UUID, list[KeptMove]] = {}
        for subject, *row in connection.execute(_MOVES, (known,), binary=True).fetchall():
            moves.setdefault(subject, []).append(KeptMove(*row))
        events: dict[UUID, list[ToldEvent]] = {subject: [] for subject in known}
        told_of = [*known, *(subject for subject, survivor in closed.items() if survivor not in gone)]
        for subject, *told in connection.execute(_EVENTS.encode(), (told_of,), binary=True).fetchall():
            event = terms.told(subject, seals[subject], *told)
            if subject in closed and event.topic == GRANTED:  # its key made the digest, which a merge forgets
                event = msgspec.structs.replace(event, order_key=None)
            events[closed.get(subject) or subject].append(event)
        return LedgerBatch(grants, moves, events, len(ids) - len(known), ids[-1])

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        with self._pool.connection() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            try:
                yield connection
            finally:
                connection.rollback()
                connection.isolation_level = None


class _Terms:
    """What events are read with: which account a budget's name means at an instant, and what has a stock."""

    def __init__(self, connection: Connection) -> None:
        self._budgets = {row[0]: BudgetRow(*row) for row in connection.execute(_BUDGETS).fetchall()}
        self._stocked = {(row[0], row[1]) for row in connection.execute(_STOCKED).fetchall()}

    def told(self, subject: UUID, seal: Seal, version: int, topic: str, at: int, state: bytes) -> ToldEvent:
        """One event, opened if it can be."""
        event_id = event_id_of(subject, version)
        try:
            data = _decode(seal.unseal(CONTEXT_EVENT, state))
        except SealBroken:
            return ToldEvent(event_id, topic, at, None)
        order_key = seal.digest(data["order_id"].encode()) if data.get("order_id") else None
        accounts = self._accounts(data, at) if topic == GRANTED else frozenset[str]()
        return ToldEvent(event_id, topic, at, data, accounts, order_key)

    def _accounts(self, data: dict[str, Any], at: int) -> frozenset[str]:
        budgets = [
            self._budgets[name].account(at) if name in self._budgets else f"budget:{name}" for name in data["budgets"]
        ]
        stocked = (data["benefit"], data["benefit_version"]) in self._stocked
        return frozenset([*budgets, f"stock:{data['benefit']}"] if stocked else budgets)


def _grant(row: Sequence[Any]) -> KeptGrant:
    """In the order of _GRANTS."""
    return KeptGrant(*(*row[:7], frozenset(row[7]), *row[8:]))
