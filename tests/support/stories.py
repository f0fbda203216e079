"""Timelines as people write them: facts a line each, and what is decided on them, a line each.

A fact: `2026-03-01 09:30 order 200.00 order_id=A`, its local day, time (noon when left out), kind, amount in the
scheme's currency, attributes; `#` begins a comment. A decision: local day and time, what is recorded, tiers, clause.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from domain.facts.fact import Fact
from domain.facts.instants import parse_instant, to_datetime
from domain.facts.table import NEVER, RecordedFact, table_from_facts
from domain.tier_model.calendar import load_zone
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.model_columns import ModelColumns
from domain.tier_model.spans import ALWAYS
from domain.tier_model.spec import canonical_json, parse_model
from domain.tier_model.timeline import Decision, Force, SchemeInput
from domain.tier_model.walk import walk
from domain.user_tier.decide import Decided, Subject, decide
from domain.user_tier.decisions import NewEvent
from domain.user_tier.tags import TagSpan
from tests.reference.evaluator import Event, Version, decide_timeline

_MINOR_UNITS = 100  # of every currency in the stories
_AMOUNT = re.compile(r"\d+(\.\d+)?")
_TIME = re.compile(r"\d\d:\d\d")


@dataclass(frozen=True)
class Story:
    """What happened to one user, and what is decided before the local day `until`."""

    facts: list[str]
    decisions: list[str]
    until: str


def read_story(text: str) -> Story:
    """Sections `facts` and `decisions until DAY`, each line of them stripped of comments and doubled spaces."""
    lines = [line for line in (_plain(line) for line in text.splitlines()) if line]
    head = next(number for number, line in enumerate(lines) if line.startswith("decisions until "))
    assert lines[0] == "facts", f"begins with {lines[0]!r}, not with facts"
    return Story(lines[1:head], lines[head + 1 :], lines[head].split()[-1])


def told_by_the_product(model_text: str, facts: list[str], until: str) -> list[str]:
    """The product's decisions before the local day `until`, a line each."""
    model = CompiledModel(parse_model(model_text), 1)
    zone = load_zone(model.spec.time_zone)
    rows = [
        RecordedFact(0, fact, position, fact.occurred_at)
        for position, fact in enumerate(_facts(facts, zone, model.spec.currency), 1)
    ]
    table = table_from_facts(rows)
    work = SchemeInput((Force(model, ALWAYS),), np.full(1, ALWAYS, dtype=np.int64), [None])
    end = _instant(until, "00:00", zone)
    result = walk(table, {model.content_hash: ModelColumns(model, table)}, work, end, end)
    return [_told(decision, zone) for decision in result.decisions]


def told_together(model_texts: list[str], facts: list[str], until: str) -> list[str]:
    """Of several schemes, or one per attribute: the product's decisions, each with its scheme (and scope).

    Among the facts may stand tags: `2026-05-01 tag vip until=2026-05-11`.
    """
    decided = decided_together(model_texts, facts, until)
    zone = load_zone(parse_model(model_texts[0]).time_zone)
    return [_told_new_event(event, zone) for event in decided.events if event.scheme]


def decided_together(model_texts: list[str], facts: list[str], until: str) -> Decided:
    """One user's events and observation, as of the local midnight `until`."""
    models = [CompiledModel(parse_model(text), 1) for text in model_texts]
    spec = models[0].spec
    zone = load_zone(spec.time_zone)
    tags = [line for line in map(_plain, facts) if "tag" in line.split()]
    plain = [line for line in map(_plain, facts) if line not in tags]
    rows = [
        RecordedFact(0, fact, position, fact.occurred_at)
        for position, fact in enumerate(_facts(plain, zone, spec.currency), 1)
    ]
    forces = {model.scheme: (Force(model, ALWAYS),) for model in models}
    subject = Subject(UUID(int=1), 0, tags=tuple(_tag(line, zone) for line in tags))
    return decide([subject], table_from_facts(rows), forces, _instant(until, "00:00", zone)).decided[0]


