"""What benefits do by themselves, in Postgres: places in the log held by one at a time, and timers of issuances."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from application.benefits.reacting import ActiveIssuance, Risen, Seen, TakenBack, Tally, Turn
from domain.facts.fact import decode_attributes
from domain.issuances.spec import IssuanceSpec, next_turn
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.benefits.growth import read_growth
from infrastructure.event_store.tail import PARTITIONS, LogTail
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_FACT, CONTEXT_OBSERVATION
from infrastructure.tier_models.in_force import ModelsInForceReader
from projections.records import EventRecord, ObservationRecord

_CHANGED = "user-tier.tier-changed.v1"
_NOT_REACTED_TO = ("history", "opening", "model-change")
_TURN = "select position from reactions where name = %s for update skip locked"
_MOVE = "update reactions set position = %s where name = %s"
_ANY_FALLS = "select exists (select from benefits where (spec -> 'clawback' ->> 'on_downgrade')::boolean)"
# By where the user stands by now: who has risen again is left alone.
_FALLEN = """
select g.grant_id, c.event_id, c.scheme
from unnest(%b::uuid[], %b::text[], %b::text[]) c (subject_id, scheme, event_id)
join grants g on g.subject_id = c.subject_id and g.status = 'open'
join benefits b on b.benefit = g.benefit and b.version = g.benefit_version
where (b.spec -> 'clawback' ->> 'on_downgrade')::boolean and b.spec -> 'entitlement' ? c.scheme
  and not coalesce(b.spec -> 'entitlement' -> c.scheme ? (
      select e.to_tier from events e
      where e.originator_id = c.subject_id and e.scheme = c.scheme and e.scope = '' and e.topic = %b
      order by e.originator_version desc limit 1), false)
order by g.grant_id
"""
_NEW_FACTS = "select coalesce(max(position), %(after)s) from facts where position > %(after)s"
_COME_BACK = """
select f.position, f.subject_id, f.sealed, s.data_key, g.grant_id, g.order_key, f.fact_id,
       b.spec -> 'clawback' ->> 'on_refund' = 'all'
from facts f join subjects s using (subject_id)
join grants g on g.subject_id = f.subject_id and g.order_key is not null
join benefits b on b.benefit = g.benefit and b.version = g.benefit_version
where f.position > %(after)s and f.position <= %(until)s and f.kind in ('refund', 'order_cancelled')
  and f.history_id is null and f.sealed is not null and b.spec -> 'clawback' ->> 'on_refund' in ('unredeemed', 'all')
  and (g.status = 'open' or g.redeemed > g.reclaimed)
order by f.position limit %(limit)s
"""
_BEGIN = """
insert into issuance_progress as p (issuance, revision, since) values (%(name)s, %(revision)s, %(since)s)
on conflict (issuance) do update set revision = excluded.revision,
    position = case when p.revision = excluded.revision then p.position else 0 end,
    since = case when p.revision = excluded.revision then p.since else excluded.since end
returning position, since
"""
_WATCHED = "update issuance_progress set position = %s, since = %s where issuance = %s"
_TIMERS = """
select s.subject_id, t.due_at, s.created_at
from subjects s left join issuance_timers t on t.subject_id = s.subject_id and t.issuance = %b
where s.subject_id = any(%b)
"""
_SET = """
insert into issuance_timers (issuance, subject_id, due_at)
select %b, * from unnest(%b::uuid[], %b::bigint[]) as t (subject_id, due_at)
on conflict (issuance, subject_id) do update set due_at = excluded.due_at
"""
_UNSET = "delete from issuance_timers where issuance = %b and subject_id = any(%b)"
_TAKE = """
select t.issuance, t.subject_id,
       coalesce((select (array_agg(user_id order by user_id))[1] from user_ids where subject_id = t.subject_id), ''),
       t.due_at, s.data_key, o.body
