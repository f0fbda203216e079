"""Random models and timelines: many facts on boundaries, late, ahead of time, voided, around odd local days."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from tests.reference.evaluator import Version
from tests.reference.zones import SECOND, Zone, zone

DAY = 86_400 * SECOND
_PLACES = [  # a zone, and a day shortly before something odd happens there
    ("UTC", date(2026, 1, 20)),
    ("UTC", date(2024, 2, 20)),
    ("Asia/Shanghai", date(2025, 12, 20)),
    ("America/New_York", date(2026, 2, 27)),
    ("America/New_York", date(2025, 10, 25)),
    ("Pacific/Apia", date(2011, 12, 20)),
    ("America/Sao_Paulo", date(2018, 10, 25)),
    ("America/Sao_Paulo", date(2018, 2, 10)),
    ("Africa/Cairo", date(2023, 4, 20)),
    ("Africa/Cairo", date(2023, 10, 18)),
    ("America/St_Johns", date(2006, 10, 20)),
    ("Asia/Kathmandu", date(2026, 1, 29)),
]
_KINDS = ("order",) * 6 + ("visit",) * 3 + ("refund", "profile", "void")
_LENGTHS = (1, 2, 3, 7, 10, 30)
_SHORT = ("2 days", "5 days", "10 days", "1 week", "20 days", "1 month", "this month")


@dataclass(frozen=True)
class Case:
    """Versions of one scheme and, for each of some subjects, its facts; decided are the instants before `until`."""

    seed: int
    versions: list[Version]
    subjects: list[list[dict]]
    sealed_at: int | None
    until: int


def make_case(seed: int, subjects: int = 4) -> Case:
    """The same seed gives the same case."""
    random = Random(seed)
    name, start = random.choice(_PLACES)
    local = zone(name)
    span = random.choice((12, 40, 90, 150))
    start += timedelta(days=random.randrange(-3, 12))
    began = local.midnight(start)
    until = _instant(random, local, start, span) if random.random() < 0.3 else began + span * DAY
    until = max(until, began + 5 * DAY)
    sealed_at = began + random.randrange(span * DAY) if random.random() < 0.3 else None
    until = max(until, sealed_at or 0)
    versions = _versions(random, local, start, span, name, sealed_at)
    people = [_facts(random, local, start, span, sealed_at) for _ in range(subjects)]
    return Case(seed, versions, people, sealed_at, until)


# ---------------------------------------------------------------------------------------------------------------- facts


def _facts(random: Random, local: Zone, start: date, span: int, sealed_at: int | None) -> list[dict]:
    found: list[dict] = []
    for number in range(random.choice((1, 2, 4, 8, 14, 20))):
        occurred = _instant(random, local, start, span)
        if found and random.random() < 0.15:
            occurred = random.choice(found)["occurred_at"]
        if sealed_at is not None and occurred < sealed_at and random.random() < 0.8:
            known = occurred
        else:
            known = _known(random, local, occurred, found)
            known = known if sealed_at is None else max(known, sealed_at)
        found.append(_fact(random, number, occurred, known, found))
    found.sort(key=lambda fact: fact["known_at"])
    return [{**fact, "position": position} for position, fact in enumerate(found, 1)]


def _instant(random: Random, local: Zone, start: date, span: int) -> int:
    day = start + timedelta(days=random.randrange(span))
    midnight = local.midnight(day)
    how = random.random()
    if how < 0.2:
        return midnight
    if how < 0.3:
        return midnight - 1
    if how < 0.4:
        return midnight + random.choice((1, 3600 * SECOND, 86_399 * SECOND))
    return midnight + random.randrange(DAY)


def _known(random: Random, local: Zone, occurred: int, others: list[dict]) -> int:
    how = random.random()
    if how < 0.55:
        return occurred
    if how < 0.65 and others:
        return random.choice(others)["known_at"]
    if how < 0.75:
        return local.midnight(local.day(occurred) + timedelta(days=random.randrange(1, 20)))
    if how < 0.88:
        return occurred + random.randrange(20 * DAY)
    return occurred - random.randrange(10 * DAY)


def _fact(random: Random, number: int, occurred: int, known: int, others: list[dict]) -> dict:
    kind = random.choice(_KINDS)
    attributes: dict = {}
    amount = None
    if kind == "void":
        named = random.choice(others)["fact_id"] if others and random.random() < 0.9 else "nothing"
        attributes = {"fact_id": named, "reason": "test"}
    elif kind in ("order", "refund"):
        amount = random.choice((0, 1, 500, 1_000, 1_001, 2_500))
        if kind == "refund":
            attributes["order_id"] = "f0"
    if kind != "void":
        if random.random() < 0.8:
            attributes["n"] = random.choice((-1, 0, 1, 2, 3, 5))
        if random.random() < 0.8:
            attributes["band"] = random.choice(("a", "b", "c"))
    return {
        "fact_id": f"f{number}",
        "source": "",
        "kind": kind,
        "occurred_at": occurred,
        "known_at": known,
        "amount": amount,
        "currency": None if amount is None else "USD",
        "attributes": attributes,
        "lines": [],
    }


# --------------------------------------------------------------------------------------------------------------- models


def _versions(random: Random, local: Zone, start: date, span: int, name: str, sealed_at: int | None) -> list[Version]:
    """One to three models with one list of tiers. The first is old, now and then; else activated within the time."""
    tiers = [f"t{number}" for number in range(random.choice((2, 3, 4)))]
    unordered = random.random() < 0.15
    instants = {0 if random.random() < 0.8 else _instant(random, local, start, span)}
    while random.random() < 0.3:
        instants.add(_instant(random, local, start, span))
    ordered = sorted(instants)
    if sealed_at is not None:
        ordered[0] = min(ordered[0], sealed_at - 1)
    return [Version(_model(random, name, tiers, unordered), instant) for instant in ordered]


def _model(random: Random, zone_name: str, tiers: list[str], unordered: bool) -> dict:
    features = {f"f{number}": _feature(random) for number in range(random.choice((1, 2, 3)))}
    climbing = not unordered and random.random() < 0.65
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
    feature: dict = random.choice(
        (
            {"count": kind},
            {"count": kind},
            {"sum": "order.amount", "minus": "refund.amount"},
            {"sum": "order.amount"},
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
        )
    ).copy()
    if random.random() < 0.75:
        feature["within"] = random.choice(
            [f"{length} days" for length in _LENGTHS]
            + ["1 week", "2 weeks", "1 month", "2 months", "1 year", "this month", "this quarter", "this year"]
        )
        if random.random() < 0.25:
            feature["through"] = "yesterday"
    if random.random() < 0.2:
        feature["where"] = random.choice(
            ("n > 1", "band = 'a'", "band in ('a', 'b') or n is null", "not n = 2", "band <> 'c' and n >= 0")
        )
    return feature


def _scores(random: Random, features: dict) -> dict:
    numeric = [name for name, feature in features.items() if _type(feature) != "text"]
    if not numeric or random.random() < 0.5:
        return {}
    scores: dict = {}
    for number in range(random.choice((1, 2))):
        of = random.choice(numeric)
        among = (0, 500, 1_000, 1_001, 3_000) if _type(features[of]) == "money" else (-1, 0, 1, 2, 3, 5, 12, 30)
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
        return random.choice((f"{name} = 'a'", f"{name} in ('a', 'b')", f"{name} <> 'c'"))
    if kind == "money":
        return (
            f"{name} {random.choice(('>=', '>', '<'))} money({random.choice(('0', '5.00', '10.00', '10.01', '30.00'))})"
        )
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


def _type(feature: dict) -> str:
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