def told_by_the_reference(model_text: str, facts: list[str], until: str) -> list[str]:
    """The same by the evaluator that shares no code with the product; it names no clauses."""
    spec = parse_model(model_text)
    zone = load_zone(spec.time_zone)
    plain = [
        {
            "fact_id": fact.fact_id,
            "source": "",
            "kind": fact.kind,
            "occurred_at": fact.occurred_at,
            "known_at": fact.occurred_at,
            "amount": fact.amount,
            "currency": fact.currency,
            "attributes": dict(fact.attributes),
            "lines": [],
            "position": position,
        }
        for position, fact in enumerate(_facts(facts, zone, spec.currency), 1)
    ]
    version = Version(json.loads(canonical_json(spec)), 0)
    return [_told_event(event, zone) for event in decide_timeline(plain, [version], _instant(until, "00:00", zone))]


def without_clauses(decisions: list[str]) -> list[str]:
    """The lines without their last word, the clause."""
    return [line.rsplit(" ", 1)[0] for line in decisions]


def _plain(line: str) -> str:
    return " ".join(line.split("#")[0].split())


def _facts(lines: list[str], zone: ZoneInfo, currency: str) -> list[Fact]:
    return [_fact(_plain(line), number, zone, currency) for number, line in enumerate(lines)]


def _fact(line: str, number: int, zone: ZoneInfo, currency: str) -> Fact:
    day, *words = line.split()
    time = words.pop(0) if _TIME.fullmatch(words[0]) else "12:00"
    kind, *words = words
    amount = round(float(words.pop(0)) * _MINOR_UNITS) if words and _AMOUNT.fullmatch(words[0]) else None
    attributes: dict[str, Any] = {}
    for name, _, value in (word.partition("=") for word in words):
        attributes[name] = int(value) if re.fullmatch(r"-?\d+", value) else value
    return Fact(
        str(number),
        "ann",
        kind,
        _instant(day, time, zone),
        amount=amount,
        currency=None if amount is None else currency,
        attributes=attributes,
    )


def _instant(day: str, time: str, zone: ZoneInfo) -> int:
    local = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone)
    return parse_instant(local.isoformat())


def _told(decision: Decision, zone: ZoneInfo) -> str:
    outcome = decision.outcome
    tiers = _tiers(outcome.kind, outcome.from_tier, outcome.to_tier)
    if outcome.growth is not None:
        tiers += f" {outcome.growth.carried + outcome.growth.earned} -> {outcome.growth.balance}"
    return _line(decision.instant, zone, outcome.kind, tiers, outcome.clause)


def _told_event(event: Event, zone: ZoneInfo) -> str:
    tiers = _tiers(event["topic"], event["from"], event["to"])
    if event["topic"] == "growth-settled":
        settled = event["values"]
        tiers += f" {settled['carried'] + settled['earned']} -> {settled['balance']}"
    return _line(event["effective_at"], zone, event["topic"], tiers, "")


def _tag(line: str, zone: ZoneInfo) -> TagSpan:
    day, *words = line.split()
    time = words.pop(0) if _TIME.fullmatch(words[0]) else "12:00"
    ends = words[2].removeprefix("until=") if len(words) > 2 else None
    return TagSpan(words[1], _instant(day, time, zone), NEVER if ends is None else _instant(ends, "00:00", zone))


def _told_new_event(event: NewEvent, zone: ZoneInfo) -> str:
    kind = event.topic.removeprefix("user-tier.").removesuffix(".v1")
    where = f"{event.scheme}/{event.scope}" if event.scope else event.scheme
    tiers = _tiers(kind, event.from_tier, str(event.to_tier))
    return _line(event.effective_at, zone, f"{where} {kind}", tiers, event.data["receipt"]["clause"])


def _tiers(kind: str, before: str | None, after: str) -> str:
    return f"{before or ''} -> {after}" if kind == "tier-changed" else after


def _line(instant: int, zone: ZoneInfo, kind: str, tiers: str, clause: str) -> str:
    moment = to_datetime(instant).astimezone(zone)
    return " ".join(f"{moment:%Y-%m-%d %H:%M} {kind} {tiers} {clause}".split())
