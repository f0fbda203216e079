"""A version coming into force for everybody: against reading and evaluating the same users, and COPY of the rows."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
from psycopg import Connection

from application.evaluation.evaluate_due import EvaluateDue
from application.facts.open_history import OpenHistory
from application.facts.record_facts import RecordFactStream
from application.facts.seal_history import SealHistory
from benchmarks.evaluation_scaling import FACTS, MODEL, lines
from benchmarks.history import PROCESSES, Share, decided, peak_mb
from benchmarks.raw import raw_table
from benchmarks.sample_year import activate
from benchmarks.stage import Stage
from domain.tier_model.compiled import compiled_model
from domain.tier_model.model_columns import ModelColumns
from domain.tier_model.spans import points_of
from infrastructure.bootstrap import System, build
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.evaluation.work import LockedWork
from infrastructure.event_store.copy_rows import (
    COPY_EVENTS,
    COPY_OBSERVATIONS,
    encode_events,
    encode_observations,
    framed,
)
from infrastructure.event_store.rows import EventRow, ObservationRow
from infrastructure.facts.read import facts_of
from infrastructure.settings import Settings

GOAL = 0.5  # within twice the baseline's time
GOAL_PEAK_MB = 2_000
GOAL_LIVE = 0.9  # of the live throughput without an activation
_USERS, _USERS_FULL = 50_000, 1_000_000
_CHUNK = 1_000
_LIVE_SECONDS, _LIVE_USERS = 4.0, 40_000
_CHANGED = MODEL.replace("[5000, 12000]", "[6000, 14000]")
_AGAIN = MODEL.replace("[5000, 12000]", "[5500, 13000]")
_EVENTS, _OBSERVATIONS = (one.replace("copy ", "copy raw_", 1) for one in (COPY_EVENTS, COPY_OBSERVATIONS))


def activation(stage: Stage) -> list[dict[str, Any]]:
    """One run: users with four facts each, on a version that moves some of them; then the same with facts arriving."""
    users = _USERS_FULL if stage.full else _USERS
    settings = stage.settings()
    system = build(settings)
    try:
        _prepare(system, settings, users)
        events = _count(system, "events")
        activate(system, _CHANGED)
        seconds, shares = in_processes(_reach_all, settings)
        behind = _count(system, "timelines where generation < (select max(generation) from activations)")
        assert behind == 0, f"{behind} users were not reached"
        events = _count(system, "events") - events
        bare, _ = in_processes(_bare, settings)
        alone = _live(system)
        activate(system, _AGAIN)
        meanwhile = _live(system)
        still = _count(system, "timelines where generation < (select max(generation) from activations)")
    finally:
        system.close()
    peak = max(share.peak_mb for share in shares)
    return [
        {
            "name": "activation",
            "ratio": round(bare / seconds, 3),
            "goal": GOAL,
            "value": round(users / seconds),
            "baseline": round(users / bare),
            "unit": "users/s",
            "note": f"{users} users by {PROCESSES} processes in {seconds:.1f} s: read, decided at the activation's "
            f"instant, {events} events and all observations sealed and recorded; against the same processes reading "
            "the same facts, evaluating the columns at one instant, and raw COPY of as many rows of the same size into "
            f"the same partitions and indexes, in {bare:.1f} s",
        },
        {
            "name": "activation_memory",
            "ratio": round(GOAL_PEAK_MB / peak, 2),
            "goal": 1.0,
            "value": round(peak),
            "baseline": GOAL_PEAK_MB,
            "unit": "MB",
            "note": "the larger of the deciding processes at its peak, resident; the ratio is goal over value",
        },
        {
            "name": "activation_live",
            "ratio": round(meanwhile / alone, 3),
            "goal": GOAL_LIVE,
            "value": round(meanwhile),
            "baseline": round(alone),
            "unit": "users/s",
            "note": "live users decided a second by one worker that always has more of them, while an activation has "
            f"to reach everybody else ({still} were left at the end); against the same worker with nothing else to do",
        },
    ]


def _prepare(system: System, settings: Settings, users: int) -> None:
    """Everybody on the first version."""
    activate(system, MODEL)
    session = system.open_history(OpenHistory("bench")).history_id
    answer = system.record_facts.stream(RecordFactStream(lines(users), session))
    assert answer.accepted == users * FACTS, answer.rejected[:1]
    system.seal_history(SealHistory(session, "bench"))
    decided(settings)
    with system.pool.connection() as connection:
        raw_table(connection, "events")
        raw_table(connection, "observations")
    with system.pool.connection() as connection:
        connection.autocommit = True
        connection.execute("vacuum analyze")
        connection.autocommit = False


def in_processes(work: Callable[..., None], settings: Settings) -> tuple[float, list[Share]]:
    """Seconds from the word to begin until the last has ended, and what each did."""
    context = multiprocessing.get_context("spawn")
    begin, shares = context.Barrier(PROCESSES + 1), context.Queue()
    processes = [context.Process(target=work, args=(settings, begin, shares, n)) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    begin.wait(120)
    began = time.time()
    done = [Share(*shares.get(timeout=3_600)) for _ in processes]
    for process in processes:
        process.join()
    return max(share.ended_at for share in done) - began, done


def _reach_all(settings: Settings, begin: Barrier, shares: "Queue[Share]", _number: int) -> None:
    """One worker's process: until an activation has reached everybody."""
    system = build(settings)
    try:
        begin.wait(120)
        started, users = time.process_time(), 0
        while found := system.evaluate_due():
            users += found
        ended_at = time.time()
    finally:
        system.close()
    shares.put(Share(users, users, ended_at, peak_mb(), time.process_time() - started))


