"""The log asked directly: past standings, histories, distributions, and how far decisions have come."""

from typing import Any
from uuid import UUID

import msgspec
from psycopg import Connection

from application.queries import (
    Distribution,
    Flows,
    HistoryPage,
    InstantAhead,
    LogProgress,
    NotAbsorbed,
    PastStanding,
    PastStandings,
    PeriodBackwards,
    RecordedEvent,
    SchemeShape,
    SchemeWithoutScopes,
    UnknownScheme,
    UnknownUser,
    UserProgress,
)
from domain.facts.instants import format_instant, parse_instant
from domain.tier_model.compiled import CompiledModel, compiled_model
from domain.user_tier.decisions import event_id_of
from domain.user_tier.events import TierChanged
from infrastructure.event_store.catalogue import CATALOGUE
from infrastructure.event_store.tail import head
from infrastructure.postgres.pool import Pool
from infrastructure.queries.past_standings import flows_and_moves, in_order, sizes
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT, Seal

PLATFORM = ""  # the scope of standings that are not kept per scope

_SUBJECT = """
select u.subject_id, s.data_key from user_ids u join subjects s using (subject_id) where u.user_id = %s
"""
_ABSORBED = """
select s.subject_id, s.data_key from timelines t join subjects s using (subject_id)
where t.subject_id = %s and t.merged_into = %s
"""
_STANDINGS = """
select originator_version, topic, scheme, scope, to_tier, effective_at, state from events
where originator_id = %(subject)s and topic = %(topic)s
  and effective_at <= %(as_of)s and recorded_at <= %(known_at)s
order by effective_at, originator_version
"""
_HISTORY = """
select originator_version, position, topic, scheme, scope, from_tier, to_tier, effective_at, recorded_at, actor,
       command_id, causation, state
from events where originator_id = %(subject)s and originator_version > %(after)s
order by originator_version limit %(limit)s
"""
# Required: the last of the user's own positions up to at_least. A position that nobody has yet is not reached.
_USER_PROGRESS = """
select case when t.last_position <= %(at_least)s then t.last_position
            else (select coalesce(max(f.position), 0) from facts f
                  where f.subject_id = t.subject_id and f.position <= %(at_least)s) end as required,
       coalesce(o.through, 0), greatest(coalesce(o.position, 0), t.held_position),
       t.history_id is null and coalesce(t.due_at >= tierline_peek(), true)
       and t.generation >= (select coalesce(max(generation), 0) from activations where position <= %(at_least)s)
       and %(at_least)s <= (select last_value from positions)
from user_ids u join timelines t using (subject_id) left join observations o using (subject_id)
where u.user_id = %(user_id)s
"""
_ANYBODY_PENDING = """
select %(at_least)s > (select last_value from positions)
    or exists (select 1 from timelines where due_at <= tierline_peek())
    or exists (select 1 from timelines where history_id is null
               and generation < (select coalesce(max(generation), 0) from activations where position <= %(at_least)s))
    or exists (select 1 from history_sessions h where h.sealed_position <= %(at_least)s
               and exists (select 1 from timelines t where t.history_id = h.history_id))
"""

_WITH_TIER = """
select m.spec::text, version from activations a join tier_models m using (scheme, version)
where scheme = %s and m.spec -> 'tiers' ? %s and {} order by a.generation desc limit 1
"""
_VERSION_WITH, _FORMER_WITH = _WITH_TIER.format("version = %s"), _WITH_TIER.format("a.activated_at < %s")
_SHOWN = """
select coalesce(min(position), 0) from checkpoints join read_models using (name, version)
where name = %s and status in ('serving', 'paused')
"""


