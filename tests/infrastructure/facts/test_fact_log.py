"""Recording facts: once, in order, with their due rows; one bad fact costs only itself."""

import json
from typing import Any

import pytest

from application.facts import record_facts
from application.facts.record_facts import (
    MalformedRequest,
    RecordFacts,
    RecordFactStream,
    TooManyFacts,
    facts_in_body,
)
from application.facts.register_fact_kind import RegisterFactKind, RegisterFactKindHandler
from domain.facts.fact import Details
from domain.facts.instants import parse_instant
from domain.facts.kinds import KindDefinition, KindRefused
from tests.infrastructure.facts.conftest import Ledger
from tests.support.fact_texts import fact_object, fact_text


def test_a_fact_is_stored_whole_and_its_user_is_due(ledger: Ledger) -> None:
    lines = [{"sku": "s1", "quantity": 2, "amount": 50}]
    sent = fact_text(source="shop", attributes={"channel": "app"}, lines=lines)
    answer = ledger.record(RecordFacts([sent]))
    assert (answer.accepted, answer.duplicates, answer.rejected) == (1, 0, [])
    table = ledger.table("u1", with_attributes=None)
    assert table.position.tolist() == [answer.position]
    assert table.occurred_at.tolist() == [parse_instant("2026-03-01T08:00:00Z")]
    assert (table.kinds, table.amount.tolist(), table.currencies) == (("order",), [100], ("CNY",))
    assert (table.source[0], table.fact_id[0]) == ("shop", "f1")
    assert Details(table.attributes[0], table.lines[0]) == Details({"channel": "app"}, tuple(lines))
    timeline = ledger.timeline("u1")
    assert timeline["due_at"] == timeline["last_instant"] == table.known_at[0]
    assert timeline["last_position"] == answer.position
    ledger.assert_whole()


def test_nothing_personal_is_stored_in_the_clear(ledger: Ledger) -> None:
    ledger.record(RecordFacts([fact_text(attributes={"phone": "13800138000"})]))
    (row,) = ledger.rows("select facts::text, encode(sealed, 'escape') from facts")
    assert "13800138000" not in "".join(row)


def test_the_same_again_is_a_duplicate_with_its_first_position(ledger: Ledger) -> None:
    first = ledger.record(RecordFacts([fact_text()]))
    again = ledger.record(RecordFacts([fact_text(), fact_text("f2")]))
    assert (again.accepted, again.duplicates) == (1, 1)
    retried = ledger.record(RecordFacts([fact_text()]))
    assert (retried.duplicates, retried.position) == (1, first.position)
    ledger.assert_whole()


def test_duplicates_inside_a_batch_are_stored_once(ledger: Ledger) -> None:
    answer = ledger.record(RecordFacts([fact_text(), fact_text(), fact_text(user_id="u2")]))
    assert (answer.accepted, answer.duplicates) == (2, 1)
    assert ledger.rows("select count(*) from facts") == [(2,)]


def test_other_content_under_the_same_id_is_a_conflict_that_names_both(ledger: Ledger) -> None:
    ledger.record(RecordFacts([fact_text(attributes={"channel": "app"})]))
    other = fact_text(amount=250, attributes={"channel": "web"})
    answer = ledger.record(RecordFacts([other, fact_text("f2")]))
    assert (answer.accepted, [rejected.index for rejected in answer.rejected]) == (1, [0])
    error = answer.rejected[0].errors[0]
    assert (error.field, error.value) == ("fact_id", "f1")
    assert "amount was 100, now 250" in error.detail and "attributes.channel differs" in error.detail
    assert "known at 20" in error.detail
    ledger.assert_whole()


def test_other_content_inside_a_batch_is_a_conflict_and_the_first_wins(ledger: Ledger) -> None:
    answer = ledger.record(RecordFacts([fact_text(), fact_text(amount=7)]))
    assert (answer.accepted, answer.rejected[0].index) == (1, 1)
    assert "earlier in the same batch" in answer.rejected[0].errors[0].detail
    assert ledger.table("u1").amount.tolist() == [100]


def test_the_same_id_of_another_source_or_user_is_another_fact(ledger: Ledger) -> None:
    answer = ledger.record(RecordFacts([fact_text(), fact_text(source="shop"), fact_text(user_id="u2")]))
    assert answer.accepted == 3


def test_one_bad_fact_costs_only_itself(ledger: Ledger) -> None:
    answer = ledger.record(RecordFacts([fact_text("f1"), fact_text("f2", amount=-5), fact_text("f3")]))
    assert answer.accepted == 2
    (rejected,) = answer.to_json()["rejected"]  # type: ignore[misc]
    assert (rejected["index"], rejected["fact_id"]) == (1, "f2")  # type: ignore[index]
    assert set(rejected["error"]) == {"field", "value", "remedy", "detail"}  # type: ignore[index]


def test_refused_facts_make_no_users(ledger: Ledger) -> None:
    answer = ledger.record(RecordFacts([fact_text(occurred_at="2199-01-01T00:00:00Z"), fact_text(amount=-1)]))
    assert answer.accepted == 0 and {r.errors[0].field for r in answer.rejected} == {"occurred_at", "amount"}
    assert ledger.rows("select count(*) from user_ids") == [(0,)]


def test_a_currency_other_than_the_active_schemes_is_refused(ledger: Ledger) -> None:
    ledger.execute(
        "insert into tier_models values ('value', 1, 'active', '{\"currency\": \"EUR\"}', '', 0, 'test'),"
        " ('old', 1, 'retired', '{\"currency\": \"CNY\"}', '', 0, 'test'),"
        " ('feature', 1, 'active', '{}', '', 0, 'test')"
    )
    answer = ledger.record(RecordFacts([fact_text("f1"), fact_text("f2", currency="EUR")]))
    assert answer.accepted == 1
    assert (answer.rejected[0].errors[0].field, answer.rejected[0].errors[0].value) == ("currency", "CNY")


