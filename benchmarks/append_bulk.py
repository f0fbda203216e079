"""Bulk append of sealed events against a raw COPY of the same rows into the same partitions and indexes."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from benchmarks.ledger_rows import MASTER_KEY, RECORDED_AT, enrol, tier_changed
from benchmarks.raw import raw_table
from benchmarks.stage import Stage
from domain.user_tier.decisions import NewEvent
from infrastructure.event_store.bulk import BulkAppender, Stream
from infrastructure.event_store.rows import EventRow, seal_event
from infrastructure.event_store.subjects import SubjectRef
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.pool import Pool, open_pool
from infrastructure.security.keyring import Keyring

GOAL = 0.5
_ROUNDS = 5
_EVENTS_A_STREAM = 10
_TYPES = ["uuid", "int4", *["text"] * 5, "int8", "int8", *["text"] * 3, "bytea"]  # of EventRow


def append_bulk(stage: Stage, events: int = 50_000) -> dict[str, Any]:
    """Medians of some rounds, alternating. Both arms begin with sealed rows in memory and end with a commit."""
    dsn = stage.database()
    migrate(dsn)
    ours, raw, with_sealing = [], [], []
    with open_pool(dsn, name="bench-bulk") as pool, psycopg.connect(dsn) as connection:
        raw_table(connection, "events")
        connection.commit()
        refs = enrol(pool, Keyring(MASTER_KEY), events // _EVENTS_A_STREAM)
        for number in range(2 * _ROUNDS):
            news = [_stream(ref, number * _EVENTS_A_STREAM) for ref in refs]
            if number % 2:
                with_sealing.append(events / _timed(_append_sealing, pool, refs, news))
                continue
            rows = _sealed(refs, news)
            ours.append(events / _timed(_append, pool, rows))
            raw.append(events / _timed(_copy, connection, [row for stream in rows for row in stream]))
    value, baseline = statistics.median(ours), statistics.median(raw)
    return {
        "name": "append_bulk",
        "ratio": round(value / baseline, 3),
        "goal": GOAL,
        "value": round(value),
        "baseline": round(baseline),
        "unit": "events/s",
        "note": f"{events} sealed events in chunks under the order lock, encoding included, against one psycopg COPY "
        f"of the same rows; checking and sealing included: {round(statistics.median(with_sealing))} events/s",
    }


def _stream(ref: SubjectRef, after: int) -> list[NewEvent]:
    return [tier_changed(ref, after + number) for number in range(1, _EVENTS_A_STREAM + 1)]


def _sealed(refs: Sequence[SubjectRef], news: Sequence[list[NewEvent]]) -> list[list[EventRow]]:
    return [[seal_event(new, ref.seal, RECORDED_AT) for new in stream] for ref, stream in zip(refs, news, strict=True)]


def _append(pool: Pool, rows: Sequence[list[EventRow]]) -> None:
    BulkAppender(pool).append(Stream(stream) for stream in rows)


def _append_sealing(pool: Pool, refs: Sequence[SubjectRef], news: Sequence[list[NewEvent]]) -> None:
    pairs = zip(refs, news, strict=True)
    BulkAppender(pool).append(Stream([seal_event(new, ref.seal, RECORDED_AT) for new in new_]) for ref, new_ in pairs)


def _copy(connection: psycopg.Connection, rows: Sequence[EventRow]) -> None:
    """One COPY in the binary format, the quicker of psycopg's two for these rows."""
    statement = f"copy raw_events ({', '.join(EventRow._fields)}) from stdin (format binary)"
    with connection.cursor().copy(statement.encode()) as copy:
        copy.set_types(_TYPES)
        for row in rows:
            copy.write_row(row)
    connection.commit()


def _timed(work: Callable[..., None], *arguments: Any) -> float:
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started
