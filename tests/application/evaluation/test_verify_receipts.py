"""Verification finds nothing where nothing is wrong, and each kind of tampering by its own name."""

import msgspec
import psycopg
import pytest

from application.compliance.verify_receipt import ReceiptVerdict, UnknownEvent, VerifyReceipt
from application.compliance.verify_receipts import Verification, VerifyReceipts
from domain.facts.instants import SECOND, parse_instant
from domain.user_tier.decisions import event_id_of
from infrastructure.compliance.records import PostgresRecords
from infrastructure.security.seal import CONTEXT_EVENT
from tests.application.evaluation.test_evaluate import MODEL
from tests.support.ledger import LedgerSystem, order

DAY = 86_400 * SECOND
START = parse_instant("2026-03-02T00:00:00Z")


@pytest.fixture
def system(database: str):
    """Two users of a sealed history, two live ones, a late fact after all decisions, and a change of the model."""
    with LedgerSystem(database, manual_clock=True) as system:
        system.clock.set(START)
        session = system.sessions.open("test")
        past = [order(f"h{n}", f"past{n % 2}", START - (20 - n) * DAY) for n in range(6)]
        assert not system.facts(past, session.history_id).rejected
        system.activate(MODEL)
        system.sessions.seal(session.history_id, "test")
        for day in range(1, 8):
            system.clock.set(START + day * DAY)
            system.facts([order(f"l{day}", f"live{day % 2}", START + day * DAY)])
            system.settle()
        system.activate({**MODEL, "rules": {"mid": "orders >= 2", "high": "orders >= 4"}})
        system.clock.set(START + 9 * DAY)
        system.facts([order("late", "live0", START + DAY)])
        system.settle()
        yield system


def _verify(system: LedgerSystem, user_id: str | None = None) -> Verification:
    return VerifyReceipts(PostgresRecords(system.pool, system.keyring))(user_id)


_DECISIONS = "select originator_id, originator_version from events where topic like 'user-tier.%' and scheme <> ''"


def _verdict(system: LedgerSystem, event_id: str) -> ReceiptVerdict:
    return VerifyReceipt(PostgresRecords(system.pool, system.keyring))(event_id)


def _event_ids(system: LedgerSystem) -> list[str]:
    with psycopg.connect(system.dsn) as connection:
        rows = connection.execute(_DECISIONS).fetchall()
    return [event_id_of(*row) for row in rows]


def _tamper(system: LedgerSystem, statement: str, parameters: tuple = ()) -> None:
    with psycopg.connect(system.dsn) as connection:
        connection.execute("set session_replication_role = replica")  # past the triggers, as a thief would
        assert connection.execute(statement, parameters).rowcount == 1


def test_all_is_well(system: LedgerSystem) -> None:
    found = _verify(system)
    assert found.clean
    assert (found.subjects, found.first) == (4, [])
    assert found.checked == sum("receipt" in e for events in system.events().values() for e in events) > 8
    assert 0 < _verify(system, "live0").checked < found.checked


def test_a_changed_fact_breaks_its_chain_and_the_receipts(system: LedgerSystem) -> None:
    _tamper(system, "update facts set occurred_at = occurred_at - 1 where fact_id = 'l3'")
    found = _verify(system)
    assert found.broken_chains == 1
    assert not found.clean


def test_a_deleted_fact_breaks_its_chain(system: LedgerSystem) -> None:
    _tamper(system, "delete from facts where fact_id = 'late'")
    assert _verify(system).broken_chains == 1


def test_a_deleted_transition_is_missing(system: LedgerSystem) -> None:
    _tamper(
        system,
        "delete from events where (originator_id, originator_version) in (select originator_id, max(originator_version)"
        " from events join user_ids on subject_id = originator_id where user_id = 'live1' group by originator_id)",
    )
    found = _verify(system)
    assert (found.missing, found.extra, found.different, found.broken_chains) == (1, 0, 0, 0)
    assert found.first[0].problem == "missing"
    assert found.first[0].expected is not None


def test_a_forged_transition_is_extra(system: LedgerSystem) -> None:
    _tamper(
        system,
        "insert into events select originator_id, originator_version + 1, nextval('positions'), topic, scheme, scope,"
        " to_tier, 'high', effective_at + 5, recorded_at, actor, command_id, causation, state from events"
        " join user_ids on subject_id = originator_id where user_id = 'live1' order by originator_version desc limit 1",
    )
    found = _verify(system)
    assert (found.missing, found.extra, found.different) == (0, 1, 0)


def test_a_forged_receipt_is_different(system: LedgerSystem) -> None:
    with system.pool.connection() as connection:
        subject_id, version, state = connection.execute(
            "select originator_id, originator_version, state from events join user_ids on subject_id = originator_id"
            " where user_id = 'live1' and topic like '%tier-changed%' order by originator_version limit 1"
        ).fetchone()
        seal = system.keyring.seals(connection, [subject_id])[subject_id]
    data = msgspec.msgpack.decode(seal.unseal(CONTEXT_EVENT, state))
    data["receipt"]["features"]["orders"] = 99
    forged = seal.seal(CONTEXT_EVENT, msgspec.msgpack.encode(data))
    _tamper(
        system,
        "update events set state = %s where originator_id = %s and originator_version = %s",
        (forged, subject_id, version),
    )
    found = _verify(system)
    assert (found.missing, found.extra, found.different) == (0, 0, 1)
    assert found.first[0].event_id == f"{subject_id.hex}-{version}"


def test_every_single_decision_is_proved(system: LedgerSystem) -> None:
    for event_id in _event_ids(system):
        verdict = _verdict(system, event_id)
        assert (verdict.event_id, verdict.result, verdict.facts_intact) == (event_id, "same", True)
        assert verdict.recorded == verdict.expected is not None


def test_a_single_decision_that_the_facts_do_not_give(system: LedgerSystem) -> None:
    _tamper(system, "delete from facts where fact_id = 'l3'")
    verdicts = [_verdict(system, event_id) for event_id in _event_ids(system)]
    wrong = [verdict for verdict in verdicts if verdict.result == "different"]
    assert wrong and len(wrong) < len(verdicts)
    assert all(verdict.recorded != verdict.expected and not verdict.facts_intact for verdict in wrong)


@pytest.mark.parametrize("event_id", ["", "nope", f"{'0' * 32}-1", "é-1"])
def test_an_event_that_is_not(system: LedgerSystem, event_id: str) -> None:
    with pytest.raises(UnknownEvent):
        _verdict(system, event_id)
