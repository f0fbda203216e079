"""The product's decisions on whole subjects, told in the reference's words: in one go, or in pieces as time goes on."""

from dataclasses import replace
from uuid import UUID

from pydantic import TypeAdapter

from domain.facts.fact import Fact
from domain.facts.table import NEVER, FactTable, RecordedFact, table_from_facts
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.spans import ALWAYS
from domain.tier_model.spec import TierModelSpec
from domain.tier_model.timeline import Force
from domain.user_tier import scheme_walk
from domain.user_tier.decide import Subject
from domain.user_tier.decide import decide as decide_batch
from domain.user_tier.decisions import NewEvent
from domain.user_tier.tags import TagSpan, held_tags, with_tag, without_tag
from tests.reference.cases import DAY, Case
from tests.reference.evaluator import Event, TagCommand, Version


class Subjects:
    """The subjects of a case as the product sees them; `decide_until` may be asked for later and later instants."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._forces = {scheme: _forces(versions, case.sealed_at) for scheme, versions in case.schemes.items()}
        self._subjects = [
            Subject(UUID(int=number), 0, history_until=case.sealed_at) for number in range(len(case.people))
        ]

    def decide_until(self, now: int) -> tuple[list[list[Event]], list[int]]:
        """What is decided anew, per subject, with what is known before `now`; and when each is due next."""
        forces = {scheme: tuple(force for force in of if force.since < now) for scheme, of in self._forces.items()}
        forces = {scheme: of for scheme, of in forces.items() if of}
        if not forces:
            return [[] for _ in self._subjects], [NEVER for _ in self._subjects]
        subjects = [
            replace(subject, tags=_tags(subject, person.tags, now))
            for subject, person in zip(self._subjects, self._case.people, strict=True)
        ]
        decided = decide_batch(subjects, table_of(self._case, now), forces, now).decided
        self._subjects = [
            replace(
                subject,
                stream_version=subject.stream_version + len(found.events),
                decided_at=now - 1,
                observation=found.observation,
            )
            for subject, found in zip(subjects, decided, strict=True)
        ]
        due = [NEVER if found.due_at is None else found.due_at for found in decided]
        return [[_event(event) for event in found.events if event.scheme] for found in decided], due


def decide(case: Case) -> list[list[Event]]:
    """The whole case in one go."""
    return Subjects(case).decide_until(case.until)[0]


def foresee(days: int) -> None:
    """How far ahead the product looks for the next drop on a card. That takes most of its time, and is not compared."""
    scheme_walk.LOOK_AHEAD = days * DAY


def _forces(versions: list[Version], sealed_at: int | None) -> list[Force]:
    forces: list[Force] = []
    for number, version in enumerate(versions, 1):
        model = CompiledModel(_SPEC.validate_python(version.model), number)
        if sealed_at is not None and version.activated_at <= sealed_at:
            forces = [Force(model, ALWAYS)]
        else:
            forces.append(Force(model, version.activated_at))
    return forces


_SPEC: TypeAdapter[TierModelSpec] = TypeAdapter(TierModelSpec)


def _tags(subject: Subject, commands: list[TagCommand], now: int) -> tuple[TagSpan, ...]:
    """What the subject was left with, and what was commanded since then and before now."""
    spans = held_tags(subject.observation)
    for command in commands:
        if not (subject.decided_at or ALWAYS) < command.at < now:
            continue
        if command.present:
            spans = with_tag(spans, command.tag, command.at, command.until)
        else:
            spans = without_tag(spans, command.tag, command.at)
    return spans


def table_of(case: Case, now: int) -> FactTable:
    """What is known before `now`, of all subjects."""
    rows = [
        RecordedFact(subject, _fact(fact), fact["position"], fact["known_at"])
        for subject, person in enumerate(case.people)
        for fact in person.facts
        if fact["known_at"] < now
    ]
    return table_from_facts(rows, len(case.people))


def _fact(fact: dict) -> Fact:
    return Fact(
        fact_id=fact["fact_id"],
        user_id="",
        kind=fact["kind"],
        occurred_at=fact["occurred_at"],
        source=fact["source"],
        amount=fact["amount"],
        currency=fact["currency"],
        attributes=fact["attributes"],
        lines=tuple(fact["lines"]),
    )


def _event(event: NewEvent) -> Event:
    topic = event.topic.removeprefix("user-tier.").removesuffix(".v1")
    if topic == "growth-settled":
        values = {name: event.data[name] for name in ("carried", "earned", "deducted", "balance")}
    else:
        values = event.data["receipt"]["features"] | event.data["receipt"]["scores"]
    return {
        "topic": topic,
        "from": event.from_tier,
        "to": event.to_tier,
        "values": values,
        "scheme": event.scheme,
        "scope": event.scope,
        "effective_at": event.effective_at,
        "cause": event.data["cause"],
    }
