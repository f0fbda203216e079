"""Random models: features, growth, scores, rules and policies, with constants that their values meet."""

from dataclasses import dataclass, field
from random import Random

from tests.reference.random_policies import make_policy, some_days

_LENGTHS = (1, 2, 3, 7, 10, 30)
_SHORT = ("2 days", "5 days", "10 days", "1 week", "20 days", "1 month", "this month", "last month")


@dataclass(frozen=True)
class Shape:
    """What all versions of a scheme have in common."""

    scheme: str
    zone_name: str
    tiers: list[str]
    unordered: bool
    per: str | None


@dataclass(frozen=True)
class _Names:
    """What the rules of one model may read. tiers: of other schemes."""

    features: dict
    scores: dict
    tiers: dict[str, list[str]] = field(default_factory=dict)


def make_model(random: Random, shape: Shape, readable: dict[str, list[str]] | None = None) -> dict:
    """One of every kind of feature now and then, rules that ask for values that occur, and a policy.

    readable: the tiers of the other schemes that its rules may read.
    """
    features = {f"f{number}": _feature(random) for number in range(random.choice((1, 2, 3)))}
    climbing = not shape.unordered and random.random() < 0.6
    if climbing:
        features["rung"] = {"count": random.choice(("order", "visit"))} | _rung_window(random)
    growing = not shape.unordered and random.random() < 0.3
    asked = features | ({"growth": {"growth": True}} if growing else {})
    names = _Names(asked, _scores(random, asked), readable or {})
    model = {
        "scheme": shape.scheme,
        "dimension": "value",
        "time_zone": shape.zone_name,
        "currency": "USD",
        "tiers": shape.tiers,
        "features": features,
        "scores": names.scores,
        "rules": _rules(random, shape, names, climbing, growing),
        "policy": make_policy(random, growing),
    }
    if shape.unordered:
        policy = {"minimum_stay": some_days(random)} if random.random() < 0.5 else {}
        model |= {"unordered": True, "default": shape.tiers[-1], "policy": policy}
    if shape.per is not None:
        model["per"] = shape.per
    return model | ({"growth": _growth(random, shape.tiers)} if growing else {})


def _rung_window(random: Random) -> dict:
    return {"since": "standing"} if random.random() < 0.2 else {"within": random.choice(_SHORT)}


def _rules(random: Random, shape: Shape, names: _Names, climbing: bool, growing: bool) -> dict:
    rules: dict = {}
    step = random.choice((1, 2, 5, 10))
    for rung, tier in enumerate(shape.tiers if shape.unordered else shape.tiers[1:], 1):
        if growing and random.random() < 0.7:
            enter = f"growth >= {rung * step}"
        elif climbing and random.random() < 0.8:
            enter = f"rung >= {rung}"
        else:
            enter = _condition(random, names)
        with_keep = not shape.unordered and random.random() < 0.3
        rules[tier] = {"enter": enter, "keep": _condition(random, names)} if with_keep else enter
    return rules


def _growth(random: Random, tiers: list[str]) -> dict:
    """Points for orders, with refunds or without, for visits and for what they say."""
    earn = {}
    for number in range(random.choice((1, 1, 2, 3))):
        kind = random.choice(("order", "order", "order_completed", "visit"))
        of = f"{kind}.amount" if kind != "visit" else random.choice(("visit", "visit.n"))
        rule: dict = {"points": random.choice((1, 1, 2, 7)), "of": of}
        if of.endswith(".amount"):
            rule["each"] = random.choice(("money(5.00)", "money(5.00)", "money(10.00)", "money(0.07)"))
            if random.random() < 0.6:
                rule["minus"] = "refund.amount"
        elif of == "visit.n" and random.random() < 0.5:
            rule["each"] = random.choice((1, 2))
        if random.random() < 0.2:
            rule["after"] = some_days(random)
        if random.random() < 0.2:
            rule["where"] = random.choice(("n > 1", "band = 'a'", "not n = 2"))
        if "minus" not in rule and random.random() < 0.3:
            rule["at_most"] = random.choice((1, 3, 10))
        earn[f"e{number}"] = rule
    deduct = {tier: random.choice((0, 1, 3, 10, 100, "all")) for tier in tiers if random.random() < 0.7}
    return {"earn": earn, "deduct": deduct}


def _feature(random: Random) -> dict:
    kind = random.choice(("order", "order", "visit", "refund"))
    group = random.choice((_plain, _plain, _plain, _compared, _compared, _of_lines))
    feature = random.choice(group(random, kind))
    window = random.random()
    if window < 0.7 or "trend" in feature:
        feature["within"] = random.choice(
            [f"{length} days" for length in _LENGTHS]
            + [
                "1 week",
                "2 weeks",
                "1 month",
                "2 months",
                "1 year",
                "this month",
                "this quarter",
                "this year",
                "last month",
                "last quarter",
            ]
        )
    elif window < 0.9:
        feature["since"] = random.choice(("enrolment", "anniversary", "standing", "standing"))
    if random.random() < (0.2 if window < 0.9 else 0.05) and not feature.get("within", "").startswith("last "):
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


def _condition(random: Random, names: _Names) -> str:
    parts = [_comparison(random, names) for _ in range(random.choice((1, 1, 2, 3)))]
    text = parts[0]
    for part in parts[1:]:
        text = f"({text}) {random.choice(('and', 'or'))} {part}"
    return f"not ({text})" if random.random() < 0.1 else text


def _comparison(random: Random, names: _Names) -> str:
    if names.tiers and random.random() < 0.5:
        return _tier_comparison(random, names.tiers)
    if random.random() < 0.08:
        return random.choice(("tag('vip')", "tag('new')", "not tag('vip')"))
    features = names.features
    name = random.choice([*features, *names.scores])
    if name in names.scores:
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


def _tier_comparison(random: Random, tiers: dict[str, list[str]]) -> str:
    scheme = random.choice(list(tiers))
    one, other = random.choice(tiers[scheme]), random.choice(tiers[scheme])
    return random.choice(
        (
            f"tier.{scheme} = '{one}'",
            f"tier.{scheme} <> '{one}'",
            f"tier.{scheme} in ('{one}', '{other}')",
            f"tier.{scheme} is {random.choice(('', 'not '))}null",
            f"coalesce(tier.{scheme}, '{other}') = '{one}'",
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
