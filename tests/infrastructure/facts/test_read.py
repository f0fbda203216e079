"""Reading facts in columns: the same table as from the values, and only what was asked for is unsealed."""

import dataclasses

import numpy as np

from application.facts.record_facts import RecordFacts
from domain.facts.check import check_fact
from domain.facts.fact import Fact
from domain.facts.kinds import BUILT_IN
from domain.facts.table import RecordedFact, table_from_facts
from tests.infrastructure.facts.conftest import Ledger
from tests.support.fact_texts import fact_text

TEXTS = [
    fact_text("a", "u1", attributes={"channel": "app"}, lines=[{"sku": "s", "amount": 5}]),
    fact_text("b", "u2", kind="visit", amount=None, currency=None, occurred_at="2026-02-01T00:00:00.5Z"),
    fact_text("c", "u1", kind="refund", source="desk", amount=0, attributes={"order_id": "a", "x": None, "y": 1.5}),
    fact_text("d", "u1", kind="void", amount=None, currency=None, attributes={"fact_id": "a", "reason": "typo"}),
]


def test_the_table_read_is_the_table_of_the_values(ledger: Ledger) -> None:
    answer = ledger.record(RecordFacts(TEXTS))
    read = ledger.table("u1", "u2", with_attributes=None)
    first = answer.position - len(TEXTS) + 1
    known = int(read.known_at[0])
    values = []
    for offset, text in enumerate(TEXTS):
        fact = check_fact(text, BUILT_IN)
        assert isinstance(fact, Fact)
        values.append(RecordedFact(int(fact.user_id == "u2"), fact, first + offset, known))
    expected = table_from_facts(values)
    for name in [column.name for column in dataclasses.fields(read)]:
        if name != "content_hash":  # keyed when recorded
            assert np.array_equal(getattr(read, name), getattr(expected, name)), name
    assert len({row.tobytes() for row in read.content_hash}) == len(TEXTS)


def test_only_the_kinds_asked_for_are_unsealed(ledger: Ledger) -> None:
    ledger.record(RecordFacts(TEXTS))
    for kinds, expected in ((frozenset(), {"d"}), ({"refund"}, {"c", "d"}), (None, {"a", "c", "d"})):
        table = ledger.table("u1", "u2", with_attributes=kinds)
        shown = {fact_id for fact_id, row in zip(table.fact_id, table.attributes, strict=True) if row is not None}
        assert shown == expected


def test_nobody_and_nothing_make_an_empty_table(ledger: Ledger) -> None:
    assert len(ledger.table()) == 0
    ledger.record(RecordFacts([fact_text()]))
    assert ledger.table("u1", "u1").starts().tolist() == [0, 1, 2]