def _bare(settings: Settings, begin: Barrier, shares: "Queue[Share]", number: int) -> None:
    """One process's part of the users: their facts read, the columns evaluated, rows copied."""
    system = build(settings)
    try:
        (spec, version), ids, (event, seen, share) = _for_bare(system, number)
        model = compiled_model(spec, version)
        begin.wait(120)
        started, written = time.process_time(), 0.0
        with system.pool.connection() as connection:
            for first in range(0, len(ids), _CHUNK):
                chunk = ids[first : first + _CHUNK]
                table = facts_of(connection, chunk, system.keyring, frozenset({"profile"}), with_lines=False)
                instants = np.full(len(chunk), time.time_ns() // 1_000, dtype=np.int64)
                ModelColumns(model, table).evaluate(points_of(np.arange(len(chunk), dtype=np.int32), instants))
                written += share * len(chunk)
                rows, written = int(written), written % 1
                _copy(connection, _EVENTS, encode_events(event._replace(originator_id=id_) for id_ in chunk[:rows]))
                _copy(connection, _OBSERVATIONS, encode_observations(seen._replace(subject_id=id_) for id_ in chunk))
                connection.commit()
        ended_at = time.time()
    finally:
        system.close()
    shares.put(Share(len(ids), len(ids), ended_at, peak_mb(), time.process_time() - started))


def _for_bare(
    system: System, number: int
) -> tuple[tuple[str, int], list[UUID], tuple[EventRow, ObservationRow, float]]:
    """The version in force, this process's users, rows of the size that an event and an observation have, and how
    many events a user has of the activation."""
    view = next(view for view in system.tier_models.versions("value") if view.status == "active")
    with system.pool.connection() as connection:
        ids = [row[0] for row in connection.execute("select subject_id from timelines order by 1", binary=True)]
        body = connection.execute("select avg(length(body))::int from observations").fetchone()
        state = connection.execute(
            "select avg(length(state))::int, count(*) from events where effective_at = %s", (view.activated_at,)
        ).fetchone()
    assert body is not None and state is not None
    size = len(ids) // PROCESSES + 1
    share = state[1] / len(ids)
    mine = ids[number * size : (number + 1) * size]
    spec, at, topic = msgspec.json.encode(view.spec).decode(), view.activated_at or 0, "user-tier.tier-changed.v1"
    event = EventRow(mine[0], 1, topic, "value", "", "low", "mid", at, at, "evaluator", "", "", bytes(state[0] or 1))
    return (spec, view.version), mine, (event, ObservationRow(mine[0], 1, at, at, bytes(body[0])), share)


def _copy(connection: Connection, statement: str, rows: bytes) -> None:
    with connection.cursor().copy(statement.encode()) as copy:
        copy.write(framed(rows))


class _Counted:
    """The ledger, counting who is decided because they are due."""

    def __init__(self, ledger: PostgresEvaluationLedger) -> None:
        self._ledger, self.due = ledger, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    @contextmanager
    def take_due(self, limit: int) -> Iterator[LockedWork | None]:
        """As the ledger does."""
        with self._ledger.take_due(limit) as taken:
            yield taken
            self.due += len(taken.rows) if taken is not None else 0


def _live(system: System) -> float:
    """Users a second, decided because they are due, by a worker that has no rest."""
    with system.pool.connection() as connection:
        connection.execute(
            "update timelines set due_at = 1 where subject_id in (select subject_id from timelines limit %s)",
            (_LIVE_USERS,),
        )
    ledger = _Counted(PostgresEvaluationLedger(system.pool, system.keyring))
    evaluate = EvaluateDue(ledger)
    evaluate()
    ledger.due, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < _LIVE_SECONDS:
        evaluate()
    assert _count(system, "timelines where due_at = 1"), "there were too few to be decided"
    return ledger.due / elapsed


def _count(system: System, of: str) -> int:
    with system.pool.connection() as connection:
        row = connection.execute(f"select count(*) from {of}".encode()).fetchone()
    return int(row[0]) if row else 0
