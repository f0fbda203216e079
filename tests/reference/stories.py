"""Short spellings for tests: facts, models and the lines of a timeline."""

import itertools

from tests.reference.evaluator import Event
from tests.reference.zones import instant, text


def fact(kind: str, occurred: str, known: str | None = None, fact_id: str = "", **attributes) -> dict:
    """A fact as the reference reads it; `amount` and `lines` go where they belong. Positions follow `numbered`."""
    amount, lines = attributes.pop("amount", None), attributes.pop("lines", [])
    return {
        "fact_id": fact_id or f"{kind}-{occurred}",
        "source": "",
        "kind": kind,
        "occurred_at": instant(occurred),
        "known_at": instant(known or occurred),
        "amount": amount,
        "currency": None if amount is None else "USD",
        "attributes": attributes,
        "lines": lines,
    }


def numbered(facts: list[dict]) -> list[dict]:
    """With positions in the order in which they were known."""
    places = itertools.count(1)
    return [{**one, "position": next(places)} for one in sorted(facts, key=lambda one: one["known_at"])]


def ladder(policy: dict | None = None, within: str | None = "30 days", zone: str = "UTC", tiers: int = 3) -> dict:
    """Tiers t0, t1, t2 … for so many orders within a window."""
    count = {"count": "order"} | ({"within": within} if within else {})
    names = [f"t{number}" for number in range(tiers)]
    return {
        "scheme": "value",
        "dimension": "value",
        "time_zone": zone,
        "currency": "USD",
        "tiers": names,
        "features": {"orders": count},
        "rules": {name: f"orders >= {number}" for number, name in enumerate(names) if number},
        "policy": policy or {},
    }


def told(events: list[Event]) -> list[str]:
    """'2026-01-31T00:00:00Z tier-changed t1>t0 timer', a line an event."""
    return [
        f"{text(event['effective_at'])} {event['topic']} {event['from']}>{event['to']} {event['cause']}"
        for event in events
    ]


def told_all_schemes(events: list[Event]) -> list[str]:
    """'2026-01-31T00:00:00Z value[a] tier-changed t1>t0 timer': with the scheme, and the scope if there is one."""
    return [
        f"{when} {event['scheme']}{'[' + event['scope'] + ']' if event['scope'] else ''} {rest}"
        for event, (when, rest) in zip(events, (line.split(" ", 1) for line in told(events)), strict=True)
    ]
