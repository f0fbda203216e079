"""The cases stand for everybody: what holds in all of them holds for all users, and the other way round."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tier_model.column import Scalar, Type
from domain.tier_model.expression import Condition, compile_condition
from domain.tier_model.lint.cases import cases_of
from domain.tier_model.lint.reach import Reach
from domain.tier_model.lint.stretches import values_of
from domain.tier_model.spec import TierModelSpec, parse_model
from tests.domain.tier_model.lint.small_models import ladder

SPEC: TierModelSpec = parse_model(ladder("orders > 1"))
TYPES = {"i": Type.integer, "x": Type.number, "t": Type.text, "f": Type.boolean, "s": Type.scalar}
REACHES = {
    "i": Reach(Type.integer, 0, whole=True, null=False),
    "x": Reach(Type.number, 0, 1),
    "t": Reach(Type.text),
    "f": Reach(Type.boolean),
    "s": Reach(Type.scalar),
}
INTEGERS, NUMBERS, TEXTS = [0, 1, 2, 3, 4, 5, 6], [0.0, 0.25, 0.5, 0.75, 1.0], ["", "a", "a!", "b", "c"]
USERS: dict[str, list[Scalar]] = {
    "i": [*INTEGERS],
    "x": [*NUMBERS, 0.1, 0.3, 0.6, 0.9, None],
    "t": [*TEXTS, "0", "aa", "bb", None],
    "f": [True, False, None],
    "s": [*INTEGERS, -1, 2.5, *TEXTS, True, False, None],
}


def leaves() -> st.SearchStrategy[str]:
    ops = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
    return st.one_of(
        st.builds("i {} {}".format, ops, st.sampled_from([0, 2, 3, 5])),
        st.builds("x {} {}".format, ops, st.sampled_from([0, 0.25, 0.75, 1])),
        st.builds("t {} '{}'".format, ops, st.sampled_from(["a", "b"])),
        st.builds("s {} {}".format, ops, st.sampled_from([0, 2, "'a'", "'b'"])),
        st.sampled_from(
            ["f", "f is null", "t is null", "s is null", "x is null", "i in (1, 3)", "t in ('a', 'b')", "s"]
        ),
    )


def conditions() -> st.SearchStrategy[str]:
    return st.recursive(
        leaves(),
        lambda inner: st.one_of(
            st.builds("({} and {})".format, inner, inner),
            st.builds("({} or {})".format, inner, inner),
            st.builds("(not {})".format, inner),
        ),
        max_leaves=4,
    )


def users(names: frozenset[str]) -> list[dict[str, Scalar]]:
    rows: list[dict[str, Scalar]] = [{}]
    for name in sorted(names):
        rows = [{**row, name: value} for row in rows for value in USERS[name]]
    return rows


@given(conditions(), conditions())
@settings(max_examples=150, deadline=None)
def test_a_condition_implies_another_in_all_cases_exactly_when_it_does_for_all_users(one: str, two: str) -> None:
    first, second = (compile_condition(text, TYPES) for text in (one, two))
    cases = cases_of([first, second], SPEC, REACHES)
    if cases is None or len(first.names | second.names) > 3:
        return
    for told, asked in ((cases.true(first), first), (cases.true(second), second)):
        assert told.any() == any(asked.holds(user) is True for user in users(asked.names))
    implied = not (cases.true(first) & ~cases.true(second)).any()
    assert implied == all(
        second.holds(user) is True for user in users(first.names | second.names) if first.holds(user) is True
    )


@pytest.mark.parametrize(
    ("reach", "constants", "values"),
    [
        (Reach(Type.integer, 0, whole=True, null=False), [3], [0, 2, 3, 4]),
        (Reach(Type.integer, 0, whole=True, null=False), [2.5], [0, 2, 3]),
        (Reach(Type.integer, 0, whole=True, null=False), [-4], [0]),
        (Reach(Type.integer, 1, 5, whole=True), [4, 5], [1, 3, 4, 5, None]),
        (Reach(Type.integer, whole=True, null=False), [2**63 - 1], [2**63 - 2, 2**63 - 1]),
        (Reach(Type.number, 0, 1), [0.5], [0, 0.25, 0.5, 0.75, 1, None]),
        (Reach(Type.number, null=False), [], [0.0]),
        (Reach(Type.number, null=False), [1.7e308, -1.7e308], None),
        (Reach(Type.text), ["b"], ["", "b", "b\0", None]),
        (Reach(Type.text, texts=("low", "high")), ["b"], ["low", "high", None]),
        (Reach(Type.boolean, null=False), [], [False, True]),
    ],
)
def test_a_value_for_each_stretch(reach: Reach, constants: list[Any], values: list[Any] | None) -> None:
    found = values_of(reach, constants)
    if values is None:
        assert {-1.7e308, 0.0, 1.7e308} < set(found)
        assert min(found) < -1.7e308 and max(found) > 1.7e308
    else:
        assert found == values


def test_a_case_is_spelled_as_an_operator_would_read_it() -> None:
    from domain.tier_model.lint.reach import reaches_of
    from domain.tier_model.names import compile_rule

    rule: Condition = compile_rule(SPEC, "spend > money(20.00) and city <> 'Wuxi' and interest is null and tag('vip')")
    cases = cases_of([rule], SPEC, reaches_of(SPEC, {}))
    assert cases is not None
    assert cases.spelled(cases.true(rule)) == "city '', interest null, spend 20.01, tag('vip') true"
