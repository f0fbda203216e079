"""Random models: features, scores, rules and policies, with constants that their values meet."""

from random import Random

_LENGTHS = (1, 2, 3, 7, 10, 30)
_SHORT = ("2 days", "5 days", "10 days", "1 week", "20 days", "1 month", "this month")


def make_model(random: Random, zone_name: str, tiers: list[str], unordered: bool) -> dict:
    """One of every kind of feature now and then, rules that ask for values that occur, and a policy."""
    features = {f"f{number}": _feature(random) for number in range(random.choice((1, 2, 3)))}
    climbing = not unordered and random.random() < 0.6
    if climbing:
        features["rung"] = {"count": random.choice(("order", "visit"))} | {"within": random.choice(_SHORT)}
    scores = _scores(random, features)
    model = {
        "scheme": "value",
        "dimension": "value",
        "time_zone": zone_name,
        "currency": "USD",
        "tiers": tiers,
        "features": features,
        "scores": scores,
        "rules": {},
        "policy": {},
    }
    for rung, tier in enumerate(tiers if unordered else tiers[1:], 1):
        enter = f"rung >= {rung}" if climbing and random.random() < 0.8 else _condition(random, features, scores)
        with_keep = not unordered and random.random() < 0.3
        model["rules"][tier] = {"enter": enter, "keep": _condition(random, features, scores)} if with_keep else enter
    if unordered:
        model |= {"unordered": True, "default": tiers[-1]}
        if random.random() < 0.5:
            model["policy"] = {"minimum_stay": _days(random)}
    else:
        model["policy"] = _policy(random)
    return model


def _feature(random: Random) -> dict:
    kind = random.choice(("order", "order", "visit", "refund"))
    group = random.choice((_plain, _plain, _plain, _compared, _compared, _of_lines))
    feature = random.choice(group(random, kind))
    window = random.random()
    if window < 0.7 or "trend" in feature:
        feature["within"] = random.choice(
            [f"{length} days" for length in _LENGTHS]
            + ["1 week", "2 weeks", "1 month", "2 months", "1 year", "this month", "this quarter", "this year"]
        )
    elif window < 0.85:
        feature["since"] = random.choice(("enrolment", "anniversary"))
    if random.random() < (0.2 if window < 0.85 else 0.05):
        feature["through"] = "yesterday"
    if random.random() < 0.15:
        feature["after"] = f"{random.choice(_LENGTHS)} days"
    if random.random() < (0.5 if "refund" in str(feature) else 0.05):
        feature["refunds"] = "at_order"
    if random.random() < 0.2:
        feature["where"] = random.choice(
            ("n > 1", "band = 'a'", "band in ('a', 'b') or n is null", "not n = 2", "band <> 'c' and n >= 0")
        )
    return feature


_CUTS = {"money": (0, 500, 1_000, 1_001, 3_000), "ratio": (0, 1 / 3, 0.5, 1, 1.5, 3)}


def _plain(random: Random, kind: str) -> list[dict]:
    return [
        {"count": kind},
        {"count": kind},
        {"sum": "order.amount", "minus": "refund.amount"},
        {"sum": random.choice(("order.amount", "refund.amount"))},
        {"sum": f"{kind}.n"},
        {"avg": "order.amount"},
        {"avg": f"{kind}.n"},
        {"min": f"{kind}.n"},
        {"max": "order.amount"},
        {"distinct": f"{kind}.band"},
        {"latest": "order.band"},
        {"latest": "profile.band"},
        {"latest": f"{kind}.n"},
        {"days_since": kind},
        {"days_since": kind, "first": True},
    ]


def _compared(random: Random, kind: str) -> list[dict]:
    of = random.choice(("band = 'a'", "n > 1", "not band = 'b'", "amount >= money(10.00)"))
    return [
        {"top": random.choice((f"{kind}.label", "order.band"))},
        {"top": random.choice((f"{kind}.label", "order.band")), "by": "amount"},
        {"share": kind, "of": of},
        {"share": random.choice((f"{kind}.n", "order.amount")), "of": of},
        {"trend": f"count {kind}"},
        {"trend": f"sum {random.choice((f'{kind}.n', 'order.amount'))}"},
        {"rate": kind, "per": f"{random.choice(_LENGTHS)} days"},
        {"rate": kind, "per": f"{random.choice(_LENGTHS)} days"},
    ]


def _of_lines(random: Random, kind: str) -> list[dict]:
    lines = "refund.lines" if kind == "refund" else "order.lines"
    return [
        {"sum": "order.lines.amount", "minus": "refund.lines.amount"},
        {random.choice(("sum", "avg", "min", "max")): f"{lines}.n"},
        {random.choice(("sum", "avg", "min", "max", "latest")): f"{lines}.amount"},
        {random.choice(("distinct", "latest")): f"{lines}.band"},
        {"top": f"{lines}.{random.choice(('band', 'label'))}"},
        {"top": f"{lines}.{random.choice(('band', 'label'))}", "by": "amount"},
        {"share": f"{lines}.{random.choice(('n', 'amount'))}", "of": "band = 'a'"},
        {"trend": f"sum {lines}.{random.choice(('n', 'amount'))}"},
    ]


