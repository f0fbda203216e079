"""What the programme owes and has cost: sums over grants and their moves, each answer out of one snapshot."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, get_args

from psycopg import Connection, IsolationLevel

from application.benefits.ledger.ports import (
    CALENDAR,
    NOTHING,
    AccountState,
    Calendar,
    Costs,
    CostsBy,
    Dimension,
    Forecast,
    LedgerQuestionInvalid,
    Liability,
    Owed,
    Sum,
)
from application.queries import UnknownScheme
from domain.benefits.periods import period_named, starts_of_periods
from domain.facts.instants import format_instant, parse_instant
from domain.tier_model.calendar import load_zone
from infrastructure.benefits.ledger_flows import Flow, costs_of
from infrastructure.event_store.tail import head
from infrastructure.postgres.pool import Pool

_KEYS = {
    "benefit": "g.benefit",
    "kind": "g.kind",
    "campaign": "g.campaign",
    "strategy": "g.strategy",
    "tier": "g.tiers ->> %(scheme)s",
}
_LEFT = "g.units - g.redeemed - g.released"
_OWED = f"""
select {{key}}, g.currency, coalesce(g.expires_at <= %(now)s, false), count(*), sum({_LEFT}),
       sum(({_LEFT}) * g.unit_cost)
from grants g where g.status = 'open' group by 1, 2, 3 order by 1 nulls last, 2, 3
"""
# Ends are midnights of few days, or instants that a benefit names: far fewer than grants.
_ENDING = f"""
select g.expires_at, g.currency, count(*), sum({_LEFT}), sum(({_LEFT}) * g.unit_cost)
from grants g where g.status = 'open' and (g.expires_at is null or g.expires_at > %(now)s) group by 1, 2
"""
_ACCOUNTS = """
select split_part(a.account, ':', 1), split_part(substr(a.account, strpos(a.account, ':') + 1), '@', 1), b.currency,
       split_part(a.account, '@', 2), a.allowed, a.reserved, a.spent
from accounts a left join budgets b on 'budget:' || b.budget = split_part(a.account, '@', 1)
order by a.account collate "C"
"""
# What is open at an instant is what is open now, less what has come in since and with what has gone out since: so only
# the moves from the first edge on are read, by the time they happened.
_FLOWS = f"""
select flow, bucket, key, currency, sum(units), sum(cost) from (
    select 'granted' as flow, width_bucket(g.granted_at, %(edges)s::bigint[]) as bucket, {{key}} as key, g.currency,
           g.units, g.units * g.unit_cost as cost
    from grants g where g.granted_at >= %(first)s
    union all
    select case when m.move in ('redeemed', 'reclaimed') then m.move else 'released' end,
           width_bucket(m.at, %(edges)s::bigint[]), {{key}}, g.currency, m.units, m.cost
    from grant_moves m join grants g using (grant_id) where m.at >= %(first)s
    union all
    select 'open', 0, {{key}}, g.currency, {_LEFT}, ({_LEFT}) * g.unit_cost from grants g where g.status = 'open'
) flows group by 1, 2, 3, 4
"""
_SPAN = """
select least((select min(granted_at) from grants), (select min(at) from grant_moves)),
       greatest((select max(granted_at) from grants), (select max(at) from grant_moves))
