"""Random policies: every review calendar, grace, steps, minimum stay, validity and warnings."""

from random import Random

_LENGTHS = (1, 2, 3, 7, 10, 30)
_REVIEWS = ("continuous", "monthly") * 2 + ("quarterly", "half-yearly", "yearly", "anniversary", "validity")


def some_days(random: Random) -> str:
    """A length in days."""
    return f"{random.choice(_LENGTHS)} days"


def make_policy(random: Random, growing: bool) -> dict:
    """For an ordered scheme. Where growth is kept, validity ends as a rule."""
    policy: dict = {}
    if random.random() < 0.25:
        policy["upgrade"] = "at_review"
    if random.random() < 0.1:
        policy["downgrade"] = "never"
    elif random.random() < 0.85:
        review = random.choice(
            (
                *_REVIEWS,
                {"every": "1 month", "day": random.choice((1, 15, 31))},
                {"every": "3 months", "day": 30},
            )
        )
        policy["downgrade"] = {"review": review}
        if random.random() < 0.5:
            policy["downgrade"]["grace"] = some_days(random)
        if random.random() < 0.5:
            policy["downgrade"]["steps"] = random.choice((1, 2, "all"))
    if random.random() < 0.3:
        policy["minimum_stay"] = some_days(random)
    if random.random() < (0.85 if growing else 0.4):
        ends = random.choice(("", "", "", " to end of month", " to end of quarter"))
        policy["validity"] = random.choice((some_days(random), "1 month", "2 months", "1 year")) + ends
    if random.random() < 0.4:
        policy["warn"] = some_days(random)
    return policy