from issuance_timers t left join subjects s using (subject_id) left join observations o using (subject_id)
where t.due_at <= (select tierline_peek()) order by t.due_at limit %b for update of t skip locked
"""
# Those that no timer brings have no row before.
_TALLY = """
insert into issuance_progress (issuance, revision, issued, refused) values (%(name)s, 0, %(issued)s, %(refused)s)
on conflict (issuance) do update set issued = issuance_progress.issued + excluded.issued, refused = (
    select coalesce(jsonb_object_agg(reason, times), '{}') from (
        select reason, sum(times::bigint) as times from (
            select * from jsonb_each_text(issuance_progress.refused)
            union all select * from jsonb_each_text(excluded.refused)
        ) both_of_them (reason, times) group by reason) summed
)
"""


class PostgresBenefitReactions:
    """Fulfils BenefitReactions."""

    def __init__(self, pool: Pool, keyring: Keyring, tail: LogTail) -> None:
        self._pool, self._keyring, self._tail = pool, keyring, tail
        self._models = ModelsInForceReader()

    @contextmanager
    def turn(self, name: str) -> Iterator["LockedTurn | None"]:
        """See BenefitReactions."""
        with transaction(self._pool) as connection:
            row = connection.execute(_TURN, (name,)).fetchone()
            if row is None:
                yield None
                return
            ranks = {
                scheme: {} if model.spec.unordered else {tier: rank for rank, tier in enumerate(model.tiers)}
                for scheme, model in self._models.read(connection).current.items()
            }
            yield LockedTurn(connection, self._keyring, self._tail, name, int(row[0]), ranks)

    def watch(self, issuance: ActiveIssuance, limit: int) -> bool:
        """See BenefitReactions. A revision looks at everybody anew."""
        with transaction(self._pool) as connection:
            named = {"name": issuance.name, "revision": issuance.revision, "since": issuance.since}
            row = connection.execute(_BEGIN, named).fetchone()
            assert row is not None
            batch = self._tail.read(range(PARTITIONS), int(row[0]), limit, events=False)
            found = {one.subject_id: one.observation for one in batch.records if isinstance(one, ObservationRecord)}
            now = _instant(connection)
            turns = {}
            for subject_id, set_for, known_since in self._timers(connection, issuance.name, list(found)):
                since = now if row[1] is None else max(row[1], known_since)
                if set_for is None or set_for > now:
                    turns[subject_id] = _turn(issuance.spec, found[subject_id], set_for, since, now)
            ahead = {one: at for one, at in turns.items() if at is not None}
            connection.execute(_SET, (issuance.name, list(ahead), list(ahead.values())), binary=True)
            connection.execute(_UNSET, (issuance.name, [one for one, at in turns.items() if at is None]), binary=True)
            more = batch.position < batch.head
            connection.execute(_WATCHED, (batch.position, row[1] if more else None, issuance.name))
        return more

    @contextmanager
    def take_turns(self, limit: int) -> Iterator["LockedTurns | None"]:
        """See BenefitReactions."""
        with transaction(self._pool) as connection:
            rows = connection.execute(_TAKE, (limit,), binary=True).fetchall()
            yield LockedTurns(connection, [self._taken(*row) for row in rows]) if rows else None

    def tell(self, tally: Tally) -> None:
        """See BenefitReactions."""
        with transaction(self._pool) as connection:
            _tell(connection, tally)

    def _timers(self, connection: Connection, issuance: str, subject_ids: list[UUID]) -> list[Any]:
        return connection.execute(_TIMERS, (issuance, subject_ids), binary=True).fetchall()

    def _taken(
        self, issuance: str, subject_id: UUID, user_id: str, due_at: int, data_key: bytes | None, body: bytes | None
    ) -> Turn:
        seen = Observation()
        if data_key is not None and body is not None:
            seal = self._keyring.unwrap(subject_id, data_key)
            seen = decode_observation(seal.unseal(CONTEXT_OBSERVATION, body))
        return Turn(issuance, subject_id, user_id, due_at, seen)


def _turn(spec: IssuanceSpec, seen: Observation, set_for: int | None, since: int, now: int) -> int | None:
    """When a user's turn comes. A turn that has come and is not yet taken is not asked about: what the user has done
    since does not put it off. Whoever is set for the next turn already has had those before it."""
    coming = next_turn(spec, seen.attributes, now)
    return coming if set_for == coming else next_turn(spec, seen.attributes, since)


@dataclass(slots=True)
class LockedTurn:
    """Fulfils BenefitTurn. ranks: of tiers from the lowest up, by scheme; none where they have no order."""

    connection: Connection
    keyring: Keyring
    tail: LogTail
    name: str
    position: int
    ranks: Mapping[str, Mapping[str, int]]

    def fallen(self, limit: int) -> Seen:
        """See BenefitTurn."""
        head = self.tail.head()  # before the look for benefits: what is granted later stands behind it
        row = self.connection.execute(_ANY_FALLS).fetchone()
        if row is None or not row[0]:
            return Seen((), head, False)
        changes, position, more = self._changes(limit)
        named = [(one.subject_id, one.scheme, one.event_id) for one in changes]
        columns = [list(column) for column in zip(*named, strict=True)]
        if not columns:
            return Seen((), position, more)
        found = self.connection.execute(_FALLEN, (*columns, _CHANGED), binary=True).fetchall()
        grants = {row[0]: TakenBack(row[0].hex, row[1], f"no longer entitled by {row[2]}", False) for row in found}
        return Seen(list(grants.values()), position, more)

    def come_back(self, limit: int) -> Seen:
        """See BenefitTurn."""
        row = self.connection.execute(_NEW_FACTS, {"after": self.position}).fetchone()
        assert row is not None
        until = int(row[0])
        if until == self.position:
            return Seen((), self.position, False)
        terms = {"after": self.position, "until": until, "limit": limit}
        rows = self.connection.execute(_COME_BACK, terms, binary=True).fetchall()
        found = []
        for _, subject_id, sealed, data_key, grant_id, order_key, fact_id, reclaim in rows:
            seal = self.keyring.unwrap(subject_id, data_key)
            order_id = decode_attributes(seal.unseal(CONTEXT_FACT, sealed)).attributes.get("order_id")
            if isinstance(order_id, str) and seal.digest(order_id.encode()) == order_key:
                found.append(TakenBack(grant_id.hex, f"fact:{fact_id}", f"order {order_id} came back", bool(reclaim)))
        if len(rows) == limit and rows[-1][0] > rows[0][0]:
            return Seen(found, rows[-1][0] - 1, True)  # the last fact may have more grants: it is read again
        return Seen(found, until, False)

    def risen(self, limit: int) -> Seen:
        """See BenefitTurn."""
        changes, position, more = self._changes(limit)
        rises = [
            Risen(one.subject_id, one.user_ids[0], one.event_id, one.scheme, one.to_tier or "", one.effective_at)
            for one in changes
            if one.user_ids and self._rises(one)
        ]
        return Seen(rises, position, more)

    def grown(self, limit: int) -> Seen:
        """See BenefitTurn."""
        return read_growth(self.connection, self.tail, self.position, limit)

    def move_to(self, position: int) -> None:
        """See BenefitTurn."""
        if position > self.position:
            self.connection.execute(_MOVE, (position, self.name))

    def _changes(self, limit: int) -> tuple[list[EventRecord], int, bool]:
        """Changes of tier that are reacted to, of schemes that are kept for the platform as a whole."""
        batch = self.tail.read(range(PARTITIONS), self.position, limit, observations=False)
        found = [
            record
            for record in batch.records
            if isinstance(record, EventRecord) and record.topic == _CHANGED and not record.scope
            if record.data.get("cause") not in _NOT_REACTED_TO
        ]
        return found, batch.position, batch.position < batch.head

    def _rises(self, change: EventRecord) -> bool:
        ranks = self.ranks.get(change.scheme, {})
        before, after = ranks.get(change.from_tier or ""), ranks.get(change.to_tier or "")
        return before is not None and after is not None and after > before


@dataclass(slots=True)
class LockedTurns:
    """Fulfils TakenTurns."""

    connection: Connection
    turns: Sequence[Turn]

    def settle(self, next_turns: Mapping[tuple[str, UUID], int | None], tally: Tally) -> None:
        """See TakenTurns."""
        for (issuance, subject_id), at in next_turns.items():
            if at is None:
                self.connection.execute(_UNSET, (issuance, [subject_id]), binary=True)
            else:
                self.connection.execute(_SET, (issuance, [subject_id], [at]), binary=True)
        _tell(self.connection, tally)


def _tell(connection: Connection, tally: Tally) -> None:
    for name in tally.issued.keys() | tally.refused.keys():
        told = {"issued": tally.issued.get(name, 0), "refused": Jsonb(tally.refused.get(name, {})), "name": name}
        connection.execute(_TALLY, told)


def _instant(connection: Connection) -> int:
    row: Any = connection.execute("select tierline_peek()").fetchone()
    return int(row[0])
