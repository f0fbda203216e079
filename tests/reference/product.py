"""The product's pure walk over facts, answered in the reference's words: in one go, or in pieces as time goes on."""

import numpy as np
from pydantic import TypeAdapter

from domain.facts.fact import Fact
from domain.facts.table import FactTable, RecordedFact, table_from_facts
from domain.tier_model.compiled import CompiledModel, ModelColumns
from domain.tier_model.spec import TierModelSpec
from domain.tier_model.timeline import ALWAYS, Force, SchemeInput, SchemeResult, walk
from tests.reference.cases import Case
from tests.reference.evaluator import Event
from tests.reference.zones import SECOND

_AHEAD = 400 * 86_400 * SECOND  # how far beyond now deadlines are looked for


class Subjects:
    """The subjects of a case as the product sees them; `decide_until` may be asked for later and later instants."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._forces = _forces(case)
        self._decided_at = np.full(len(case.subjects), ALWAYS, dtype=np.int64)
        self._standings: list = [None] * len(case.subjects)

    def decide_until(self, now: int) -> tuple[list[list[Event]], SchemeResult]:
        """What is decided anew, per subject, with the facts and versions known before `now`."""
        table = _table(self._case, now)
        forces = tuple(force for force in self._forces if force.since < now)
        if not forces:
            return [[] for _ in self._case.subjects], SchemeResult(due_at=np.zeros(table.subjects, dtype=np.int64))
        columns = {force.model.content_hash: ModelColumns(force.model, table) for force in forces}
        work = SchemeInput(forces, self._decided_at, self._standings)
        result = walk(table, columns, work, now, now + _AHEAD)
        self._decided_at = np.full(table.subjects, now - 1, dtype=np.int64)
        self._standings = result.standings
        return _events(result, self._case), result


def decide(case: Case) -> list[list[Event]]:
    """The whole case in one go."""
    return Subjects(case).decide_until(case.until)[0]


def _forces(case: Case) -> list[Force]:
    forces = []
    for number, version in enumerate(case.versions, 1):
        model = CompiledModel(_SPEC.validate_python(version.model), number)
        if case.sealed_at is not None and version.activated_at <= case.sealed_at:
            forces = [Force(model, ALWAYS)]
        else:
            forces.append(Force(model, version.activated_at))
    return forces


_SPEC: TypeAdapter[TierModelSpec] = TypeAdapter(TierModelSpec)


def _table(case: Case, now: int) -> FactTable:
    rows = [
        RecordedFact(subject, _fact(fact), fact["position"], fact["known_at"])
        for subject, facts in enumerate(case.subjects)
        for fact in facts
        if fact["known_at"] < now
    ]
    return table_from_facts(rows, len(case.subjects))


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


def _events(result: SchemeResult, case: Case) -> list[list[Event]]:
    events: list[list[Event]] = [[] for _ in case.subjects]
    for decision in result.decisions:
        outcome = decision.outcome
        events[decision.subject].append(
            {
                "topic": outcome.kind,
                "scheme": decision.model.scheme,
                "from": outcome.from_tier,
                "to": outcome.to_tier,
                "effective_at": decision.instant,
                "model_change": decision.model_change,
            }
        )
    return events
