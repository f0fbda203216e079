"""The features of the three shipped models in plain DuckDB SQL: nothing decided, nothing recorded, all in memory."""

import time
from pathlib import Path

import duckdb

_DAY = 86_400_000_000

_FACTS = """
create table fact as
select user_id, kind, epoch_us(occurred_at) as moment, amount, attributes ->> '$.store_id' as store,
       attributes ->> '$.campaign_id' as campaign, attributes ->> '$.type' as type, attributes ->> '$.age' as age,
       attributes ->> '$.income' as income, attributes ->> '$.household_size' as size,
       attributes ->> '$.kids_count' as kids
from read_json('{file}', format = 'newline_delimited', columns = {{user_id: 'VARCHAR', kind: 'VARCHAR',
               occurred_at: 'TIMESTAMP', amount: 'BIGINT', attributes: 'JSON'}})
"""
# Points of each household, evenly spaced over the year; windows begin at UTC midnights.
_POINTS = """
create table point as
select user_id, moment, moment // {day} as day, (moment // {day} - 29) * {day} as from30,
       (moment // {day} - 89) * {day} as from90, (moment // {day} - 179) * {day} as from180
from (select distinct user_id from fact),
     (select first + (last - first) // {each} * number as moment
      from (select min(moment) as first, max(moment) as last from fact),
           unnest(generate_series(1, {each})) as t (number))
"""
# Within a window a count or a sum is a difference of running ones.
_RUNNING = """
create table {name} as
select user_id, moment, sum(count(*)) over upto as number, sum(sum(amount)) over upto as total
from fact where {where} group by user_id, moment window upto as (partition by user_id order by moment)
"""
_UPTO = "asof left join {table} {name} on p.user_id = {name}.user_id and p.{at} {sign} {name}.moment"
_COUNT = "coalesce({name}.number, 0) - coalesce({name}_before.number, 0)"

_VALUE = f"""
select p.user_id, p.moment, p.day - o.moment // {_DAY} as recency, {_COUNT.format(name="o")} as frequency,
       coalesce(o.total, 0) - coalesce(o_before.total, 0) as spend
from point p
{_UPTO.format(table="orders", name="o", at="moment", sign=">=")}
{_UPTO.format(table="orders", name="o_before", at="from90", sign=">")}
"""
_BEHAVIOUR = f"""
select p.user_id, p.moment, p.day - o.moment // {_DAY} as last_order,
       coalesce(o.number, 0) - coalesce(o30_before.number, 0) as orders_30, {_COUNT.format(name="o")} as orders_90,
       {_COUNT.format(name="c")} as coupons, coalesce(t.campaigns, 0) as campaigns
from point p
{_UPTO.format(table="orders", name="o", at="moment", sign=">=")}
{_UPTO.format(table="orders", name="o30_before", at="from30", sign=">")}
{_UPTO.format(table="orders", name="o_before", at="from90", sign=">")}
{_UPTO.format(table="coupons", name="c", at="moment", sign=">=")}
{_UPTO.format(table="coupons", name="c_before", at="from90", sign=">")}
left join (
    select p.user_id, p.moment, count(distinct f.campaign) as campaigns
    from point p join fact f on f.user_id = p.user_id and f.kind = 'touch' and f.moment between p.from90 and p.moment
    group by all) t on t.user_id = p.user_id and t.moment = p.moment
"""
_FEATURE = f"""
select p.user_id, p.moment, d.age, d.income, d.size, d.kids, w.largest, coalesce(w.stores, 0) as stores,
       (o.total - coalesce(o_before.total, 0)) / nullif({_COUNT.format(name="o")}, 0)::double as basket,
       {_COUNT.format(name="o")} as orders, {_COUNT.format(name="c")} as coupons
from point p
{_UPTO.format(table="orders", name="o", at="moment", sign=">=")}
{_UPTO.format(table="orders", name="o_before", at="from180", sign=">")}
{_UPTO.format(table="coupons", name="c", at="moment", sign=">=")}
{_UPTO.format(table="coupons", name="c_before", at="from180", sign=">")}
{_UPTO.format(table="(select * from fact where kind = 'profile')", name="d", at="moment", sign=">=")}
left join (
    select p.user_id, p.moment, max(f.amount) as largest, count(distinct f.store) as stores
    from point p join fact f on f.user_id = p.user_id and f.kind = 'order' and f.moment between p.from180 and p.moment
    group by all) w on w.user_id = p.user_id and w.moment = p.moment
"""


def features_a_second(facts: Path, points: int, schemes: int = 3) -> tuple[float, int]:
    """(points a second, points): households' features on so many schemes at about so many instants a scheme.

    Reading the file is not counted; DuckDB uses every core.
    """
    with duckdb.connect() as connection:
        connection.execute("set enable_progress_bar = false")
        connection.execute(_FACTS.format(file=facts))
        (households,) = connection.execute("select count(distinct user_id) from fact").fetchone() or (1,)
        started = time.perf_counter()
        connection.execute(_POINTS.format(day=_DAY, each=max(points // households, 1)))
        connection.execute(_RUNNING.format(name="orders", where="kind = 'order'"))
        if schemes > 1:
            coupons = "kind = 'interaction' and type = 'coupon_redemption'"
            connection.execute(_RUNNING.format(name="coupons", where=coupons))
        for number, features in enumerate((_VALUE, _BEHAVIOUR, _FEATURE)[:schemes]):
            connection.execute(f"create table features_{number} as {features}")
        seconds = time.perf_counter() - started
        (computed,) = connection.execute(f"select {schemes} * count(*) from point").fetchone() or (0,)
    return computed / seconds, computed
