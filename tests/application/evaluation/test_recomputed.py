"""What was decided live, piece by piece, is what one pass over the fact log decides: events, receipts, observations."""

from random import Random
from typing import Any

import msgspec

from domain.facts.instants import SECOND, format_instant, parse_instant
from domain.user_tier.decide import Subject, columns_read, decide
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.facts.read import facts_of
from infrastructure.security.seal import CONTEXT_EVENT, CONTEXT_OBSERVATION
from infrastructure.tier_models.in_force import ModelsInForceReader
from tests.support.ledger import LedgerSystem

HOUR = 3_600 * SECOND
START = parse_instant("2026-03-20T09:00:00Z")
LADDER: dict[str, Any] = {
    "scheme": "value",
    "dimension": "value",
    "time_zone": "Europe/Berlin",
    "currency": "USD",
    "tiers": ["low", "mid", "high"],
    "features": {
        "recency": {"days_since": "order"},
        "spend": {"sum": "order.amount", "minus": "refund.amount", "within": "12 days"},
        "basket": {"avg": "order.amount"},
    },
    "scores": {"m": {"of": "spend", "cuts": [500, 1500]}},
    "rules": {"mid": "m >= 2 and recency <= 9", "high": {"enter": "m >= 3", "keep": "basket > money(3.00) and m >= 2"}},
    "policy": {"downgrade": {"review": "continuous", "grace": "3 days", "steps": 1}, "minimum_stay": "2 days"},
}
CLASSES: dict[str, Any] = {
    **{key: LADDER[key] for key in ("time_zone", "currency")},
    "scheme": "feature",
    "dimension": "feature",
    "unordered": True,
    "tiers": ["young", "other"],
    "default": "other",
    "features": {"band": {"latest": "profile.age"}},
    "rules": {"young": "band = '19-24'"},
}


def test_one_pass_over_the_log_says_the_same(database: str) -> None:
    random = Random(7)
    with LedgerSystem(database, manual_clock=True) as system:
        clock = START
        system.clock.set(clock)
        system.activate(LADDER)
        for number in range(150):
            clock = max(clock + random.randrange(1, 60) * HOUR, system.clock.now())
            system.clock.set(clock)
            assert not system.facts([_fact(random, f"f{number}-{n}", clock) for n in range(2)]).rejected
            if number == 50:
                system.activate(CLASSES)
            if number == 100:
                system.activate({**LADDER, "scores": {"m": {"of": "spend", "cuts": [800, 2500]}}})
            if random.random() < 0.4:
                system.settle()
        system.settle()
        _compare_all(system)


def _fact(random: Random, fact_id: str, clock: int) -> dict[str, Any]:
    user = random.choice(["ann", "bob", "eve"])
    at = format_instant(clock - random.choice([0, 0, 0, 50 * HOUR, -30 * HOUR]))
    kind = random.choice(["order", "order", "order", "refund", "profile", "void"])
    fact: dict[str, Any] = {"fact_id": fact_id, "user_id": user, "kind": kind, "occurred_at": at}
    if kind in ("order", "refund"):
        fact |= {"amount": random.randrange(1, 900), "currency": "USD"}
    if kind == "profile":
        fact["attributes"] = {"age": random.choice(["19-24", "25-34"])}
    if kind == "void":
        fact["attributes"] = {"fact_id": f"f{random.randrange(150)}-{random.randrange(2)}", "reason": "mistake"}
    return fact


def _compare_all(system: LedgerSystem) -> None:
    with system.pool.connection() as connection:
        models = ModelsInForceReader().read(connection)
        rows = connection.execute(
            "select o.subject_id, t.decided_at, o.body from observations o join timelines t using (subject_id)"
        ).fetchall()
        assert len(rows) == 3
        seals = system.keyring.seals(connection, [row[0] for row in rows])
        for subject_id, decided_at, body in rows:
            table = facts_of(connection, [subject_id], system.keyring, columns_read(models.models))
            again = decide([Subject(subject_id, 0)], table, models.forces(-1), decided_at + 1).decided[0]
            recorded = connection.execute(
                "select originator_version, topic, scheme, from_tier, to_tier, effective_at, state from events "
                "where originator_id = %s order by originator_version",
                (subject_id,),
            ).fetchall()
            assert len(recorded) > 10
            assert [
                (e.version, e.topic, e.scheme, e.from_tier, e.to_tier, e.effective_at, e.data) for e in again.events
            ] == [
                (*row[:6], msgspec.msgpack.decode(seals[subject_id].unseal(CONTEXT_EVENT, row[6]))) for row in recorded
            ]
            held = decode_observation(seals[subject_id].unseal(CONTEXT_OBSERVATION, body))
            assert _plain(again.observation) == _plain(held)


def _plain(observation: Observation) -> Any:
    return msgspec.to_builtins(observation)
