"""Sixteen writers at overlapping subjects: no deadlock, every fact once, every chain whole."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from application.facts.record_facts import FactsRecorded, RecordFacts, RecordFactStream
from tests.infrastructure.facts.conftest import Ledger
from tests.support.fact_texts import fact_text

WRITERS = 16
FACTS = 600  # that exist; every writer sends a third of them, in an order of its own
USERS = 25


def _send(ledger: Ledger, writer: int) -> FactsRecorded:
    """Requests and streams of mixed sizes. Facts overlap with those of the other writers."""
    draw = random.Random(writer)
    mine = draw.sample(range(FACTS), FACTS // 3)
    total = FactsRecorded()
    while mine:
        size = draw.choice([1, 2, 7, 60, 150])
        batch, mine = mine[:size], mine[size:]
        texts = [fact_text(f"f{n}", f"u{n % USERS}", attributes={"n": n}) for n in batch]
        if draw.random() < 0.5:
            answer = ledger.record(RecordFacts(texts))
        else:
            answer = ledger.record.stream(RecordFactStream(texts))
        assert not answer.rejected and answer.accepted + answer.duplicates == len(texts)
        total.accepted += answer.accepted
    return total


def test_sixteen_processes_worth_of_writers(another_ledger: Callable[[], Ledger]) -> None:
    ledgers = [another_ledger() for _ in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as writers:
        answers = list(writers.map(_send, ledgers, range(WRITERS)))
    _assert_each_once(ledgers[0], answers)


def test_sixteen_threads_of_one_process(ledger: Ledger) -> None:
    with ThreadPoolExecutor(WRITERS) as writers:
        answers = list(writers.map(_send, [ledger] * WRITERS, range(WRITERS)))
    _assert_each_once(ledger, answers)


def _assert_each_once(ledger: Ledger, answers: list[FactsRecorded]) -> None:
    sent = {n for writer in range(WRITERS) for n in random.Random(writer).sample(range(FACTS), FACTS // 3)}
    stored = [row[0] for row in ledger.rows("select fact_id from facts")]
    assert sorted(stored) == sorted(f"f{n}" for n in sent)
    assert sum(answer.accepted for answer in answers) == len(stored)
    assert ledger.rows("select count(*) from subjects") == [(USERS,)]
    ledger.assert_whole()
