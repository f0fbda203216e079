"""NDJSON facts to durable rows, against raw COPY of prebuilt rows into the same partitions and indexes."""

import json
import random
import statistics
import time
from collections.abc import Iterator
from typing import Any

import psycopg

from application.facts.record_facts import RecordFactsHandler, RecordFactStream
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.facts.fact_log import PostgresFactLog
from infrastructure.garbage import collect_rarely
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.pool import open_pool
from infrastructure.security.keyring import Keyring

GOAL = 0.3
_ROUNDS = 3
_COLUMNS = "subject_id, source, fact_id, kind, occurred_at, known_at, amount, currency, sealed, content_hash, chain"


def facts_ndjson(dsn: str, facts: int = 30_000, users: int = 3_000) -> dict[str, Any]:
    """Measure in the database of `dsn`, which should be empty. Medians of some rounds, alternating."""
    migrate(dsn)
    collect_rarely()  # as every process of the product does
    pool = open_pool(dsn, name="bench-facts")
    handler = RecordFactsHandler(PostgresFactLog(pool, Keyring(bytes(range(32)))), PostgresFactKinds(pool))
    rates: list[float] = []
    raw_rates: list[float] = []
    try:
        handler.stream(RecordFactStream(_lines(0, users, users)))  # users exist, caches are warm
        for number in range(1, _ROUNDS + 1):
            lines = list(_lines(number, facts, users))
            started = time.perf_counter()
            answer = handler.stream(RecordFactStream(lines))
            rates.append(facts / (time.perf_counter() - started))
            assert answer.accepted == facts, answer.rejected[:1]
            raw_rates.append(_copy_again(dsn, number))
    finally:
        pool.close()
    value, baseline = statistics.median(rates), statistics.median(raw_rates)
    return {
        "name": "facts_ndjson",
        "ratio": round(value / baseline, 3),
        "goal": GOAL,
        "value": round(value),
        "baseline": round(baseline),
        "unit": "facts/s",
        "note": f"{facts} NDJSON facts of {users} users to durable, against psycopg COPY of the rows they became",
    }


def _lines(number: int, facts: int, users: int) -> Iterator[bytes]:
    """Orders, one JSON text a fact."""
    draw = random.Random(number)
    for index in range(facts):
        fact = {
            "fact_id": f"order-{number}-{index}",
            "source": "shop",
            "user_id": f"user-{index if number == 0 else draw.randrange(users)}",
            "kind": "order",
            "occurred_at": f"2026-03-{1 + index % 28:02d}T08:00:00Z",
            "amount": 1000 + index % 9000,
            "currency": "CNY",
            "attributes": {"channel": "app", "merchant_id": f"m{index % 40}"},
        }
        yield json.dumps(fact).encode()


def _copy_again(dsn: str, number: int) -> float:
    """Rows a second when the same rows, built beforehand, go in again under other ids by one raw COPY."""
    with psycopg.connect(dsn) as connection:
        query = f"select {_COLUMNS} from facts where fact_id like %s order by position"
        rows = [(*row[:1], "raw", *row[2:]) for row in connection.execute(query, (f"order-{number}-%",))]
        started = time.perf_counter()
        with connection.cursor().copy(f"copy facts ({_COLUMNS}) from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        connection.commit()
        return len(rows) / (time.perf_counter() - started)
