"""Who is in which arm: the same every time, by the weights, nested, and told apart from chance."""

import math
from collections import Counter
from uuid import UUID

import pytest

from domain.strategies.arms import Drawn, arm_at, draw
from domain.strategies.sample_ratio import chi_square_tail, sample_ratio_p
from tests.domain.strategies.worded import strategy

GOAL = {"sum": "order.amount", "within": "30 days"}
THREE = {"a": {"weight": 50}, "b": {"weight": 30}, "c": {"weight": 20}}
KNOWN = [Drawn(arm) for arm in "bacabb"]  # by hand: SHA-256 of welcome/holdout:ID, then of welcome/arm:ID
SUBJECTS = [UUID(int=(7 << 100) + 31 * number) for number in range(40_000)]


def test_asking_again_answers_the_same_and_a_salt_parts_anew() -> None:
    spec = strategy(do=[], arms=THREE, holdout=10, goal=GOAL)
    once, again = ([draw(spec, 5, subject) for subject in SUBJECTS[:500]] for _ in range(2))
    other = [draw(strategy(do=[], arms=THREE, holdout=10, goal=GOAL, salt="x"), 5, one) for one in SUBJECTS[:500]]
    assert once == again != other


def test_known_draws_stay_what_they_are() -> None:
    """What was once drawn was recorded: another hash would part the same users differently."""
    spec = strategy(do=[], arms=THREE, holdout=10, goal=GOAL)
    assert [draw(spec, 0, UUID(int=number)) for number in range(1, 7)] == KNOWN


def test_holdouts_are_nested_and_a_greater_one_holds_the_smaller() -> None:
    spec = strategy(do=[], arms=THREE, holdout=10, goal=GOAL)
    few, many = ({one for one in SUBJECTS if draw(spec, percent, one).holdout == "global"} for percent in (5, 20))
    assert few < many
    outside = [one for one in SUBJECTS if one not in many]
    assert all(draw(spec, 20, one) == draw(spec, 0, one) for one in outside)
    held = sum(draw(spec, 0, one).holdout == "strategy" for one in outside)
    assert abs(held / len(outside) - 0.1) < 0.01


@pytest.mark.parametrize("weights", [(50, 50), (90, 10), (99, 1), (33.33, 33.33, 33.34), (50, 30, 20)])
def test_the_split_is_by_the_weights(weights: tuple[float, ...]) -> None:
    arms = {f"arm-{number}": {"weight": weight} for number, weight in enumerate(weights)}
    spec = strategy(do=[], arms=arms, goal=GOAL)
    counts = Counter(draw(spec, 0, one).arm or "" for one in SUBJECTS)
    assert sample_ratio_p(counts, {name: arm["weight"] for name, arm in arms.items()}) > 0.001


def test_an_arms_share_begins_where_the_one_before_ends() -> None:
    weights = {"a": 33.33, "b": 33.33, "c": 33.34}
    assert [arm_at(weights, share) for share in (0, 3_332, 3_333, 6_665, 6_666, 9_999)] == list("aabbcc")
    with pytest.raises(ValueError, match="add up to"):
        arm_at({"a": 50.0}, 5_000)


@pytest.mark.parametrize(
    ("value", "degrees", "tail"),
    [
        (3.841458820694124, 1, 0.05),
        (5.991464547107979, 2, 0.05),
        (7.814727903251179, 3, 0.05),
        (10.827566170662733, 1, 0.001),
        (18.307038053275146, 10, 0.05),
        (0.0, 4, 1.0),
        (1_500.0, 1, 0.0),
        (1_500.0, 7, 0.0),
    ],
)
def test_the_tail_of_a_chi_square(value: float, degrees: int, tail: float) -> None:
    """Against the tables that every book has."""
    assert math.isclose(chi_square_tail(value, degrees), tail, rel_tol=1e-9, abs_tol=1e-12)


def test_a_split_that_went_wrong_is_found() -> None:
    assert sample_ratio_p({"a": 5_000, "b": 5_000}, {"a": 50, "b": 50}) == 1.0
    assert sample_ratio_p({"a": 5_300, "b": 4_700}, {"a": 50, "b": 50}) < 0.001
    assert sample_ratio_p({"a": 10_000}, {"a": 50, "b": 50}) < 0.001
