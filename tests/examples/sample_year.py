"""The sample year in memory: some households' facts, models fitted on them, and everybody decided to its end."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from domain.facts.fact import Fact
from domain.facts.instants import parse_instant
from domain.facts.table import FactTable, RecordedFact, table_from_facts
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.fit import fit_cuts
from domain.tier_model.model_columns import ModelColumns
from domain.tier_model.spans import ALWAYS, Points
from domain.tier_model.spec import CutScore, TierModelSpec, with_cuts
from domain.tier_model.timeline import Force
from domain.user_tier.decide import Decided, Subject, decide
from examples.sample_data import write_facts

Row = tuple[int, Fact]


class SampleYear:
    """households: how many, by a stable hash. extra: further facts, of subjects by their number."""

    def __init__(self, directory: Path, households: int) -> None:
        files = write_facts(directory, weeks=0, households=households)
        self.users = files.users.read_text().split()
        numbers = {user: number for number, user in enumerate(self.users)}
        with files.facts.open() as lines:
            self.rows: list[Row] = [(numbers[fact["user_id"]], _fact(fact)) for fact in map(json.loads, lines)]
        self.ends = parse_instant(files.last_occurred_at) + 1

    def table(self, extra: Sequence[Row] = ()) -> FactTable:
        """Known when they occurred."""
        rows = sorted([*self.rows, *extra], key=lambda row: row[1].occurred_at)
        recorded = [RecordedFact(number, fact, place, fact.occurred_at) for place, (number, fact) in enumerate(rows, 1)]
        return table_from_facts(recorded, len(self.users))

    def fitted(self, spec: TierModelSpec, table: FactTable) -> TierModelSpec:
        """The spec with cuts of the year's end."""
        points = Points(
            np.arange(len(self.users), dtype=np.int32), np.full(len(self.users), self.ends - 1, dtype=np.int64)
        )
        features = ModelColumns(CompiledModel(spec, 1), table).features(points)
        cuts: dict[str, list[int | float]] = {}
        for name in spec.needs_fitting:
            score = spec.scores[name]
            assert isinstance(score, CutScore)
            cuts[name] = fit_cuts(*features[score.of], score.bins or 1)
        return with_cuts(spec, cuts, self.ends - 1, "") if cuts else spec

    def decided(self, specs: Sequence[TierModelSpec], table: FactTable) -> list[Decided]:
        """Everybody, on these schemes together, from the beginning to the year's end."""
        forces = {spec.scheme: (Force(CompiledModel(spec, 1), ALWAYS),) for spec in specs}
        subjects = [Subject(UUID(int=number + 1), 0) for number in range(len(self.users))]
        return decide(subjects, table, forces, self.ends).decided


def tiers_of(decided: Sequence[Decided], scheme: str) -> Counter[str]:
    """How many stand where, all scopes together."""
    return Counter(
        observed.standing.tier for each in decided for observed in each.observation.schemes.get(scheme, {}).values()
    )


def _fact(data: Mapping[str, Any]) -> Fact:
    return Fact(
        fact_id=data["fact_id"],
        user_id=data["user_id"],
        kind=data["kind"],
        occurred_at=parse_instant(data["occurred_at"]),
        source=data["source"],
        amount=data.get("amount"),
        currency=data.get("currency"),
        attributes=data.get("attributes", {}),
        lines=tuple(data.get("lines", ())),
    )
