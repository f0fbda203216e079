"""Schemes that read each other's tiers."""

import pytest

from domain.tier_model.lint import lint
from domain.tier_model.lint.together import circle_through
from domain.tier_model.spec import TierModelSpec, parse_model
from tests.domain.tier_model.lint.small_models import ladder, told


def scheme(name: str, rule: str, per: str = "") -> TierModelSpec:
    text = ladder(f'"{rule}"').replace("scheme: mine", f"scheme: {name}")
    return parse_model(text + (f"per: {per}\n" if per else ""))


OTHERS = {"value": scheme("value", "orders >= 3"), "shop": scheme("shop", "orders >= 3", per="merchant_id")}


def test_tiers_of_schemes_that_are_there_can_be_read() -> None:
    text = ladder("\"tier.value = 't1' and tag('vip')\"")
    assert told(text) == told(text, OTHERS) == []


@pytest.mark.parametrize(
    ("rule", "severity", "said"),
    [
        ("tier.valu = 't1'", "warning", "there is no such scheme yet: it is null. Did you mean tier.value?"),
        ("tier.value = 'gold'", "error", "'gold', which is no tier of it. Its tiers: base, t1"),
        ("tier.value in ('t1', 't2')", "error", "'t2', which is no tier of it"),
        ("'t' <> tier.value", "error", "no tier of it"),
        ("tier.mine = 't1'", "error", "reads the tier that it decides"),
        ("tier.shop = 't1'", "error", "kept per merchant_id"),
        ("tier.value >= 3", "error", "tier.value is text"),
    ],
)
def test_what_cannot_be_read_of_other_schemes(rule: str, severity: str, said: str) -> None:
    faults = told(ladder(f'"{rule}"'), OTHERS)
    assert (severity, "rules.t1.enter") in [fault[:2] for fault in faults]
    assert any(said in fault[2] for fault in faults), faults


def test_a_scheme_that_is_not_there_is_an_error_when_the_model_is_put_in_force() -> None:
    spec = scheme("mine", "tier.valu = 't1'")
    assert [fault.severity for fault in lint(spec, None, OTHERS, activating=True)] == ["error"]
    assert lint(spec) == []  # nothing is known of other schemes


def test_schemes_of_one_per_read_each_other() -> None:
    assert [fault.message for fault in lint(scheme("mine", "tier.shop = 't1'", per="merchant_id"), None, OTHERS)] == []
    (fault,) = lint(scheme("mine", "tier.shop = 't1'", per="channel"), None, OTHERS)
    assert fault.severity == "error" and "kept per channel" in fault.remedy


def test_a_scheme_that_the_platform_reads_cannot_be_kept_per_merchant() -> None:
    others = {"reader": scheme("reader", "tier.mine = 't1'")}
    (fault,) = lint(scheme("mine", "orders >= 3", per="merchant_id"), None, others)
    assert (fault.severity, fault.path) == ("error", "per") and "scheme reader reads its tier" in fault.message


def test_a_circle_is_spelled() -> None:
    others = {
        "a": scheme("a", "tier.b = 't1'"),
        "b": scheme("b", "tier.c = 't1' or tier.value = 't1'"),
        "c": scheme("c", "orders >= 3 and tier.mine = 't1'"),
        "value": OTHERS["value"],
    }
    mine = scheme("mine", "orders >= 3 or tier.a = 't1'")
    assert circle_through(mine, {name: (one,) for name, one in others.items()}) == ["mine", "a", "b", "c", "mine"]
    (fault,) = lint(mine, None, others, activating=True)
    assert (fault.severity, fault.path) == ("error", "rules.t1.enter")
    assert "mine -> a -> b -> c -> mine" in fault.message
    assert [fault.severity for fault in lint(mine, None, others)] == ["warning"]
    assert circle_through(scheme("mine", "tier.value = 't1'"), {"value": (OTHERS["value"],)}) == []


def test_a_circle_takes_one_version_of_each_scheme() -> None:
    others = {
        "a": (scheme("a", "orders >= 1"), scheme("a", "tier.b = 't1'")),
        "b": (scheme("b", "tier.mine = 't1'"), scheme("b", "orders >= 1")),
        **{f"c{n}": (scheme(f"c{n}", "orders >= 1"), scheme(f"c{n}", "orders >= 2")) for n in range(40)},
    }
    assert circle_through(scheme("mine", "tier.a = 't1'"), others) == ["mine", "a", "b", "mine"]
    assert circle_through(scheme("mine", "tier.c0 = 't1'"), others) == []


def test_a_circle_among_others_is_theirs() -> None:
    others = {"a": scheme("a", "tier.b = 't1'"), "b": scheme("b", "tier.a = 't1'")}
    assert lint(scheme("mine", "tier.a = 't1'"), None, others, activating=True) == []


def test_a_tier_compared_with_what_nobody_is_on_is_never_true() -> None:
    (fault,) = told(ladder("\"tier.value = 't1' and tier.value <> 't1'\""), OTHERS)
    assert fault[0] == "warning" and "tier.value is one of base, t1" in fault[2]