"""
_SCHEME = "select exists (select from tier_models where scheme = %s)"
_EVER, _NEVER = 0, 2**62


class PostgresLedgerFigures:
    """Fulfils LedgerFigures."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def liability(self, by: Dimension, scheme: str | None = None) -> Liability:
        """See LedgerFigures."""
        _require_one_of("by", by, get_args(Dimension))
        with self._snapshot() as (connection, now, position):
            _require_scheme(connection, by, scheme)
            query = _OWED.format(key=_KEYS[by])
            found = connection.execute(query.encode(), {"scheme": scheme, "now": now}).fetchall()
            accounts = connection.execute(_ACCOUNTS).fetchall()
        rows = [_owed(key, currency, *sums) for key, currency, ended, *sums in found if not ended]
        ended = [_owed(key, currency, *sums) for key, currency, ended, *sums in found if ended]
        budgets = [_account(row) for row in accounts if row[0] == "budget"]
        stocks = [_account(row) for row in accounts if row[0] == "stock"]
        return Liability(now, position, rows, _totals(rows), _totals(ended), budgets, stocks)

    def forecast(self, per: Calendar, time_zone: str) -> Forecast:
        """See LedgerFigures."""
        _require_one_of("per", per, CALENDAR)
        _require_zone(time_zone)
        with self._snapshot() as (connection, now, position):
            found = connection.execute(_ENDING.encode(), {"now": now}).fetchall()
        named: dict[tuple[bool, str, str], Owed] = {}
        for expires_at, currency, *sums in found:
            # Its end is the first instant at which it is over: it belongs to the day before such a midnight.
            never = expires_at is None
            key = "never" if never else period_named(per, time_zone, expires_at - 1)
            place = (never, key, currency)
            named[place] = _added(named.get(place), _owed(key, currency, *sums))
        rows = [named[place] for place in sorted(named)]
        return Forecast(now, position, rows, _totals(rows))

    def costs(
        self,
        by: CostsBy,
        since: int | None = None,
        until: int | None = None,
        *,
        scheme: str | None = None,
        time_zone: str = "UTC",
    ) -> Costs:
        """See LedgerFigures."""
        _require_one_of("by", by, get_args(CostsBy))
        _require_zone(time_zone)
        first, last = _EVER if since is None else since, _NEVER if until is None else until
        if first >= last:
            raise LedgerQuestionInvalid("to", format_instant(until), "give an instant after `from`")
        with self._snapshot() as (connection, now, position):
            _require_scheme(connection, by, scheme)
            names: list[str | None] = [None]
            starts = [first]
            if by == "day" or by == "week" or by == "month":
                starts = _starts(connection, by, time_zone, first, last)
                names = [period_named(by, time_zone, start) for start in starts]
            query = _FLOWS.format(key=_KEYS.get(by, "null::text"))
            asked = {"edges": [*starts, last], "first": starts[0], "scheme": scheme}
            found = connection.execute(query.encode(), asked).fetchall()
        flows = [Flow(flow, bucket, key, currency, _sum(*sums)) for flow, bucket, key, currency, *sums in found]
        rows, totals = costs_of(flows, names)
        return Costs(now, position, rows, totals)

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[Connection, int, int]]:
        """With the instant, and the position that the snapshot covers."""
        with self._pool.connection() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            try:
                position = head(connection)
                row = connection.execute("select tierline_peek()").fetchone()
                assert row is not None
                yield connection, row[0], position
            finally:
                connection.rollback()
                connection.isolation_level = None


def _starts(connection: Connection, per: Calendar, time_zone: str, first: int, last: int) -> list[int]:
    """Where the periods begin in which something happened; the first at `first`, if it lies inside."""
    row = connection.execute(_SPAN).fetchone()
    assert row is not None
    begins, ends = max(row[0] or 0, first), min(row[1] or 0, last - 1)
    starts = starts_of_periods(per, time_zone, begins, max(begins, ends))
    return [max(starts[0], first), *starts[1:]]


def _require_one_of(field: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise LedgerQuestionInvalid(field, value, f"give one of {', '.join(known)}")


def _require_zone(time_zone: str) -> None:
    try:
        load_zone(time_zone)
    except ValueError as error:
        raise LedgerQuestionInvalid("time_zone", time_zone, str(error)) from None


def _require_scheme(connection: Connection, by: str, scheme: str | None) -> None:
    if by != "tier":
        return
    if scheme is None:
        raise LedgerQuestionInvalid("scheme", None, "name the scheme whose tiers are meant")
    row = None if "\0" in scheme else connection.execute(_SCHEME, (scheme,)).fetchone()
    if row is None or not row[0]:
        raise UnknownScheme(scheme)


def _sum(units: Any, cost: Any) -> Sum:
    return Sum(int(units), int(cost))


def _owed(key: str | None, currency: str, grants: int, units: Any, cost: Any) -> Owed:
    return Owed(key, currency, grants, _sum(units, cost))


def _added(one: Owed | None, other: Owed) -> Owed:
    if one is None:
        return other
    return Owed(one.key, one.currency, one.grants + other.grants, one.left + other.left)


def _totals(rows: Sequence[Owed]) -> list[Owed]:
    """One of each currency."""
    found: dict[str, Owed] = {}
    for row in rows:
        whole = found.get(row.currency, Owed(None, row.currency, 0, NOTHING))
        found[row.currency] = _added(whole, row)
    return [found[currency] for currency in sorted(found)]


def _account(row: Sequence[Any]) -> AccountState:
    _, name, currency, start, *amounts = row
    return AccountState(name, currency, parse_instant(start) if start else None, *amounts)
