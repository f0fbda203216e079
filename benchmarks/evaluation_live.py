"""Live evaluation in micro-batches, against hand-written SQL for the same features of the same users."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
from psycopg import Connection

from application.evaluation.evaluate_due import MICRO_BATCH, EvaluateDue
from application.facts.record_facts import RecordFactStream
from benchmarks.duty_in_sql import DutyInSql
from benchmarks.evaluated import LiveEvaluation
from benchmarks.features_in_live_sql import LiveFeatures, plain_facts
from benchmarks.processor import Processor
from benchmarks.sample_year import SCHEMES, sealed_year
from benchmarks.stage import Stage
from benchmarks.unrecorded import LiveUnrecorded
from infrastructure.bootstrap import System, build
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.facts.read import facts_of

GOAL = 0.5
_ROUNDS = 5
_HOUSEHOLDS = 1_100  # two full micro-batches a round

# By arm, of each micro-batch: seconds by the clock, and of processor time.
Times = dict[str, list[tuple[float, float]]]


def evaluation_live(stage: Stage) -> list[dict[str, Any]]:
    """Figures of the value model, and of the three shipped models together."""
    return [*_measured(stage, "evaluation_live", ("value",)), *_measured(stage, "evaluation_live_three", SCHEMES)]


def _measured(stage: Stage, name: str, schemes: Sequence[str]) -> list[dict[str, Any]]:
    """Medians over ten micro-batches. The arms take turns on the same users, and in who comes first."""
    system = build(stage.settings())
    try:
        households = sealed_year(system, schemes, _HOUSEHOLDS).users.read_text().split()
        while system.evaluate_due.decide_history()[0]:
            pass
        times: Times = defaultdict(list)
        for number in range(_ROUNDS):
            order_each(system, households, number)
            _round(system, len(schemes) > 1, times)
    finally:
        system.close()
    batches = f"{', '.join(schemes)}: {len(times['ours'])} micro-batches of {MICRO_BATCH} households, a year and a new"
    whole = f"{batches} order each: locked, read, unsealed, decided, receipts and next due instants made; against"
    figures = [
        _figure(name, times, "ours", "sql", f"{whole} one Postgres query a batch for the same features"),
        _figure(
            f"{name}_alone",
            times,
            "ours",
            "alone",
            f"{whole} the same query by one process, by the index of subjects, in processor time",
            processor=True,
        ),
        _figure(
            f"{name}_features",
            times,
            "features",
            "alone",
            f"{batches} order each: read, unsealed, features, scores and qualified tier; against the same, in "
            "processor time",
            processor=True,
        ),
    ]
    if "duty" in times:
        figures.append(
            _figure(
                f"{name}_recorded",
                times,
                "recorded",
                "duty",
                f"{batches} order each: all of it, recorded and committed; against one statement a batch that locks, "
                "computes the same features, scores and tier, records what changes and where everybody stands, and "
                "commits",
            )
        )
    return figures


def _figure(name: str, times: Times, arm: str, against: str, note: str, *, processor: bool = False) -> dict[str, Any]:
    (mine, my_work), (other, other_work) = (
        [statistics.median(column) for column in zip(*times[which], strict=True)] for which in (arm, against)
    )
    value, baseline = (my_work, other_work) if processor else (mine, other)
    return {
        "name": name,
        "ratio": round(baseline / value, 3),
        "goal": GOAL,
        "value": round(MICRO_BATCH / value),
        "baseline": round(MICRO_BATCH / baseline),
        "unit": "users/s of processor time" if processor else "users/s",
        "note": f"{note}; a batch {mine * 1e3:.0f} ms, of processor time {my_work * 1e3:.0f}; against "
        f"{other * 1e3:.0f} and {other_work * 1e3:.0f}",
    }


def _round(system: System, plain: bool, times: Times) -> None:
    """Everybody who is due, batch by batch. The last batch is not full: it is decided, but not counted."""
    ledger = LiveUnrecorded(PostgresEvaluationLedger(system.pool, system.keyring))
    evaluate = EvaluateDue(ledger)  # type: ignore[arg-type]
    with ExitStack() as stack:
        # Of the arms each has a connection of its own, outside the pool, whose limits are for short work.
        watching, first, second, third = (
            stack.enter_context(psycopg.connect(system.pool.conninfo, autocommit=True)) for _ in range(4)
        )
        if plain:
            _copy_plain(system, first)
        sql, alone = LiveFeatures(first, plain), LiveFeatures(second, plain, alone=True)
        features, processor = LiveEvaluation(third, system.keyring), Processor(watching)
        duty = None if plain else DutyInSql(first)
        while evaluate(MICRO_BATCH) == MICRO_BATCH:
            batch = ledger.last
            assert batch is not None
            ids, now = [subject.subject_id for subject in batch.work.subjects], batch.work.now - 1
            arms: list[tuple[str, Callable[[], object]]] = [
                ("ours", lambda: evaluate(MICRO_BATCH)),
                ("sql", lambda ids=ids, now=now: sql(ids, now)),
                ("alone", lambda ids=ids, now=now: alone(ids, now)),
                ("features", lambda ids=ids, now=now: features(ids, now)),
            ]
            for arm, run in arms if len(times["ours"]) % 2 else arms[::-1]:
                times[arm].append(_timed(run, processor))
            batch = ledger.last
            assert batch is not None
            for found in (sql, alone, features):
                found.check(batch)
            if duty is not None:
                model = duty.take_over(batch)
                times["duty"].append(_timed(lambda ids=ids, now=now, model=model: duty(ids, now, model), processor))
                duty.check(batch)
            times["recorded"].append(_timed(lambda: system.evaluate_due(MICRO_BATCH), processor))
    while system.evaluate_due():
        pass


def _timed(run: Callable[[], object], processor: Processor) -> tuple[float, float]:
    worked, started = processor(), time.perf_counter()
    run()
    return time.perf_counter() - started, processor() - worked


def order_each(system: System, households: Sequence[str], number: int) -> None:
    """A new order of everybody, known now: everybody is due."""
    orders = (
        msgspec.json.encode(
            {
                "fact_id": f"live-{number}",
                "source": "shop",
                "user_id": household,
                "kind": "order",
                "occurred_at": datetime.now(UTC).isoformat(),
                "amount": 1_000 + 37 * index % 9_000,
                "currency": "USD",
                "attributes": {"store_id": str(index % 40)},
            }
        )
        for index, household in enumerate(households)
    )
    answer = system.record_facts.stream(RecordFactStream(orders))
    assert answer.accepted == len(households), answer.rejected[:1]


def _copy_plain(system: System, connection: Connection) -> None:
    """Every fact once more, unsealed, into a table of its own, in the order in which they came."""
    connection.execute("drop table if exists plain_facts")
    ids = [row[0] for row in connection.execute("select subject_id from timelines").fetchall()]
    table = facts_of(connection, ids, system.keyring, None, with_lines=False)
    rows = [
        (
            ids[table.subject[row]],
            table.kinds[table.kind[row]],
            int(table.occurred_at[row]),
            int(table.known_at[row]),
            int(table.amount[row]) if table.amount_valid[row] else None,
            msgspec.json.encode(table.attributes[row] or {}).decode(),
        )
        for row in table.position.argsort().tolist()
    ]
    plain_facts(connection, rows)
