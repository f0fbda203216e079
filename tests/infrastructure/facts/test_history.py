"""History sessions: whose first fact they bring is theirs, until it is decided."""

from uuid import uuid4

import pytest

from application.facts.history_status import GetHistoryStatus, GetHistoryStatusHandler
from application.facts.open_history import OpenHistory, OpenHistoryHandler
from application.facts.record_facts import RecordFacts, RecordFactStream
from application.facts.seal_history import SealHistory, SealHistoryHandler
from domain.facts.history import HistorySealed, UnknownHistory
from tests.infrastructure.facts.conftest import Ledger
from tests.support.fact_texts import fact_text


def test_history_is_known_when_it_occurred_and_not_due(ledger: Ledger) -> None:
    session = OpenHistoryHandler(ledger.sessions)(OpenHistory("key:a"))
    lines = [fact_text("f1", occurred_at="2025-03-01T00:00:00Z"), fact_text("f2", occurred_at="2025-01-01T00:00:00Z")]
    assert ledger.record.stream(RecordFactStream(lines, session.history_id)).accepted == 2
    table, timeline = ledger.table("u1"), ledger.timeline("u1")
    assert table.known_at.tolist() == table.occurred_at.tolist()
    assert (timeline["due_at"], timeline["history_id"]) == (None, session.history_id)
    assert timeline["last_instant"] == table.occurred_at.max()
    status = GetHistoryStatusHandler(ledger.sessions)(GetHistoryStatus(session.history_id))
    assert (status.subjects_pending, status.facts_pending) == (1, 2)


def test_lines_for_anybody_else_are_known_now(ledger: Ledger) -> None:
    ledger.record(RecordFacts([fact_text("live", "u1")]))
    one, two = ledger.sessions.open("key:a"), ledger.sessions.open("key:b")
    ledger.record(RecordFacts([fact_text("a", "u2")], one.history_id))
    answer = ledger.record(
        RecordFacts([fact_text("b", "u1"), fact_text("b", "u2"), fact_text("b", "u3")], two.history_id)
    )
    assert answer.accepted == 3
    owners = {user: ledger.timeline(user)["history_id"] for user in ("u1", "u2", "u3")}
    assert owners == {"u1": None, "u2": one.history_id, "u3": two.history_id}
    known = dict(ledger.rows("select subject_id, known_at = occurred_at from facts where fact_id = 'b'"))
    assert [known[ledger.subject(user)] for user in ("u1", "u2", "u3")] == [False, False, True]
    ledger.assert_whole()


def test_a_live_fact_of_a_subject_in_history_waits_with_it(ledger: Ledger) -> None:
    session = ledger.sessions.open("key:a")
    ledger.record(RecordFacts([fact_text("a")], session.history_id))
    ledger.record(RecordFacts([fact_text("live")]))
    timeline = ledger.timeline("u1")
    assert (timeline["due_at"], timeline["facts"], timeline["history_id"]) == (None, 2, session.history_id)
    assert timeline["last_instant"] >= session.opened_at


def test_history_dated_after_the_opening_is_refused(ledger: Ledger) -> None:
    session = ledger.sessions.open("key:a")
    ((tomorrow,),) = ledger.rows("select to_char(now() + interval '1 day', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    answer = ledger.record(RecordFacts([fact_text("a", occurred_at=tomorrow), fact_text("b")], session.history_id))
    assert (answer.accepted, answer.rejected[0].errors[0].field) == (1, "occurred_at")


def test_sealing_is_done_once_and_ends_the_session(ledger: Ledger) -> None:
    session = ledger.sessions.open("key:a")
    ledger.record(RecordFacts([fact_text("a")], session.history_id))
    seal = SealHistoryHandler(ledger.sessions)
    sealed = seal(SealHistory(session.history_id, "key:b"))
    assert sealed.sealed_at is not None and sealed.sealed_position is not None
    assert sealed.sealed_at > session.opened_at and sealed.sealed_position > ledger.timeline("u1")["last_position"]
    assert sealed.sealed_by == "key:b"
    assert seal(SealHistory(session.history_id, "key:c")) == sealed
    with pytest.raises(HistorySealed):
        ledger.record(RecordFacts([fact_text("b")], session.history_id))
    with pytest.raises(HistorySealed):
        ledger.record.stream(RecordFactStream([fact_text("b")], session.history_id))
    assert ledger.rows("select count(*) from facts") == [(1,)]


def test_an_unknown_session_is_refused(ledger: Ledger) -> None:
    for call in (
        lambda: ledger.record(RecordFacts([fact_text()], uuid4())),
        lambda: ledger.record(RecordFacts([], uuid4())),
        lambda: ledger.sessions.seal(uuid4(), "key:a"),
        lambda: ledger.sessions.status(uuid4()),
    ):
        with pytest.raises(UnknownHistory):
            call()
    assert ledger.rows("select count(*) from user_ids") == [(0,)]


def test_an_import_again_doubles_nothing(ledger: Ledger) -> None:
    session = ledger.sessions.open("key:a")
    lines = [fact_text(f"f{n}", f"u{n % 3}") for n in range(30)]
    ledger.record.stream(RecordFactStream(lines[:20], session.history_id))
    answer = ledger.record.stream(RecordFactStream(lines, session.history_id))
    assert (answer.accepted, answer.duplicates) == (10, 20)
    assert ledger.rows("select count(*) from facts where known_at = occurred_at") == [(30,)]
