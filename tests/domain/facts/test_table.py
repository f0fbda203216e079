"""Facts in columns."""

import numpy as np

from domain.facts.fact import Fact
from domain.facts.table import NEVER, RecordedFact, table_from_facts


def _fact(fact_id: str, occurred_at: int, kind: str = "order", source: str = "", /, **attributes: str) -> Fact:
    amount, currency = (100, "CNY") if kind == "order" else (None, None)
    return Fact(fact_id, "u", kind, occurred_at, source, amount, currency, dict(attributes))


def _void(fact_id: str, source: str = "", /, **named: str) -> Fact:
    return _fact(fact_id, 50, "void", source, reason="typo", **named)


def test_rows_stand_by_subject_then_occurred_at_then_position() -> None:
    table = table_from_facts(
        [
            RecordedFact(1, _fact("d", 10), 1, 100),
            RecordedFact(0, _fact("c", 20), 2, 100),
            RecordedFact(0, _fact("b", 10), 4, 100),
            RecordedFact(0, _fact("a", 10), 3, 100),
        ],
        subjects=3,
    )
    assert table.fact_id.tolist() == ["a", "b", "c", "d"]
    assert table.starts().tolist() == [0, 3, 4, 4]
    assert table.content_hash.shape == (4, 32)


def test_amounts_kinds_and_currencies() -> None:
    table = table_from_facts([RecordedFact(0, _fact("a", 1), 1, 9), RecordedFact(0, _fact("b", 2, "visit"), 2, 9)])
    assert table.kinds == ("order", "visit") and table.kind.tolist() == [0, 1]
    assert table.amount_valid.tolist() == [True, False] and table.amount.tolist() == [100, 0]
    assert table.currencies == ("CNY",) and table.currency.tolist() == [0, -1]
    assert table.is_kind("visit").tolist() == [False, True]
    assert not table.is_kind("refund").any()


def test_amounts_in_another_currency_are_none_nor_are_those_of_lines() -> None:
    lines = ({"amount": 60, "sku": "x"}, {"amount": 40})
    facts = [Fact(name, "u", "order", 1, "", 100, name, {}, lines) for name in ("CNY", "USD")]
    table = table_from_facts([RecordedFact(0, fact, place, 9) for place, fact in enumerate(facts, 1)])
    seen = table.in_currency("USD")
    assert seen.amount.tolist() == [0, 100] and seen.amount_valid.tolist() == [False, True]
    assert seen.lines.tolist() == [({"sku": "x"}, {}), lines]
    assert table.lines.tolist() == [lines, lines]


def test_the_earliest_void_counts_and_names_its_own_source_by_default() -> None:
    table = table_from_facts(
        [
            RecordedFact(0, _fact("a", 1, "order", "shop"), 1, 10),
            RecordedFact(0, _fact("a", 2), 2, 10),
            RecordedFact(1, _fact("a", 3, "order", "shop"), 3, 10),
            RecordedFact(0, _void("v2", "shop", fact_id="a"), 4, 90),
            RecordedFact(0, _void("v1", "desk", fact_id="a", source="shop"), 5, 80),
        ]
    )
    voided = dict(
        zip(zip(table.subject.tolist(), table.source, table.fact_id, strict=True), table.voided_at, strict=True)
    )
    assert voided[0, "shop", "a"] == 80
    assert voided[0, "", "a"] == NEVER
    assert voided[1, "shop", "a"] == NEVER


def test_a_void_may_come_first_and_is_itself_final() -> None:
    table = table_from_facts(
        [
            RecordedFact(0, _void("v1", fact_id="later"), 1, 10),
            RecordedFact(0, _void("v2", fact_id="v1"), 2, 20),
            RecordedFact(0, _fact("later", 60), 3, 30),
        ]
    )
    assert table.voided_at[table.is_kind("void")].tolist() == [NEVER, NEVER]
    assert table.voided_at[table.is_kind("order")].tolist() == [10]


def test_no_facts_make_an_empty_table() -> None:
    table = table_from_facts([], subjects=2)
    assert len(table) == 0 and table.starts().tolist() == [0, 0, 0] and table.voided_at.dtype == np.int64
