"""Random models and timelines: many facts on boundaries, late, ahead of time, voided, around odd local days."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from tests.reference.evaluator import Version
from tests.reference.random_models import make_model
from tests.reference.zones import SECOND, Zone, add_months, zone

DAY = 86_400 * SECOND
_KINDS = ("order",) * 6 + ("visit",) * 3 + ("refund", "profile", "void")
_LABELS = ("a", "b", "c", "\uffee", "\U0001f600", "Z", 1, 2.5, True, None)
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
    return [Version(make_model(random, name, tiers, unordered), instant) for instant in ordered]


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
        if random.random() < 0.05:  # heard of long after
            occurred = local.midnight(add_months(local.day(occurred), -12 * random.choice((1, 2)))) + random.choice(
                (0, 1)
            )
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
    name, source = f"f{number}", ""
    if others and random.random() < 0.08:  # the same name, from elsewhere
        name, source = random.choice(others)["fact_id"], f"s{number}"
    attributes: dict = {}
    amount = None
    if kind == "void":
        named = random.choice(others) if others and random.random() < 0.9 else {"fact_id": "nothing", "source": ""}
        attributes = {"fact_id": named["fact_id"], "source": named["source"], "reason": "test"}
    elif kind in ("order", "refund"):
        amount = random.choice((0, 1, 500, 1_000, 1_001, 2_500))
        if kind == "refund" and random.random() < 0.9:
            orders = [other["fact_id"] for other in others if other["kind"] == "order"]
            attributes["order_id"] = random.choice([*orders, *orders, "f4", "f19", 1])
    if kind != "void":
        if random.random() < 0.8:
            attributes["n"] = random.choice((-1, 0, 1, 2, 3, 5))
        if random.random() < 0.8:
            attributes["band"] = random.choice(("a", "b", "c"))
        if random.random() < 0.8:
            attributes["label"] = random.choice(_LABELS)
    return {
        "fact_id": name,
        "source": source,
        "kind": kind,
        "occurred_at": occurred,
        "known_at": known,
        "amount": amount,
        "currency": None if amount is None else "USD",
        "attributes": attributes,
        "lines": [_line(random) for _ in range(random.choice((0, 1, 2, 3)))] if amount is not None else [],
    }


def _line(random: Random) -> dict:
    line: dict = {"sku": random.choice(("x", "y"))}
    for name, among in (
        ("amount", (0, 1, 500, 1_000)),
        ("n", (-1, 0, 1, 2, 3, 2.5, "many", True, None)),
        ("band", ("a", "b", "c")),
        ("label", _LABELS),
    ):
        if random.random() < 0.8:
            line[name] = random.choice(among)
    return line
