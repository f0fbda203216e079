"""The edge: a fact, or the field, the value and the remedy."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.facts.check import check_fact, currency_error, future_error, history_error
from domain.facts.fact import Fact
from domain.facts.field_rules import DAY
from domain.facts.kinds import BUILT_IN, KindDefinition, all_kinds
from tests.support.fact_texts import fact_object, fact_text

MARCH_1_08 = 1_772_352_000_000_000


def test_a_right_fact_comes_through_whole() -> None:
    lines = [{"sku": "s1", "category": "tea", "quantity": 2, "amount": 60, "colour": "green"}, {"quantity": 0.5}]
    fact = check_fact(fact_text(source="shop", attributes={"channel": "app", "vip": True}, lines=lines), BUILT_IN)
    assert fact == Fact(
        "f1", "u1", "order", MARCH_1_08, "shop", 100, "CNY", {"channel": "app", "vip": True}, tuple(lines)
    )


def test_null_is_a_field_left_out() -> None:
    sent = fact_object() | {"source": None, "attributes": None, "lines": None}
    assert check_fact(json.dumps(sent).encode(), BUILT_IN) == check_fact(fact_text(), BUILT_IN)


WRONG: list[tuple[dict[str, Any], str, object]] = [
    ({"kind": "purchase"}, "kind", "purchase"),
    ({"kind": 5}, "kind", 5),
    ({"amount": -1}, "amount", -1),
    ({"amount": 10.5}, "amount", 10.5),
    ({"amount": 10.0}, "amount", 10.0),
    ({"amount": "10"}, "amount", "10"),
    ({"amount": True}, "amount", True),
    ({"amount": 2**53}, "amount", 2**53),
    ({"amount": None}, "amount", None),
    ({"currency": None}, "currency", None),
    ({"currency": "cny"}, "currency", "cny"),
    ({"currency": "CNYX"}, "currency", "CNYX"),
    ({"currency": 156}, "currency", 156),
    ({"occurred_at": None}, "occurred_at", None),
    ({"occurred_at": "yesterday"}, "occurred_at", "yesterday"),
    ({"occurred_at": "2026-03-01"}, "occurred_at", "2026-03-01"),
    ({"occurred_at": "2026-03-01T08:00:00"}, "occurred_at", "2026-03-01T08:00:00"),
    ({"occurred_at": "2026-13-01T08:00:00Z"}, "occurred_at", "2026-13-01T08:00:00Z"),
    ({"occurred_at": 1772352000}, "occurred_at", 1772352000),
    ({"occurred_at": "1969-12-31T23:59:59Z"}, "occurred_at", "1969-12-31T23:59:59Z"),
    ({"fact_id": ""}, "fact_id", ""),
    ({"fact_id": 7}, "fact_id", 7),
    ({"user_id": "u\x00"}, "user_id", "u\x00"),
    ({"user_id": "u" * 201}, "user_id", "u" * 100 + "…"),
    ({"source": "a\nb"}, "source", "a\nb"),
    ({"ammount": 5}, "ammount", 5),
    ({"attributes": []}, "attributes", "[]"),
    ({"attributes": {"a": {"b": 1}}}, "attributes.a", "{'b': 1}"),
    ({"attributes": {"a": [1]}}, "attributes.a", "[1]"),
    ({"attributes": {"a": 2**64}}, "attributes.a", str(2**64)),
    ({"attributes": {"": 1}}, "attributes.", ""),
    ({"attributes": {"a": "v" * 2001}}, "attributes.a", "v" * 100 + "…"),
    ({"attributes": {f"k{n}": n for n in range(101)}}, "attributes", 101),
    ({"lines": {}}, "lines", "{}"),
    ({"lines": [5]}, "lines[0]", 5),
    ({"lines": [{}] * 1001}, "lines", 1001),
    ({"lines": [{"quantity": 1}, {"quantity": -1}]}, "lines[1].quantity", -1),
    ({"lines": [{"quantity": "1"}]}, "lines[0].quantity", "1"),
    ({"lines": [{"amount": 1.5}]}, "lines[0].amount", 1.5),
    ({"lines": [{"amount": -5}]}, "lines[0].amount", -5),
    ({"lines": [{"sku": 5}]}, "lines[0].sku", 5),
    ({"lines": [{"extra": {}}]}, "lines[0].extra", "{}"),
    ({"kind": "refund", "attributes": {"order_id": 5}}, "attributes.order_id", 5),
    ({"kind": "refund", "attributes": {"order_id": ""}}, "attributes.order_id", ""),
    ({"kind": "profile"}, "attributes", None),
    ({"kind": "void", "attributes": {"reason": "typo"}}, "attributes.fact_id", None),
    ({"kind": "void", "attributes": {"fact_id": "f0"}}, "attributes.reason", None),
    ({"kind": "void", "attributes": {"fact_id": "f1", "reason": "typo"}}, "attributes.fact_id", "f1"),
    ({"kind": "visit", "currency": None}, "currency", None),
]


@pytest.mark.parametrize(("fields", "field", "value"), WRONG, ids=lambda value: str(value)[:40])
def test_what_is_wrong_is_named_with_value_and_remedy(fields: dict[str, Any], field: str, value: object) -> None:
    for sent in (fact_object(**fields), fact_text(**fields)):
        errors = check_fact(sent, BUILT_IN)
        assert isinstance(errors, list)
        assert [(error.field, error.value) for error in errors] == [(field, value)]
        assert errors[0].remedy and errors[0].detail


def test_everything_wrong_is_named_at_once() -> None:
    errors = check_fact(fact_text(amount=-1, currency="x", occurred_at="now"), BUILT_IN)
    assert isinstance(errors, list)
    assert {error.field for error in errors} == {"amount", "currency", "occurred_at"}


@pytest.mark.parametrize("sent", [b"", b"{", b"[1]", b"5", b"null", b'{"fact_id": "\\ud800"}', b"\xff", b'{"a": NaN}'])
def test_what_is_no_object_is_refused(sent: bytes) -> None:
    errors = check_fact(sent, BUILT_IN)
    assert isinstance(errors, list) and errors[0].remedy


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    errors = check_fact(fact_object(attributes={"a": value}), BUILT_IN)
    assert isinstance(errors, list) and errors[0].field == "attributes.a"
    assert isinstance(check_fact(fact_object(amount=value), BUILT_IN), list)


def test_unknown_kind_names_the_known_ones() -> None:
    errors = check_fact(fact_text(kind="purchase"), all_kinds([("review", KindDefinition())]))
    assert isinstance(errors, list)
    assert all(kind in errors[0].remedy for kind in (*BUILT_IN, "review"))


def test_a_registered_kind_is_held_to_its_definition() -> None:
    kinds = all_kinds([("review", KindDefinition(requires=("attributes.stars",)))])
    fields: dict[str, Any] = {"kind": "review", "amount": None, "currency": None}
    assert isinstance(check_fact(fact_text(**fields, attributes={"stars": 5}), kinds), Fact)
    errors = check_fact(fact_text(**fields, attributes={"moons": 5}), kinds)
    assert isinstance(errors, list) and errors[0].field == "attributes.stars"


def test_the_far_future_begins_after_366_days() -> None:
    fact = check_fact(fact_text(), BUILT_IN)
    assert isinstance(fact, Fact)
    assert future_error(fact, MARCH_1_08 - 366 * DAY) is None
    error = future_error(fact, MARCH_1_08 - 366 * DAY - 1)
    assert error is not None and (error.field, error.value) == ("occurred_at", "2026-03-01T08:00:00Z")


def test_a_change_of_currency_is_refused() -> None:
    fact = check_fact(fact_text(), BUILT_IN)
    assert isinstance(fact, Fact)
    assert currency_error(fact, []) is None
    assert currency_error(fact, ["CNY", "EUR"]) is None
    error = currency_error(fact, ["EUR"])
    assert error is not None and (error.field, error.value) == ("currency", "CNY") and "EUR" in error.remedy


def test_history_ends_where_its_session_opens() -> None:
    fact = check_fact(fact_text(), BUILT_IN)
    assert isinstance(fact, Fact)
    assert history_error(fact, MARCH_1_08) is None
    error = history_error(fact, MARCH_1_08 - 1)
    assert error is not None and error.field == "occurred_at"


_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_ANYTHING = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
_IDS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200)
_ATTRIBUTES = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100),
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=50),
    max_size=5,
)


@given(fact_id=_IDS, user_id=_IDS, amount=st.integers(0, 2**53 - 1), attributes=_ATTRIBUTES)
def test_every_well_formed_fact_is_taken_the_same_as_text_and_as_object(
    fact_id: str, user_id: str, amount: int, attributes: dict[str, Any]
) -> None:
    sent = fact_object(fact_id, user_id, amount=amount, attributes=attributes)
    fact = check_fact(json.dumps(sent).encode(), BUILT_IN)
    assert isinstance(fact, Fact)
    assert fact == check_fact(sent, BUILT_IN)
    assert (fact.fact_id, fact.user_id, fact.amount, fact.attributes) == (fact_id, user_id, amount, attributes)


@given(field=st.sampled_from([*fact_object(), "source", "attributes", "lines", "other"]), value=_ANYTHING)
def test_any_one_field_of_any_value_costs_a_refusal_at_most(field: str, value: Any) -> None:
    answer = check_fact(fact_object() | {field: value}, BUILT_IN)
    if isinstance(answer, Fact):
        # What is taken can be said in JSON, and said so is taken again.
        assert check_fact(json.dumps(fact_object() | {field: value}).encode(), BUILT_IN) == answer
    else:
        assert all(error.remedy and error.detail for error in answer)
        msgspec.json.encode([error.to_json() for error in answer])


@given(st.binary(max_size=200))
def test_any_bytes_cost_a_refusal_at_most(sent: bytes) -> None:
    assert check_fact(sent, BUILT_IN)