def test_facts_of_one_request_share_an_instant_and_lines_do_not(ledger: Ledger) -> None:
    ledger.record(RecordFacts([fact_text(f"f{n}") for n in range(3)]))
    ledger.record.stream(RecordFactStream([fact_text(f"g{n}") for n in range(3)]))
    known = [row[0] for row in ledger.rows("select known_at from facts order by position")]
    assert known[0] == known[1] == known[2] < known[3] < known[4] < known[5]


def test_under_a_manual_clock_known_instants_are_reached(ledger: Ledger) -> None:
    ledger.execute("select setval('clock_floor', 1800000000000000)")
    ledger.execute("update clock set manual = true")
    ledger.record.stream(RecordFactStream([fact_text(f"f{n}") for n in range(5)]))
    ((last, now),) = ledger.rows("select max(known_at), tierline_peek() from facts")
    assert 1_800_000_000_000_000 < last <= now < 1_800_000_000_000_100
    ledger.record(RecordFacts([fact_text("g")]))
    assert ledger.timeline("u1")["last_instant"] > last


def test_two_user_ids_of_one_subject_share_its_facts(ledger: Ledger) -> None:
    ledger.record(RecordFacts([fact_text()]))
    ledger.execute("insert into user_ids values ('alias', %s)", ledger.subject("u1"))
    answer = ledger.record(RecordFacts([fact_text(user_id="alias"), fact_text("f2", "alias"), fact_text("f3")]))
    assert (answer.accepted, answer.duplicates) == (2, 1)
    ledger.assert_whole()


@pytest.mark.parametrize("count", [1, 100, 101, 1000])
def test_requests_of_every_size(ledger: Ledger, count: int) -> None:
    facts = [fact_text(f"f{n}", f"u{n % 7}", attributes={"n": n}) for n in range(count)]
    assert ledger.record(RecordFacts(facts)).accepted == count
    again = ledger.record(RecordFacts(facts))
    assert (again.accepted, again.duplicates) == (0, count)
    ledger.assert_whole()


def test_too_many_facts_are_refused_together(ledger: Ledger) -> None:
    with pytest.raises(TooManyFacts):
        ledger.record(RecordFacts([fact_text(f"f{n}") for n in range(1001)]))
    assert ledger.rows("select count(*) from facts") == [(0,)]


def test_a_body_is_taken_apart_without_being_believed() -> None:
    body = json.dumps({"facts": [fact_object(), 5]}).encode()
    assert [json.loads(fact) for fact in facts_in_body(body)] == [fact_object(), 5]
    for wrong in (b"[]", b'{"facts": 5}', b"{", b'{"fact": []}'):
        with pytest.raises(MalformedRequest):
            facts_in_body(wrong)


def test_a_broken_line_in_the_middle_costs_only_itself(ledger: Ledger) -> None:
    lines = [fact_text("f0"), b'{"fact_id": "f1", ', b"", fact_text("f3"), fact_text("f4", kind="x"), fact_text("f5")]
    answer = ledger.record.stream(RecordFactStream(lines))
    assert answer.accepted == 3
    assert [(rejected.index, rejected.fact_id) for rejected in answer.rejected] == [(1, None), (4, "f4")]


def test_a_long_stream_goes_in_by_stretches_and_again_doubles_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_facts, "LINES_AT_ONCE", 2_500)
    lines = [fact_text(f"f{n}", f"u{n % 11}") for n in range(6_000)]
    progress = [answer.accepted for answer in ledger.record.progress(RecordFactStream(iter(lines)))]
    assert progress[-1] == 6_000 and len(progress) == 3
    lines[3_000] = fact_text("new", "u1")
    again = ledger.record.stream(RecordFactStream(lines))
    assert (again.accepted, again.duplicates, again.rejected) == (1, 5_999, [])
    ledger.assert_whole()


def test_an_empty_stream_answers_nothing_done(ledger: Ledger) -> None:
    expected = {"accepted": 0, "duplicates": 0, "rejected": [], "rejected_count": 0, "doubtful": [], "position": 0}
    assert ledger.record.stream(RecordFactStream([b"", b"\n"])).to_json() == expected
    assert ledger.record(RecordFacts([])).to_json() == expected


def test_a_registered_kind_is_taken_at_once_everywhere(ledger: Ledger, another_ledger: Any) -> None:
    elsewhere = another_ledger()
    review = fact_text(kind="review", amount=None, currency=None, attributes={"stars": 5})
    assert elsewhere.record(RecordFacts([review])).rejected[0].errors[0].field == "kind"
    register = RegisterFactKindHandler(ledger.kinds)
    definition = KindDefinition(requires=("attributes.stars",))
    register(RegisterFactKind("review", definition))
    register(RegisterFactKind("review", definition))
    assert elsewhere.record(RecordFacts([review])).accepted == 1
    with pytest.raises(KindRefused):
        register(RegisterFactKind("review", KindDefinition()))


def test_a_void_takes_its_fact_from_when_it_is_known(ledger: Ledger) -> None:
    void = fact_text("v", kind="void", amount=None, currency=None, attributes={"fact_id": "f1", "reason": "typo"})
    ledger.record(RecordFacts([fact_text(), fact_text("f2")]))
    ledger.record(RecordFacts([void]))
    table = ledger.table("u1")
    voided = dict(zip(table.fact_id, table.voided_at, strict=True))
    known = dict(zip(table.fact_id, table.known_at, strict=True))
    assert voided["f1"] == known["v"] and voided["f2"] > known["v"]