def _scores(random: Random, features: dict) -> dict:
    numeric = [name for name, feature in features.items() if _type(feature) != "text"]
    if not numeric or random.random() < 0.5:
        return {}
    scores: dict = {}
    for number in range(random.choice((1, 2))):
        of = random.choice(numeric)
        among = _CUTS.get(_type(features[of]), (-1, 0, 1, 2, 3, 5, 12, 30))
        cuts = sorted(random.sample(among, random.choice((1, 2, 3))))
        scores[f"s{number}"] = {"of": of, "best": random.choice(("high", "low")), "cuts": cuts}
    if random.random() < 0.4:
        weighted = {name: random.choice((1, 2, -1, 0.5)) for name in scores}
        scores["w"] = {"weighted": weighted} | ({"missing": 0} if random.random() < 0.5 else {})
    return scores


def _condition(random: Random, features: dict, scores: dict) -> str:
    parts = [_comparison(random, features, scores) for _ in range(random.choice((1, 1, 2, 3)))]
    text = parts[0]
    for part in parts[1:]:
        text = f"({text}) {random.choice(('and', 'or'))} {part}"
    return f"not ({text})" if random.random() < 0.1 else text


def _comparison(random: Random, features: dict, scores: dict) -> str:
    name = random.choice([*features, *scores])
    if name in scores:
        return f"{name} {random.choice(('>=', '>', '<=', '='))} {random.choice((1, 2, 3))}"
    kind = _type(features[name])
    if random.random() < 0.1:
        return f"{name} is {random.choice(('', 'not '))}null"
    if kind == "text":
        return random.choice((f"{name} = 'a'", f"{name} in ('a', 'b')", f"{name} <> 'c'", f"{name} > 'b'"))
    if kind == "money":
        return (
            f"{name} {random.choice(('>=', '>', '<'))} money({random.choice(('0', '5.00', '10.00', '10.01', '30.00'))})"
        )
    if kind == "ratio":
        return _ratio_comparison(random, name, features[name])
    number = random.choice((0, 1, 2, 3, 5) if "days_since" not in features[name] else (0, 1, 3, 7, 20))
    return random.choice(
        (
            f"{name} >= {number}",
            f"{name} > {number}",
            f"{name} <= {number}",
            f"{name} between {number} and {number + 2}",
            f"{name} + 1 > {number}",
            f"coalesce({name}, 0) >= {number}",
            f"{name} / 2 >= {number}",
        )
    )


def _ratio_comparison(random: Random, name: str, feature: dict) -> str:
    """With a float that the feature can be, to the last bit, or a plain number."""
    part, whole = random.choice((0, 1, 1, 2, 3)), random.choice((1, 2, 3, *_LENGTHS))
    if "rate" in feature:
        days = feature.get("within", "").removesuffix(" days")
        value = part / (int(days) if days.isdigit() else whole) * int(feature["per"].split()[0])
    else:
        value = part / whole
    value = value if random.random() < 0.8 else random.choice((0, 0.5, 1, 2))
    return random.choice(
        (
            f"{name} >= {value}",
            f"{name} > {value}",
            f"{name} < {value}",
            f"{name} = {value}",
            f"coalesce({name}, 0) >= {value}",
            f"{name} * 2 >= {value}",
        )
    )


def _type(feature: dict) -> str:
    if any(key in feature for key in ("share", "trend", "rate")):
        return "ratio"
    if "top" in feature:
        return "text"
    field = next((feature[key] for key in ("sum", "avg", "min", "max", "latest") if key in feature), "")
    if field.endswith(".amount"):
        return "money"
    return "text" if "latest" in feature and field.endswith(".band") else "number"


def _policy(random: Random) -> dict:
    policy: dict = {}
    if random.random() < 0.25:
        policy["upgrade"] = "at_review"
    if random.random() < 0.1:
        policy["downgrade"] = "never"
    elif random.random() < 0.85:
        review = random.choice(
            (
                *(
                    "continuous",
                    "continuous",
                    "monthly",
                    "monthly",
                    "quarterly",
                    "half-yearly",
                    "yearly",
                    "anniversary",
                ),
                {"every": "1 month", "day": random.choice((1, 15, 31))},
                {"every": "3 months", "day": 30},
            )
        )
        policy["downgrade"] = {"review": review}
        if random.random() < 0.5:
            policy["downgrade"]["grace"] = _days(random)
        if random.random() < 0.5:
            policy["downgrade"]["steps"] = random.choice((1, 2, "all"))
    if random.random() < 0.3:
        policy["minimum_stay"] = _days(random)
    if random.random() < 0.4:
        policy["validity"] = random.choice((_days(random), "1 month", "2 months", "1 year"))
    if random.random() < 0.4:
        policy["warn"] = _days(random)
    return policy


def _days(random: Random) -> str:
    return f"{random.choice(_LENGTHS)} days"
