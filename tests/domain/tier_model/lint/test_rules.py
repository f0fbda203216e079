"""Rules that nobody meets, that contradict themselves or one another."""

import pytest

from tests.domain.tier_model.lint.small_models import FEATURES, HEAD, ladder, told


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("orders >= 5 and orders <= 3", "orders is a whole number, 0 or more"),
        ("orders > 3 and orders < 4", "orders is a whole number"),
        ("orders < 0", "0 or more"),
        ("orders is null", "orders"),
        ("coupons > 1", "coupons is from 0 to 1"),
        ("spend < money(0.00)", "spend is an amount, never negative"),
        ("city = 'Suzhou' and city = 'Wuxi'", "city"),
        ("interest = 'tea' and interest is null", "interest"),
        ("tag('vip') and not tag('vip')", "Loosen"),
        ("tier.other = 'a' and tier.other = 'b'", "Loosen"),
    ],
)
def test_a_rule_that_nobody_can_meet(rule: str, said: str) -> None:
    ((severity, path, text),) = told(ladder(f'"{rule}"'))
    assert (severity, path) == ("warning", "rules.t1.enter")
    assert text.startswith("is true for no values that there can be") and said in text


@pytest.mark.parametrize(
    "rule",
    [
        "orders >= 3 and orders <= 3",
        "recency is null",
        "basket > money(3.00) and basket < money(3.01)",  # an average lies between cents
        "net < money(0.00)",
        "city > 'Suzhou' and city < 'Suzhou!'",
        "city = 'Suzhou' or city = 1 or city",
        "spend > net",
        "spend - net > money(5.00) and spend <= net",
        "coalesce(basket, money(0)) < money(0.00)",
        "tag('vip') and tier.other = 'a' and tier.other <> 'b'",
    ],
)
def test_a_rule_that_somebody_may_meet_is_let_be(rule: str) -> None:
    assert told(ladder(f'"{rule}"')) == []


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("orders >= 0 and spend > money(1.00)", "always true: orders >= 0"),
        ("coupons > 1 or orders > 3", "never true: coupons > 1"),
        ("not (orders < 0) and spend > money(1.00)", "never true: orders < 0"),
    ],
)
def test_a_comparison_that_says_nothing(rule: str, said: str) -> None:
    ((severity, path, text),) = told(ladder(f'"{rule}"'))
    assert (severity, path) == ("warning", "rules.t1.enter")
    assert said in text


def test_null_makes_a_comparison_say_something() -> None:
    assert told(ladder('"recency >= 0"')) == []  # asks who has ever ordered


@pytest.mark.parametrize(
    ("enter", "keep", "left_out"),
    [
        ("spend >= money(100.00)", "spend >= money(200.00)", "spend 100.00"),
        ("orders >= 5", "orders >= 3 and recency <= 30", "orders 5, recency 31"),
        ("orders >= 5 or spend >= money(50.00)", "orders >= 3", "orders 0, spend 50.00"),
        ("city = 'Wuxi'", "city in ('Suzhou', 'Nanjing')", "city 'Wuxi'"),
        ("orders_30 >= 3 or (orders >= 6 and spend / orders > money(9.00))", "orders >= 4", "orders 3, orders_30 3"),
        ("tag('vip')", "orders >= 1", "orders 0, tag('vip') true"),
    ],
)
def test_keep_that_is_stricter_than_enter(enter: str, keep: str, left_out: str) -> None:
    ((severity, path, text),) = told(ladder(f'{{enter: "{enter}", keep: "{keep}"}}'))
    assert (severity, path) == ("warning", "rules.t1.keep")
    assert text.startswith("is stricter than enter") and text.endswith(f"It leaves out {left_out}")


@pytest.mark.parametrize(
    ("enter", "keep"),
    [
        ("spend >= money(100.00)", "spend >= money(99.99)"),
        ("orders >= 5 and recency <= 7", "orders >= 5"),
        ("orders_30 >= 3", "orders >= 3"),  # orders of 90 days are never fewer than those of 30
        ("orders >= 5", "spend / orders > money(9.00) or orders >= 4"),
        ("orders > 4 and spend > net", "orders >= 5"),
    ],
)
def test_keep_that_holds_for_all_who_enter(enter: str, keep: str) -> None:
    assert told(ladder(f'{{enter: "{enter}", keep: "{keep}"}}')) == []


