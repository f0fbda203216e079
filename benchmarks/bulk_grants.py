"""A bulk grant recorded, against one raw COPY of the same rows of events and grants."""

import time
from collections.abc import Sequence
from functools import partial
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from application.bulk_grants.listing import listed_ids
from application.bulk_grants.ports import BulkWanted
from application.facts.open_history import OpenHistory
from application.facts.record_facts import RecordFactStream
from application.facts.seal_history import SealHistory
from benchmarks.activation import in_processes
from benchmarks.evaluation_scaling import FACTS, MODEL, lines
from benchmarks.history import PROCESSES, Share, decided, peak_mb
from benchmarks.sample_year import activate
from benchmarks.stage import Stage
from domain.benefits.spec import BenefitSpec, content_hash, spec_to_json
from infrastructure.bootstrap import System, build
from infrastructure.settings import Settings

GOAL_A_SECOND = 10_000
_USERS, _USERS_FULL = 40_000, 400_000
_BENEFIT: dict[str, Any] = {
    "benefit": "coupon-10",
    "kind": "coupon",
    "labels": {"zh-CN": "十元券", "en": "Ten off"},
    "currency": "USD",
    "time_zone": "UTC",
    "unit_cost": 1000,
    "details": {"amount_off": 1000},
    "validity": {"from_grant": "30 days"},
    "budget": "spring",
    "stock": 10_000_000,
}
_RAW_TABLES = """
create table raw_events (like events including defaults including indexes) partition by hash (originator_id);
do $$ begin
    for part in 0..7 loop
        execute format('create table raw_events_p%s partition of raw_events for values with (modulus 8, remainder %s)',
                       part, part);
    end loop;
end $$;
create table raw_grants (like grants including all);
"""
_EVENTS = "originator_id, originator_version, position, topic, effective_at, recorded_at, actor, command_id, state"
_GRANTS = """
grant_id, subject_id, benefit, benefit_version, kind, units, unit_cost, currency, accounts, tiers, cause, campaign,
run_id, granted_at, expires_at
"""
_OF_PROCESS = "{subject} in (select subject_id from timelines where uuid_hash(subject_id) & 1 = {number})"


def bulk_grants(stage: Stage) -> dict[str, Any]:
    """One run of either arm, each by two processes, one arm after the other."""
    users = _USERS_FULL if stage.full else _USERS
    settings = stage.settings()
    system = build(settings)
    try:
        run_id = _prepare(system, settings, users)
        seconds, shares = in_processes(partial(_grant, run_id), settings)
        view = system.bulk_grants.store.get(run_id)
        assert (view.state, view.progress.granted) == ("finished", users), view
        with psycopg.connect(system.urls["postgres"]) as connection:
            connection.execute(_RAW_TABLES.encode())
        bare, _ = in_processes(_copy, settings)
    finally:
        system.close()
    value, baseline = users / seconds, users / bare
    processor = sum(share.cpu_seconds for share in shares) / users * 1e6
    return {
        "name": "bulk_grants",
        "ratio": round(value / baseline, 3),
        "goal": round(GOAL_A_SECOND / baseline, 3),
        "value": round(value),
        "baseline": round(baseline),
        "unit": "grants/s",
        "note": f"{users} members by {PROCESSES} processes in {seconds:.1f} s ({processor:.0f} µs of processor "
        "time each, the server's left out): standings read, budget and stock "
        "charged, events sealed, grants, events, timelines and progress recorded in chunks under the order lock; "
        f"against the same processes and one psycopg COPY each of the same rows of grants and events into tables with "
        f"the same indexes, in {bare:.1f} s; the goal is {GOAL_A_SECOND} grants/s",
    }


def _prepare(system: System, settings: Settings, users: int) -> str:
    """Everybody decided; a bulk grant to all of them, previewed and started."""
    activate(system, MODEL)
    session = system.open_history(OpenHistory("bench")).history_id
    answer = system.record_facts.stream(RecordFactStream(lines(users), session))
    assert answer.accepted == users * FACTS, answer.rejected[:1]
    system.seal_history(SealHistory(session, "bench"))
    decided(settings)
    with system.pool.connection() as connection:
        _put_in_force(connection)
        names = [row[0] for row in connection.execute("select user_id from user_ids").fetchall()]
    with system.pool.connection() as connection:
        connection.autocommit = True
        connection.execute("vacuum analyze")
        connection.autocommit = False
    wanted = BulkWanted("coupon-10", {"listed": len(names)}, reason="benchmark")
    run_id = system.bulk_grants.plan(wanted, listed_ids(names), "bench").run_id
    assert system.bulk_grants.perform(run_id)
    system.bulk_grants.start(run_id, "bench")
    return run_id


def _put_in_force(connection: psycopg.Connection) -> None:
    """As an activation leaves it."""
    spec = BenefitSpec.model_validate(_BENEFIT)
    connection.execute(
        "insert into budgets (budget, amount, currency, time_zone, status, changed_at)"
        " values ('spring', 1000000000000, 'USD', 'UTC', 'open', 0)"
    )
    connection.execute(
        "insert into accounts (account, allowed) values ('budget:spring', 1000000000000), ('stock:coupon-10', %s)",
        (spec.stock,),
    )
    connection.execute(
        "insert into benefits (benefit, version, status, spec, content_hash, created_at, created_by, activated_at)"
        " values ('coupon-10', 1, 'active', %s, %s, 0, 'bench', 0)",
        (Jsonb(spec_to_json(spec)), content_hash(spec)),
    )


def _grant(run_id: str, settings: Settings, begin: Barrier, shares: "Queue[Share]", _number: int) -> None:
    """One worker's process: until nothing is left to do."""
    system = build(settings)
    try:
        begin.wait(300)
        started = time.process_time()
        while system.bulk_grants.perform(run_id):
            pass
        shares.put(Share(0, 0, time.time(), peak_mb(), time.process_time() - started))
    finally:
        system.close()


def _copy(settings: Settings, begin: Barrier, shares: "Queue[Share]", number: int) -> None:
    """One process's share of the rows, read beforehand."""
    with psycopg.connect(settings.database_url or "") as connection:
        events = _read(connection, "events", _EVENTS, "originator_id", number)
        grants = _read(connection, "grants", _GRANTS, "subject_id", number)
        begin.wait(300)
        started = time.process_time()
        _copied(connection, "raw_events", _EVENTS, events)
        _copied(connection, "raw_grants", _GRANTS, grants)
        connection.commit()
        shares.put(Share(0, 0, time.time(), peak_mb(), time.process_time() - started))


def _read(
    connection: psycopg.Connection, table: str, columns: str, subject: str, number: int
) -> Sequence[tuple[Any, ...]]:
    of_mine = _OF_PROCESS.format(subject=subject, number=number)
    granted = "topic = 'user-tier.benefit-granted.v1'" if table == "events" else "true"
    rows = connection.execute(f"select {columns} from {table} where {granted} and {of_mine}".encode()).fetchall()
    return [tuple(Jsonb(cell) if isinstance(cell, dict) else cell for cell in row) for row in rows]


def _copied(connection: psycopg.Connection, table: str, columns: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with connection.cursor().copy(f"copy {table} ({columns}) from stdin".encode()) as copy:
        for row in rows:
            copy.write_row(row)
