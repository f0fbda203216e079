"""What was decided live, piece by piece, is what one pass over the fact log decides: events, receipts, observations."""

from random import Random
from typing import Any

import msgspec
import pytest

from application.compliance.verify_receipts import VerifyReceipts
from domain.facts.instants import SECOND, format_instant, parse_instant
from domain.tier_model.reads import columns_read
from domain.user_tier.decide import Subject, decide
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.compliance.records import PostgresRecords
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


COMMON = {key: LADDER[key] for key in ("dimension", "time_zone", "currency")}
ALGEBRA: list[dict[str, Any]] = [
    {
        **COMMON,
        "scheme": "member",
        "tiers": ["basic", "silver", "gold"],
        "features": {"visits": {"count": "visit", "since": "standing"}},
        "growth": {
            "earn": {
                "shopping": {"points": 1, "each": "money(1.00)", "of": "order.amount", "minus": "refund.amount"},
                "visits": {"points": 3, "of": "visit", "at_most": 5, "after": "1 day"},
            },
            "deduct": {"silver": 10, "gold": "all"},
        },
        "rules": {"silver": "growth >= 10", "gold": {"enter": "growth >= 25", "keep": "growth >= 15 or visits >= 2"}},
        "policy": {"validity": "20 days", "downgrade": {"review": "validity"}, "warn": "3 days"},
    },
    {
        **COMMON,
        "scheme": "shop",
        "per": "merchant_id",
        "tiers": ["low", "high"],
        "features": {"spend": {"sum": "order.amount", "within": "10 days"}},
        "rules": {"high": "spend >= money(6.00)"},
    },
    {
        **COMMON,
        "scheme": "crossed",
        "tiers": ["best", "good", "other"],
        "unordered": True,
        "default": "other",
        "features": {},
        "rules": {"best": "tier.member = 'gold' and tier.value = 'high'", "good": "tier.value in ('mid', 'high')"},
    },
]


TAGGED: dict[str, Any] = {
    **COMMON,
    "scheme": "tagged",
    "tiers": ["plain", "vip"],
    "features": {},
    "rules": {"vip": "tag('vip') and tier.value <> 'low'"},
}


@pytest.mark.parametrize("further", [[], ALGEBRA], ids=["one scheme", "the whole algebra"])
def test_one_pass_over_the_log_says_the_same(database: str, further: list[dict[str, Any]]) -> None:
    random = Random(7)
    with LedgerSystem(database, manual_clock=True) as system:
        clock = START
        system.clock.set(clock)
        system.activate(LADDER)
        for model in further:
            system.activate(model)
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
        # What was decided live was read from packs; here it was the rows of the log.
        with system.pool.connection() as connection:
            packed = connection.execute(
                "select count(*), min(p.facts * 4 / t.facts) from packed_facts p join timelines t using (subject_id)"
            )
            assert packed.fetchone() == (3, 3)
        assert {event["scheme"] for mine in system.events().values() for event in mine} >= {
            m["scheme"] for m in further
        }


def _fact(random: Random, fact_id: str, clock: int) -> dict[str, Any]:
    user = random.choice(["ann", "bob", "eve"])
    at = format_instant(clock - random.choice([0, 0, 0, 50 * HOUR, -30 * HOUR]))
    kind = random.choice(["order", "order", "order", "refund", "profile", "void", "visit"])
    fact: dict[str, Any] = {"fact_id": fact_id, "user_id": user, "kind": kind, "occurred_at": at}
    if kind in ("order", "refund"):
        fact |= {"amount": random.randrange(1, 900), "currency": "USD"}
        fact["attributes"] = {"merchant_id": random.choice("xyz")}
    if kind == "refund":
        fact["attributes"]["order_id"] = f"f{random.randrange(150)}-{random.randrange(2)}"
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
            again = decide([Subject(subject_id, 0)], table, models.forces(-1, decided_at + 1), decided_at + 1).decided[
                0
            ]
            recorded = connection.execute(
                "select originator_version, topic, scheme, scope, from_tier, to_tier, effective_at, state from events "
                "where originator_id = %s order by originator_version",
                (subject_id,),
            ).fetchall()
            assert len(recorded) > 10
            assert [
                (e.version, e.topic, e.scheme, e.scope, e.from_tier, e.to_tier, e.effective_at, e.data)
                for e in again.events
            ] == [
                (*row[:7], msgspec.msgpack.decode(seals[subject_id].unseal(CONTEXT_EVENT, row[7]))) for row in recorded
            ]
            held = decode_observation(seals[subject_id].unseal(CONTEXT_OBSERVATION, body))
            assert _plain(again.observation) == _plain(held)


def _plain(observation: Observation) -> Any:
    return msgspec.to_builtins(observation)


def test_sealed_history_of_the_whole_algebra_goes_on_live(database: str) -> None:
    """A year in a session, sealed; then tags, facts and time: every receipt comes out of the facts again."""
    random = Random(11)
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        for given in [LADDER, *ALGEBRA, TAGGED]:
            system.activate(given)
        session = system.sessions.open("test")
        past = [_fact(random, f"f{n}-0", START - random.randrange(40, 8_000) * HOUR) for n in range(120)]
        past = [fact for fact in past if fact["occurred_at"] < format_instant(START) and fact["kind"] != "void"]
        assert not system.facts(past, session.history_id).rejected
        system.sessions.seal(session.history_id, "test")
        system.settle()
        for number in range(30):
            system.clock.set(system.clock.now() + random.randrange(1, 200) * HOUR)
            if random.random() < 0.5:
                until = system.clock.now() + random.randrange(1, 400) * HOUR
                system.add_tag(random.choice(["ann", "bob", "eve"]), "vip", "test", until=until)
            else:
                system.remove_tag(random.choice(["ann", "bob", "eve"]), "vip", "test")
            system.facts([_fact(random, f"f{number}-1", system.clock.now())])
            system.settle()
        found = VerifyReceipts(PostgresRecords(system.pool, system.keyring))()
        assert found.clean, found.first
        events = [event for mine in system.events().values() for event in mine]
        assert {event["scheme"] for event in events} == {"", "value", "member", "shop", "crossed", "tagged"}
        assert {event["cause"] for event in events if event["scheme"]} >= {"history", "evaluation", "timer"}