class PostgresLedgerQueries:
    """Fulfils application.queries.LedgerQueries. Safe for threads."""

    def __init__(self, pool: Pool, keyring: Keyring) -> None:
        self._pool = pool
        self._keyring = keyring

    def user_tiers(self, user_id: str, as_of: int | None, known_at: int | None) -> PastStandings:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            position = head(connection)
            seal = self._seal_of(connection, user_id)
            as_of, known_at = _instants(connection, as_of=as_of, known_at=known_at)
            terms = {"subject": seal.subject_id, "topic": TierChanged.TOPIC, "as_of": as_of, "known_at": known_at}
            rows = connection.execute(_STANDINGS, terms, binary=True).fetchall()
        scopes: dict[str, dict[str, PastStanding]] = {}
        for version, topic, scheme, scope, tier, effective_at, state in rows:
            # Taken over, renamed or back from under a pin it keeps its since: the receipt says what was left standing.
            after = _own_fields(topic, state, seal)["receipt"].get("after")
            since = effective_at if after is None else parse_instant(after["since"])
            event_id = event_id_of(seal.subject_id, version)
            scopes.setdefault(scheme, {})[scope] = PastStanding(tier, since, event_id)
        platform = {scheme: found.pop(PLATFORM) for scheme, found in scopes.items() if PLATFORM in found}
        scoped = {scheme: found for scheme, found in scopes.items() if found}
        return PastStandings(as_of, known_at, platform, scoped, position)

    def user_history(self, user_id: str, after: int, size: int, absorbed: str | None = None) -> HistoryPage:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            position = head(connection)
            seal = self._seal_of(connection, user_id)
            if absorbed is not None:
                seal = self._seal_of_absorbed(connection, user_id, seal.subject_id, absorbed)
            terms = {"subject": seal.subject_id, "after": after, "limit": size + 1}
            rows = connection.execute(_HISTORY, terms, binary=True).fetchall()
        events = [_recorded_event(row, seal) for row in rows[:size]]
        return HistoryPage(events, events[-1].version if len(rows) > size else None, position)

    def distribution(
        self, scheme: str, as_of: int | None, scope: str | None = None, known_at: int | None = None
    ) -> Distribution:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            position = head(connection)
            tiers = _shape_of(connection, scheme, scope).tiers
            as_of, known_at = _instants(connection, as_of=as_of, known_at=known_at)
            counts = sizes(connection, scheme, scope, as_of, known_at)
        return Distribution(scheme, scope, as_of, known_at, dict.fromkeys(tiers, 0) | counts, position)

    def flows(
        self, scheme: str, since: int, until: int | None, scope: str | None = None, known_at: int | None = None
    ) -> Flows:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            position = head(connection)
            tiers = _shape_of(connection, scheme, scope).tiers
            asked = _instants(connection, **{"from": since, "to": until, "known_at": known_at})
            since, until, known_at = asked
            if since >= until:
                raise PeriodBackwards(format_instant(since), format_instant(until))
            flows, moves = flows_and_moves(connection, scheme, scope, since, until, known_at)
        return Flows(scheme, scope, since, until, known_at, in_order(flows, tiers), in_order(moves, tiers), position)

    def user_progress(self, user_id: str, at_least: int) -> UserProgress:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            row = connection.execute(_USER_PROGRESS, {"user_id": user_id, "at_least": at_least}).fetchone()
        if row is None:
            return UserProgress(known=False, decided=True, shown_from=0)
        required, through, observed_at, settled = row
        return UserProgress(known=True, decided=settled and through >= required, shown_from=observed_at)

    def log_progress(self, at_least: int) -> LogProgress:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            row = connection.execute(_ANYBODY_PENDING, {"at_least": at_least}).fetchone()
            # Read after it: whatever had been decided by then stands at or below the head.
            return LogProgress(decided=row is not None and not row[0], shown_from=head(connection))

    def shown_position(self, read_model: str) -> int:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            row = connection.execute(_SHOWN, (read_model,)).fetchone()
        return 0 if row is None else int(row[0])

    def shape_of(self, scheme: str, scope: str | None = None) -> SchemeShape:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            return _shape_of(connection, scheme, scope)

    def version_with(self, scheme: str, tier: str, version: int) -> CompiledModel | None:
        """See LedgerQueries."""
        return self._model(_VERSION_WITH, scheme, tier, version)

    def former_with(self, scheme: str, tier: str, before: int) -> CompiledModel | None:
        """See LedgerQueries."""
        return self._model(_FORMER_WITH, scheme, tier, before)

    def due_backlog(self) -> int:
        """See LedgerQueries."""
        with self._pool.connection() as connection:
            row = connection.execute("select count(*) from timelines where due_at <= tierline_peek()").fetchone()
        return 0 if row is None else int(row[0])

    def _model(self, query: str, *terms: str | int) -> CompiledModel | None:
        with self._pool.connection() as connection:
            row = connection.execute(query.encode(), terms).fetchone()
        return None if row is None else compiled_model(*row)

    def _seal_of(self, connection: Connection, user_id: str) -> Seal:
        row = None
        if "\0" not in user_id:
            row = connection.execute(_SUBJECT, (user_id,), binary=True).fetchone()
        if row is None:
            raise UnknownUser(user_id)
        return self._keyring.unwrap(*row)

    def _seal_of_absorbed(self, connection: Connection, user_id: str, survivor: UUID, stream: str) -> Seal:
        try:
            row = connection.execute(_ABSORBED, (UUID(stream), survivor), binary=True).fetchone()
        except ValueError:
            row = None
        if row is None:
            raise NotAbsorbed(user_id, stream)
        return self._keyring.unwrap(*row)


def _instants(connection: Connection, **asked: int | None) -> list[int]:
    """Each as asked, or now. Raises InstantAhead."""
    row = connection.execute("select tierline_peek()").fetchone()
    assert row is not None
    now = int(row[0])
    for field, instant in asked.items():
        if instant is not None and instant > now:
            raise InstantAhead(field, format_instant(instant), format_instant(now))
    return [now if instant is None else instant for instant in asked.values()]


def _shape_of(connection: Connection, scheme: str, scope: str | None) -> SchemeShape:
    """Of the scheme's last version in force. Raises UnknownScheme, SchemeWithoutScopes."""
    rows = connection.execute(
        "select distinct on (scheme) scheme, spec -> 'tiers', spec ->> 'per' from tier_models"
        " where status in ('active', 'retired') order by scheme, status = 'active' desc, version desc"
    ).fetchall()
    known = {name: SchemeShape(tuple(tiers), per) for name, tiers, per in rows}
    if scheme not in known:
        raise UnknownScheme(scheme, sorted(known))
    if scope is not None and known[scheme].per is None:
        raise SchemeWithoutScopes("scope", scope, scheme)
    return known[scheme]


def _own_fields(topic: str, state: bytes, seal: Seal) -> dict[str, Any]:
    return CATALOGUE.read(topic, msgspec.msgpack.decode(seal.unseal(CONTEXT_EVENT, state)))[1]


def _recorded_event(row: tuple[Any, ...], seal: Seal) -> RecordedEvent:
    names = "version position topic scheme scope from_tier to_tier effective_at recorded_at actor command_id causation"
    clear = dict(zip(names.split(), row[:-1], strict=True))
    data = _own_fields(clear["topic"], row[-1], seal)
    event_id = event_id_of(seal.subject_id, clear["version"])
    return RecordedEvent(event_id=event_id, **clear, data=data, receipt=data.pop("receipt", None))
