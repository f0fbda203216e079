"""Random models and timelines: many facts on boundaries, late, ahead of time, voided, around odd local days."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from tests.reference.evaluator import TagCommand, Version, tags_at
from tests.reference.random_models import Shape, make_model
from tests.reference.zones import SECOND, Zone, add_months, zone

DAY = 86_400 * SECOND
_KINDS = ("order",) * 6 + ("visit",) * 3 + ("order_completed", "refund", "refund", "profile", "void")
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
class Person:
    """One subject: facts by known_at, and what was done to its tags."""

    facts: list[dict]
    tags: list[TagCommand]


@dataclass(frozen=True)
class Case:
    """Versions of one to three schemes, and some subjects; decided are the instants before `until`."""

    seed: int
    schemes: dict[str, list[Version]]
    people: list[Person]
    sealed_at: int | None
    until: int


@dataclass(frozen=True)
class _Time:
    """Where and when a case plays: local days from `start` on."""

    local: Zone
    name: str
    start: date
    days: int
    sealed_at: int | None


def make_case(seed: int, subjects: int = 4, spans: tuple[int, ...] = (12, 40, 90, 150)) -> Case:
    """The same arguments give the same case. spans: days, one of which it takes."""
    random = Random(seed)
    name, start = random.choice(_PLACES)
    local = zone(name)
    days = random.choice(spans)
    start += timedelta(days=random.randrange(-3, 12))
    began = local.midnight(start)
    sealed_at = began + random.randrange(days * DAY) if random.random() < 0.3 else None
    time = _Time(local, name, start, days, sealed_at)
    until = _instant(random, time) if random.random() < 0.3 else began + days * DAY
    until = max(until, began + 5 * DAY, sealed_at or 0)
    schemes = _schemes(random, time)
    people = [_person(random, time) for _ in range(subjects)]
    return Case(seed, schemes, people, sealed_at, until)


def _schemes(random: Random, time: _Time) -> dict[str, list[Version]]:
    """One scheme as a rule, or some that read each other, each with one to three versions."""
    names = random.sample(("value", "mood", "local"), random.choice((1, 1, 1, 2, 3)))
    shapes = {name: _shape(random, name, time) for name in names}
    schemes: dict[str, list[Version]] = {name: [] for name in names}
    activations = sorted((at, name) for name in names for at in _activations(random, time))
    for at, name in activations:
        readable = {other: shapes[other].tiers for other in names if _may_read(name, other, shapes, schemes)}
        moved = replace(shapes[name], zone_name=random.choice(_PLACES)[0])
        shape = shapes[name] if random.random() < 0.93 else moved  # a version may keep another time
        schemes[name].append(Version(make_model(random, shape, readable), at))
    return schemes


def _shape(random: Random, scheme: str, time: _Time) -> Shape:
    tiers = [f"{scheme[0]}{number}" for number in range(random.choice((2, 3, 4)))]
    zone_name = time.name if random.random() < 0.9 else random.choice(_PLACES)[0]
    per = random.choice((None, None, None, "shop", "shop", "band"))
    return Shape(scheme, zone_name, tiers, random.random() < 0.15, per)


def _activations(random: Random, time: _Time) -> list[int]:
    """The first is old, as a rule; else all come within the time."""
    instants = {0 if random.random() < 0.8 else _instant(random, time)}
    while random.random() < 0.3:
        instants.add(_instant(random, time))
    ordered = sorted(instants)
    if time.sealed_at is not None:
        ordered[0] = min(ordered[0], time.sealed_at - 1)
    return ordered


def _may_read(name: str, other: str, shapes: dict[str, Shape], schemes: dict[str, list[Version]]) -> bool:
    """A platform scheme is read by everybody, others by those of the same `per`; what is in force forms no circle."""
    if shapes[other].per not in (None, shapes[name].per):
        return False
    reached, waiting = set(), [other]
    while waiting:
        scheme = waiting.pop()
        reached.add(scheme)
        waiting += schemes[scheme][-1].reads - reached if schemes[scheme] else ()
    return name not in reached


def _person(random: Random, time: _Time) -> Person:
    facts = _facts(random, time)
    return Person(facts, _commands(random, time, facts))


def _commands(random: Random, time: _Time, facts: list[dict]) -> list[TagCommand]:
    """Each has an instant of its own, after the first fact is known and, in a session of history, after its sealing."""
    taken = {fact["known_at"] for fact in facts}
    instants = set()
    for _ in range(random.choice((0, 0, 1, 2, 4))):
        at = max(_instant(random, time), facts[0]["known_at"] + 1, (time.sealed_at or 0) + 1)
        while at in taken | instants:
            at += 1
        instants.add(at)
    commands: list[TagCommand] = []
    for at in sorted(instants):
        tag, until = random.choice(("vip", "vip", "new")), _instant(random, time)
        if tag not in tags_at(commands, at):
            commands.append(TagCommand(at, tag, True, until if random.random() < 0.5 and until > at else None))
        elif random.random() < 0.7 or until <= at:
            commands.append(TagCommand(at, tag, False))
        else:
            commands.append(TagCommand(at, tag, True, until))  # another end than it has: the same would be no command
    return commands


def _facts(random: Random, time: _Time) -> list[dict]:
    found: list[dict] = []
    for number in range(random.choice((1, 2, 4, 8, 14, 20) if time.days > 14 else (1, 2, 3, 5, 8, 12))):
        occurred = _instant(random, time)
        if found and random.random() < 0.15:
            occurred = random.choice(found)["occurred_at"]
        if time.sealed_at is not None and occurred < time.sealed_at and random.random() < 0.8:
            known = occurred
        else:
            known = _known(random, time, occurred, found)
            known = known if time.sealed_at is None else max(known, time.sealed_at + 1)
        if random.random() < 0.05:  # heard of long after
            years = random.choice((1, 2))
            occurred = time.local.midnight(add_months(time.local.day(occurred), -12 * years)) + random.choice((0, 1))
        found.append(_fact(random, number, occurred, known, found))
    found.sort(key=lambda fact: fact["known_at"])
    return [{**fact, "position": position} for position, fact in enumerate(found, 1)]


def _instant(random: Random, time: _Time) -> int:
    """Often a local midnight, or next to one."""
    midnight = time.local.midnight(time.start + timedelta(days=random.randrange(time.days)))
    how = random.random()
    if how < 0.2:
        return midnight
    if how < 0.3:
        return midnight - 1
    if how < 0.4:
        return midnight + random.choice((1, 3600 * SECOND, 86_399 * SECOND))
    return midnight + random.randrange(DAY)


def _known(random: Random, time: _Time, occurred: int, others: list[dict]) -> int:
    """At once, with another fact, late by up to 20 days (by the case's length, if it is shorter), or ahead of time."""
    how, late = random.random(), min(time.days, 20)
    if how < 0.55:
        return occurred
    if how < 0.65 and others:
        return random.choice(others)["known_at"]
    if how < 0.75:
        return time.local.midnight(time.local.day(occurred) + timedelta(days=random.randrange(1, late)))
    if how < 0.88:
        return occurred + random.randrange(late * DAY)
    return occurred - random.randrange(late // 2 * DAY)


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
    elif kind in ("order", "order_completed", "refund"):
        amount = random.choice((0, 1, 500, 1_000, 1_001, 2_500, None))
        if kind != "order" and random.random() < 0.9:
            orders = [other["fact_id"] for other in others if other["kind"] == "order"]
            attributes["order_id"] = random.choice([*orders, *orders, "f4", "f19", "", 1])
    if random.random() < 0.8:
        attributes["shop"] = random.choice(("s1", "s1", "s2", "\uffee", "", 1))
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
        "currency": None if amount is None else random.choice(("USD",) * 12 + ("EUR",)),
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
