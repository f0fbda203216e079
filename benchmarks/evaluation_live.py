"""Live evaluation in micro-batches, against hand-written SQL for the same features of the same users."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from psycopg import Connection

from application.evaluation.evaluate_due import MICRO_BATCH, EvaluateDue
from application.facts.record_facts import RecordFactStream
from benchmarks.duty_in_sql import DutyInSql
from benchmarks.evaluated import LiveEvaluation
from benchmarks.features_in_live_sql import LiveFeatures, plain_facts
from benchmarks.sample_year import SCHEMES, sealed_year
from benchmarks.stage import Stage
from benchmarks.unrecorded import LiveUnrecorded
from infrastructure.bootstrap import System, build
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.facts.read import facts_of

GOAL = 0.5
_ROUNDS = 5
_HOUSEHOLDS = 1_100  # two full micro-batches a round

Rates = dict[str, list[float]]


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
        rates: Rates = defaultdict(list)
        for number in range(_ROUNDS):
            order_each(system, households, number)
            _round(system, len(schemes) > 1, rates)
    finally:
        system.close()
    rate = {arm: statistics.median(found) for arm, found in rates.items()}
    batches = f"{', '.join(schemes)}: {len(rates['ours'])} micro-batches of {MICRO_BATCH} households, a year and a new order each"
    whole = f"{batches}: locked, read, unsealed, decided, receipts and next due instants made; against"
    figures = [
        _figure(name, rate["ours"], rate["sql"], f"{whole} one Postgres query a batch for the same features"),
        _figure(
            f"{name}_features",
            rate["features"],
            rate["sql"],
            f"{batches}: read, unsealed, features, scores and qualified tier; against the same query",
        ),
    ]
    if "duty" in rate:
        figures += [
            _figure(
                f"{name}_indexed", rate["ours"], rate["indexed"], f"{whole} the same query by the index of subjects"
            ),
            _figure(
                f"{name}_recorded",
                rate["recorded"],
                rate["duty"],
                f"{batches}: all of it, recorded and committed; against one statement a batch that locks, computes the "
                "same features, scores and tier, records changes and states, and commits",
            ),
        ]
    return figures


def _figure(name: str, value: float, baseline: float, note: str) -> dict[str, Any]:
    return {
        "name": name,
        "ratio": round(value / baseline, 3),
        "goal": GOAL,
        "value": round(value),
        "baseline": round(baseline),
        "unit": "users/s",
        "note": note,
    }


def _round(system: System, plain: bool, rates: Rates) -> None:
    """Everybody who is due, batch by batch. The last batch is not full: it is decided, but not counted."""
    ledger = LiveUnrecorded(PostgresEvaluationLedger(system.pool, system.keyring))
    evaluate = EvaluateDue(ledger)  # type: ignore[arg-type]
    pool = system.pool
    with pool.connection() as connection, pool.connection() as other, pool.connection() as third:
        if plain:
            _copy_plain(system, connection)
        sql, features = LiveFeatures(connection, plain), LiveEvaluation(third, system.keyring)
        indexed = None if plain else LiveFeatures(other, plain, indexed=True)
        duty = None if plain else DutyInSql(connection)
        while evaluate(MICRO_BATCH) == MICRO_BATCH:
            batch = ledger.last
            assert batch is not None
            ids, now = [subject.subject_id for subject in batch.work.subjects], batch.work.now - 1
            arms: list[tuple[str, Callable[[], object]]] = [
                ("ours", lambda: evaluate(MICRO_BATCH)),
                ("sql", lambda ids=ids, now=now: sql(ids, now)),
                ("features", lambda ids=ids, now=now: features(ids, now)),
            ]
            if indexed is not None:
                arms.append(("indexed", lambda ids=ids, now=now: indexed(ids, now)))
            for arm, run in arms if len(rates["ours"]) % 2 else arms[::-1]:
                rates[arm].append(_rate(run))
            batch = ledger.last
            assert batch is not None
            sql.check(batch)
            features.check(batch)
            if duty is not None:
                model = duty.take_over(batch)
                rates["duty"].append(_rate(lambda ids=ids, now=now, model=model: duty(ids, now, model)))
                duty.check(batch)
            rates["recorded"].append(_rate(lambda: system.evaluate_due(MICRO_BATCH)))
        other.execute("reset enable_seqscan")
    while system.evaluate_due():
        pass


def _rate(run: Callable[[], object]) -> float:
    """Users a second."""
    started = time.perf_counter()
    run()
    return MICRO_BATCH / (time.perf_counter() - started)


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
