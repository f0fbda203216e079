"""The reference's condition language: three-valued, exact."""

import pytest

from tests.reference.conditions import holds

VALUES = {"a": 3, "b": None, "t": "gold", "big": 2**62, "x": 0.5, "yes": True}


@pytest.mark.parametrize(
    ("condition", "answer"),
    [
        ("a = 3", True),
        ("a <> 3 or b = 1", None),
        ("a = 3 or b = 1", True),
        ("a <> 3 and b = 1", False),
        ("a = 3 and b = 1", None),
        ("not b = 1", None),
        ("b is null and a is not null", True),
        ("a between 3 and 4 and a not between 4 and 5", True),
        ("b between 1 and 2", None),
        ("t in ('gold', 'it''s')", True),
        ("t not in ('silver')", True),
        ("a in (1, null)", None),
        ("a in (3, null)", True),
        ("coalesce(b, a, 9) = 3", True),
        ("1 + 2 * 3 = 7 and (1 + 2) * 3 = 9 and 7 - 2 - 1 = 4", True),
        ("a / 2 = 1.5", True),
        ("a / 0 is null", True),
        ("big * 2 is null and big + big is null", True),
        ("big < big + 1", True),
        ("-a = 0 - 3", True),
        ("x < 1 and x > -1", True),
        ("yes", True),
        ("yes = false", False),
        ("money(10.5) = 1050", True),
        ("A = 3", KeyError),
    ],
)
def test_condition(condition, answer):
    if answer is KeyError:
        with pytest.raises(KeyError):
            holds(condition, VALUES.__getitem__, "USD")
    else:
        assert holds(condition, VALUES.__getitem__, "USD") is answer


def test_money_follows_the_currency():
    assert holds("a = money(3)", VALUES.__getitem__, "JPY") is True