@pytest.mark.parametrize(
    ("policy", "told_of"),
    [("{}", True), ("{downgrade: {grace: 9 days}}", False), ("{downgrade: {review: yearly}}", False)],
)
def test_what_keep_alone_reads_may_come_about_before_a_later_review(policy: str, told_of: bool) -> None:
    text = ladder('{enter: "spend >= money(9.00)", keep: "orders >= 4"}') + f"policy: {policy}\n"
    assert bool(told(text)) is told_of
    both = text.replace("orders >= 4", "orders >= 4 and spend >= money(10.00)")
    ((_, path, said),) = told(both)
    assert path == "rules.t1.keep" and said.endswith("spend 9.00" if not told_of else "orders 0, spend 9.00")


def test_keep_has_no_effect_where_nobody_falls() -> None:
    text = ladder('{enter: "orders >= 5", keep: "orders >= 3"}') + "policy: {downgrade: never}\n"
    ((severity, path, said),) = told(text)
    assert (severity, path) == ("warning", "rules.t1.keep") and "nobody falls" in said
    assert told(text.replace("never", "never, validity: 1 year")) == []  # it renews


@pytest.mark.parametrize(
    ("lower", "higher", "said"),
    [
        ("orders >= 5", "orders >= 3", "asks less of orders than the lower tier t1: orders >= 3, beside orders >= 5"),
        ("spend >= money(9.00) and orders >= 5", "spend >= money(20.00) and orders >= 1", "asks less of orders"),
        ("recency <= 30", "recency <= 60", "asks less of recency"),
        ("orders > 5", "orders >= 5", "asks less of orders"),
        ("orders > 5", "not (orders < 2)", "asks less of orders"),
    ],
)
def test_thresholds_that_do_not_rise_with_the_tiers(lower: str, higher: str, said: str) -> None:
    ((severity, path, text),) = told(ladder(f'"{lower}"', f'"{higher}"'))
    assert (severity, path) == ("warning", "rules.t2.enter")
    assert said in text


def test_the_nearest_lower_tier_is_named_once() -> None:
    faults = told(ladder('"orders >= 6"', '"orders >= 7"', '"orders >= 5"'))
    assert [(path, text.split(":")[0]) for _, path, text in faults] == [
        ("rules.t3.enter", "asks less of orders than the lower tier t2")
    ]


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("orders between 1 and 3", "orders >= 4"),  # bands
        ("orders < 5 and spend < money(9.00)", "orders < 9 and spend >= money(9.00)"),  # cells: nobody is in both
        ("orders >= 5", "spend >= money(1.00)"),  # other names
        ("orders >= 5 or spend >= money(9.00)", "orders >= 3 and spend >= money(9.00)"),  # no conjunction
        ("orders >= 5", "orders >= 5 and recency <= 30"),
    ],
)
def test_thresholds_that_may_be_meant(lower: str, higher: str) -> None:
    assert told(ladder(f'"{lower}"', f'"{higher}"')) == []


@pytest.mark.parametrize(
    ("rules", "path", "by"),
    [
        (["orders >= 5", "orders >= 3 or spend >= money(9.00)"], "rules.t1.enter", "the rule of t2"),
        (["orders in (4)", "orders >= 3", "orders >= 30"], "rules.t1.enter", "the rule of t2"),
        (["orders in (4, 40)", "orders <= 9", "orders > 9"], "rules.t1.enter", "the rule of t3 or t2"),
    ],
)
def test_a_tier_that_a_higher_one_hides(rules: list[str], path: str, by: str) -> None:
    faults = [fault for fault in told(ladder(*(f'"{rule}"' for rule in rules))) if "never decides" in fault[2]]
    assert [(fault[0], fault[1]) for fault in faults] == [("warning", path)]
    assert by in faults[0][2]


def test_a_class_that_one_before_it_hides() -> None:
    text = (
        HEAD + "unordered: true\ntiers: [tea, green, rest]\ndefault: rest\n" + FEATURES + "rules:\n"
        "  tea: interest in ('green tea', 'black tea')\n  green: interest = 'green tea'\n"
    )
    ((severity, path, said),) = told(text)
    assert (severity, path) == ("warning", "rules.green.enter")
    assert "whoever meets it meets the rule of tea, which comes first. Put it first" in said


def test_too_many_cases_are_not_tried() -> None:
    many = " and ".join(f"n{number} >= {number}" for number in range(1, 30))
    features = "".join(f"  n{number}: {{count: visit, within: {number} days}}\n" for number in range(1, 30))
    text = ladder(f'{{enter: "{many}", keep: "{many} and orders > 3"}}').replace(
        "features:\n", "features:\n" + features
    )
    assert told(text) == []
