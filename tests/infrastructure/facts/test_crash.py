"""The database session dies between any two steps: nothing acknowledged is lost, nothing is doubled or half there."""

from collections.abc import Callable

import psycopg
import pytest

from application.facts.record_facts import RecordFacts, RecordFactStream
from infrastructure.facts import fact_log, writing
from tests.infrastructure.facts.conftest import Ledger
from tests.support.fact_texts import fact_text

TEXTS = [fact_text(f"f{n}", f"u{n % 4}") for n in range(150)]


def _dies_in(
    module: object, step: str, kill: Callable[[psycopg.Connection], None], *, after: bool
) -> pytest.MonkeyPatch:
    """From now on the session is killed once, before or after this step of recording."""
    patch = pytest.MonkeyPatch()
    real = getattr(module, step)

    def stepping(connection: psycopg.Connection, *arguments: object, **options: object) -> object:
        patch.undo()
        if not after:
            kill(connection)
        result = real(connection, *arguments, **options)
        if after:
            kill(connection)
        return result

    patch.setattr(module, step, stepping)
    return patch


@pytest.fixture
def kill(another_ledger: Callable[[], Ledger]) -> Callable[[psycopg.Connection], None]:
    """Ends a session from another one, and waits until it is gone."""
    killer = another_ledger()

    def end(connection: psycopg.Connection) -> None:
        killer.rows("select pg_terminate_backend(%s, 10000)", connection.info.backend_pid)

    return end


@pytest.mark.parametrize(
    ("step", "after"), [("lock", False), ("lock", True), ("create_subjects", True), ("write", False)], ids=str
)
def test_a_session_that_dies_before_the_commit_leaves_nothing(
    ledger: Ledger, kill: Callable[[psycopg.Connection], None], step: str, after: bool
) -> None:
    patch = _dies_in(fact_log, step, kill, after=after)
    try:
        with pytest.raises(psycopg.OperationalError):
            ledger.record.stream(RecordFactStream(TEXTS))
    finally:
        patch.undo()
    counts = "select (select count(*) from facts), (select count(*) from timelines), (select count(*) from user_ids)"
    assert ledger.rows(counts) == [(0, 0, 0)]
    assert ledger.record.stream(RecordFactStream(TEXTS)).accepted == len(TEXTS)
    ledger.assert_whole()


def test_a_session_that_dies_between_rows_and_timelines_leaves_neither(
    ledger: Ledger, kill: Callable[[psycopg.Connection], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.record(RecordFacts(TEXTS[:10]))
    real = writing.copy_rows

    def dying(connection: psycopg.Connection, payload: bytes) -> None:
        real(connection, payload)
        kill(connection)

    monkeypatch.setattr(writing, "copy_rows", dying)
    with pytest.raises(psycopg.OperationalError):
        ledger.record.stream(RecordFactStream(TEXTS))
    monkeypatch.undo()
    assert ledger.rows("select count(*) from facts") == [(10,)]
    ledger.assert_whole()
    answer = ledger.record.stream(RecordFactStream(TEXTS))
    assert (answer.accepted, answer.duplicates) == (len(TEXTS) - 10, 10)
    ledger.assert_whole()


def test_an_answer_lost_after_the_commit_doubles_nothing(
    ledger: Ledger, kill: Callable[[psycopg.Connection], None]
) -> None:
    patch = _dies_in(fact_log, "write", kill, after=True)
    try:
        answer = ledger.record.stream(RecordFactStream(TEXTS))
    finally:
        patch.undo()
    assert answer.accepted + answer.duplicates == len(TEXTS)
    assert ledger.rows("select count(*) from facts") == [(len(TEXTS),)]
    ledger.assert_whole()
    assert ledger.record.stream(RecordFactStream(TEXTS)).duplicates == len(TEXTS)
