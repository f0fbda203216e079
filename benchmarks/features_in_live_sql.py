"""The features of the shipped models as of now, in one hand-written Postgres query for a micro-batch of users.

The value model's are read from the product's own `facts`. The other two need attributes, which are sealed there: for
all three the query reads a plain table of the same facts, with jsonb and an index by subject, which no seal slows down.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection

from benchmarks.unrecorded import Unrecorded
from domain.tier_model.calendar import calendar_of

_ZONE = "America/New_York"  # of the shipped models
_SINCE = "kind = '{kind}' and occurred_at >= %(from{days})s"
_ORDERS_30, _ORDERS_90, _ORDERS_180 = (_SINCE.format(kind="order", days=days) for days in (30, 90, 180))
_COUPONS_90, _COUPONS_180 = (
    _SINCE.format(kind="interaction", days=days) + " and attributes ->> 'type' = 'coupon_redemption'"
    for days in (90, 180)
)
_LAST = "to_timestamp(max(occurred_at) filter (where kind = 'order') / 1e6) at time zone '" + _ZONE + "'"
VALUE = f"""
       %(today)s - (({_LAST})::date - date '1970-01-01') as recency,
       count(*) filter (where {_ORDERS_90}) as frequency,
       (coalesce(sum(amount) filter (where {_ORDERS_90}), 0)
        - coalesce(sum(amount) filter (where {_SINCE.format(kind="refund", days=90)}), 0))::bigint as spend
"""
_LATEST = """(array_agg(attributes ->> '{name}' order by occurred_at desc)
        filter (where kind = 'profile' and attributes ? '{name}'))[1]"""
_ALL = f"""{VALUE},
       %(today)s - (({_LAST})::date - date '1970-01-01') as last_order,
       count(*) filter (where {_ORDERS_30}) as orders_30, count(*) filter (where {_ORDERS_90}) as orders_90,
       count(*) filter (where {_COUPONS_90}) as coupons,
       count(distinct attributes ->> 'campaign_id') filter (where {_SINCE.format(kind="touch", days=90)}) as campaigns,
       {_LATEST.format(name="age")} as age_band, {_LATEST.format(name="income")} as income,
       {_LATEST.format(name="household_size")} as household_size, {_LATEST.format(name="kids_count")} as kids,
       sum(amount) filter (where {_ORDERS_180}) / nullif(count(*) filter (where {_ORDERS_180}), 0)::float8 as basket,
       max(amount) filter (where {_ORDERS_180}) as largest, count(*) filter (where {_ORDERS_180}) as orders,
       count(distinct attributes ->> 'store_id') filter (where {_ORDERS_180}) as stores,
       count(*) filter (where {_COUPONS_180}) as coupons_180
"""
_QUERY = """
select subject_id, {features} from {facts}
where subject_id = any(%(subjects)s::uuid[]) and occurred_at <= %(now)s and known_at <= %(now)s group by subject_id
"""
_PLAIN = """
create table plain_facts (subject_id uuid, kind text, occurred_at bigint, known_at bigint, amount bigint,
                          attributes jsonb)
"""


class LiveFeatures:
    """The query, on a connection of its own. plain: all three models' features out of `plain_facts`.

    alone: by one process of the server, and by the index of subjects, as it is done where a batch is a small part of
    the users. In a table of 1,100 users, half of whom are asked for, reading all of it with two further processes is
    quicker.
    """

    def __init__(self, connection: Connection, plain: bool, *, alone: bool = False) -> None:
        self._connection, self._plain = connection, plain
        if alone:
            connection.execute("set max_parallel_workers_per_gather = 0")
            connection.execute("set enable_seqscan = off")
        self._query = _QUERY.format(features=_ALL if plain else VALUE, facts="plain_facts" if plain else "facts")
        self._answer: list[tuple[Any, ...]] = []
        self._names: list[str] = []

    def __call__(self, subjects: Sequence[UUID], now: int) -> None:
        """Ask for these users' features as of the instant, and take the answer in."""
        calendar = calendar_of(_ZONE)
        today = calendar.day_of(now)
        since = {f"from{days}": calendar.midnight_of(today - days + 1) for days in (30, 90, 180)}
        parameters = {"subjects": list(subjects), "now": now, "today": today, **since}
        cursor = self._connection.execute(self._query.encode(), parameters, binary=True)
        self._answer = cursor.fetchall()
        self._names = [column.name for column in cursor.description or ()]

    def check(self, decided: Unrecorded) -> None:
        """Both arms must have found the same. Raises AssertionError."""
        assert decided.result is not None
        found = {row[0]: dict(zip(self._names, row, strict=True)) for row in self._answer}
        for subject, one in zip(decided.work.subjects, decided.result.decided, strict=True):
            mine = found[subject.subject_id]
            for scheme, scopes in one.observation.schemes.items():
                for name, value in scopes[""].features.items():
                    other = mine["coupons_180" if (scheme, name) == ("feature", "coupons") else name]
                    assert value == other, (scheme, name, value, other)


def plain_facts(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
    """The facts as before they were sealed. rows: subject, kind, occurred_at, known_at, amount, attributes."""
    connection.execute(_PLAIN)
    with connection.cursor().copy("copy plain_facts from stdin") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute("create index on plain_facts (subject_id, occurred_at)")
    connection.execute("analyze plain_facts")
