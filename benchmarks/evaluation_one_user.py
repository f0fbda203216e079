"""One user from end to end, in process: a fact has come in; the user is read, decided and recorded."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import psycopg

from application.facts.record_facts import RecordFacts, RecordFactStream
from benchmarks.sample_year import activate
from benchmarks.stage import Stage
from infrastructure.bootstrap import System, build

GOAL_MS = 5.0
_USERS = 1_000
_WARM = 100
_FACTS_BEFORE = 60  # of each user, over a year: as a household of the sample year has
_MODEL = """
scheme: value
dimension: value
time_zone: Asia/Shanghai
currency: CNY
tiers: [low, mid, high]
features:
  recency:   {days_since: order}
  frequency: {count: order, within: 90 days}
  spend:     {sum: order.amount, minus: refund.amount, within: 90 days}
rules:
  high: "spend >= money(10000.00) and recency <= 30"
  mid: "spend >= money(5000.00) or frequency >= 40"
policy: {upgrade: immediate, downgrade: {review: monthly, grace: 14 days, steps: 1}}
"""
_BARE_TABLES = """
create table bare_users (user_id text primary key, due_at bigint, changed bigint);
create table bare_events (user_id text, version int, topic text, body bytea, primary key (user_id, version));
create table bare_cards (user_id text primary key, body bytea);
"""
_BARE_WRITES = (
    "insert into bare_events values (%(user)s, 1, 'user-tier.tier-changed.v1', %(large)s)",
    "update bare_cards set body = %(large)s where user_id = %(user)s",
    "update bare_users set due_at = null, changed = changed + 1 where user_id = %(user)s",
)


def evaluation_one_user(stage: Stage) -> list[dict[str, Any]]:
    """Each user is measured once: a large order moves them up. The arms take turns, user by user."""
    system = build(stage.settings())
    bare = psycopg.connect(stage.database(), autocommit=False)
    try:
        _populate(system)
        _populate_bare(bare)
        recorded: list[float] = []
        ours: list[float] = []
        worked: list[float] = []
        plain: list[float] = []
        for number in range(_USERS):
            recorded.append(_milliseconds(lambda number=number: _record(system, number)))
            began = time.thread_time()
            ours.append(_milliseconds(lambda number=number: system.evaluate_user(f"user-{number}")))
            worked.append((time.thread_time() - began) * 1_000)
            plain.append(_milliseconds(lambda number=number: _bare(bare, number)))
        _check(system)
    finally:
        bare.close()
        system.close()
    whole = [one + two for one, two in zip(recorded, ours, strict=True)]
    own = "of processor time of ours p50 {:.2f} ms, p99 {:.2f} ms".format(*_quantiles(worked))
    return [
        _figure(
            "evaluation_one_user", ours, plain, f"one who has a new fact: locked, read, decided, all recorded; {own}"
        ),
        _figure(
            "evaluation_one_user_with_fact", whole, plain, "the same, and the fact checked, recorded, committed first"
        ),
    ]


def _figure(name: str, ours: Sequence[float], plain: Sequence[float], what: str) -> dict[str, Any]:
    (middle, high), (bare_middle, bare_high) = _quantiles(ours), _quantiles(plain)
    return {
        "name": name,
        "ratio": round(bare_high / high, 3),
        "goal": round(bare_high / GOAL_MS, 3),
        "value": round(high, 2),
        "baseline": round(bare_high, 2),
        "unit": "ms, p99",
        "note": f"{what}; p50 {middle:.2f} ms of {_USERS - _WARM} users with {_FACTS_BEFORE} facts each; against one "
        f"bare transaction of {len(_BARE_WRITES)} such writes, p50 {bare_middle:.2f} ms; the goal is {GOAL_MS:.0f} ms",
    }


def _record(system: System, number: int) -> None:
    answer = system.record_facts(RecordFacts([_order(number, "last", datetime.now(UTC), 2_000_000)]))
    assert answer.accepted == 1, answer.rejected


def _check(system: System) -> None:
    """Every user's order was decided, and moved them up."""
    query = "select count(*) from events where topic = 'user-tier.tier-changed.v1' and to_tier = 'high'"
    with system.pool.connection() as connection:
        assert connection.execute(query).fetchone() == (_USERS,)


def _bare(connection: psycopg.Connection, number: int) -> None:
    """As many writes, one commit: nothing read, checked, sealed or decided."""
    parameters = {"user": f"user-{number}", "large": bytes(1_000)}
    for statement in _BARE_WRITES:
        connection.execute(statement.encode(), parameters)
    connection.commit()


def _populate(system: System) -> None:
    """Users who have bought a little through the year and stand on the lowest tier."""
    now = datetime.now(UTC)
    lines = (
        msgspec.json.encode(_order(user, f"before-{fact}", now - timedelta(days=6 * fact + 1), 5_000 + fact))
        for fact in reversed(range(_FACTS_BEFORE))
        for user in range(_USERS)
    )
    answer = system.record_facts.stream(RecordFactStream(lines))
    assert answer.accepted == _USERS * _FACTS_BEFORE, answer.rejected[:1]
    activate(system, _MODEL)
    while system.evaluate_due():
        pass


def _populate_bare(connection: psycopg.Connection) -> None:
    connection.execute(_BARE_TABLES)
    users = [(f"user-{number}",) for number in range(_USERS)]
    with connection.cursor() as cursor:
        cursor.executemany("insert into bare_users values (%s, null, 0)", users)
        cursor.executemany("insert into bare_cards values (%s, '')", users)
    connection.commit()


def _order(user: int, fact_id: str, at: datetime, amount: int) -> dict[str, Any]:
    return {
        "fact_id": fact_id,
        "source": "shop",
        "user_id": f"user-{user}",
        "kind": "order",
        "occurred_at": at.isoformat(),
        "amount": amount,
        "currency": "CNY",
        "attributes": {"channel": "app", "merchant_id": f"m{user % 40}"},
    }


def _milliseconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return (time.perf_counter() - started) * 1_000


def _quantiles(times: Sequence[float]) -> tuple[float, float]:
    """(p50, p99), the first ones left out: caches were cold."""
    middle, high = np.quantile(times[_WARM:], [0.5, 0.99])
    return float(middle), float(high)
