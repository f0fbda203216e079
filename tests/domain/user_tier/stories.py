"""Short stories for decisions: facts as (instant, kind, ...), models as mappings, and what was decided as lines."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.facts.fact import Fact
from domain.facts.instants import format_instant, parse_instant
from domain.facts.table import FactTable, RecordedFact, table_from_facts
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.spans import ALWAYS
from domain.tier_model.spec import TierModelSpec
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Command, Decided, Subject, decide
from domain.user_tier.decisions import NewEvent
from domain.user_tier.tags import TagSpan

ANN = UUID(int=1)


def at(text: str) -> int:
    """'2026-01-31' or '2026-01-31T12:00' in UTC to an instant."""
    return parse_instant(f"{text if 'T' in text else text + 'T00:00'}:00Z")


def fact(when: str, kind: str, amount: int | None = None, *, fact_id: str = "", known: str = "", **attributes: Any):
    """(fact, known_at); amount in minor units."""
    return (
        Fact(
            fact_id=fact_id or f"{kind}-{when}-{amount}",
            user_id="ann",
            kind=kind,
            occurred_at=at(when),
            amount=amount,
            currency="USD" if amount is not None else None,
            attributes=attributes,
        ),
        at(known or when),
    )


def table(facts: Sequence[tuple[Fact, int]]) -> FactTable:
    """One subject's facts."""
    rows = sorted(facts, key=lambda pair: pair[1])
    return table_from_facts([RecordedFact(0, what, number, known) for number, (what, known) in enumerate(rows, 1)], 1)


def model(scheme: str, version: int = 1, **parts: Any) -> CompiledModel:
    """A model of UTC and USD, on the dimension value."""
    common = {"scheme": scheme, "dimension": "value", "time_zone": "UTC", "currency": "USD"}
    return CompiledModel(TierModelSpec.model_validate({**common, **parts}), version)


def run(
    facts: Sequence[tuple[Fact, int]],
    *models: CompiledModel | tuple[CompiledModel, str],
    until: str,
    tags: Sequence[TagSpan] = (),
    commands: Sequence[Command] = (),
) -> Decided:
    """Everything before `until`; a model alone is in force from the beginning, else from an instant on."""
    forces: dict[str, tuple[Force, ...]] = {}
    for given in models:
        compiled, since = given if isinstance(given, tuple) else (given, "")
        force = Force(compiled, at(since) if since else ALWAYS)
        forces[compiled.scheme] = (*forces.get(compiled.scheme, ()), force)
    subject = Subject(ANN, 0, tags=tuple(tags), commands=tuple(commands))
    return decide([subject], table(facts), forces, at(until)).decided[0]


def told(events: Sequence[NewEvent]) -> list[str]:
    """'2026-01-31T12:00:00Z value tier-changed low -> high evaluation', a line an event; the enrolment left out."""
    return [_line(event) for event in events if event.topic != "user-tier.user-enrolled.v1"]


def _line(event: NewEvent) -> str:
    where = f"{event.scheme}/{event.scope}" if event.scope else event.scheme
    topic = event.topic.removeprefix("user-tier.").removesuffix(".v1")
    moved = f"{event.from_tier} -> {event.to_tier}" if event.from_tier != event.to_tier else event.to_tier
    said = [format_instant(event.effective_at), where, topic, moved, event.data.get("cause")]
    if topic == "growth-settled":
        said.append("{carried} + {earned} - {deducted} = {balance}".format(**event.data))
    return " ".join(str(word) for word in said if word)
