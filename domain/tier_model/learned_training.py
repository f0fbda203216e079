"""What a learned score is trained and measured on: features as of one instant beside what came after it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.facts.table import FactTable
from domain.tier_model.column import Column
from domain.tier_model.columns import FeatureColumns, FeaturePlan
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import compile_fact_condition
from domain.tier_model.fit import numeric
from domain.tier_model.learned import Floats, input_matrix
from domain.tier_model.selection import Reading
from domain.tier_model.spans import PointIndex, Points
from domain.tier_model.spec import FieldReference, LearnedScore, Quality, Target
from domain.tier_model.window import WindowPlan

DAY = 86_400_000_000  # microseconds
MOST_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Subjects at one instant, equally long: their inputs, the target over the horizon after it, and the one before."""

    inputs: list[Column]
    after: Floats
    before: Floats

    def __len__(self) -> int:
        return len(self.after)

    @property
    def ordered(self) -> "Sample":
        """In an order that follows from the values alone: subjects come in the order of their random ids."""
        numbers = [np.where(column.valid, column.values, 0) for column in self.inputs]
        order = np.lexsort((*(column.valid for column in self.inputs), *numbers, self.before, self.after))
        return self._taken(order)

    @property
    def thinned(self) -> "Sample":
        """At most MOST_ROWS of it, evenly taken along its order."""
        step = -(-len(self) // MOST_ROWS)
        return self._taken(np.arange(0, len(self), step)) if step > 1 else self

    def nulls(self) -> list[float]:
        """For each input what stands for its null: the lower median of the values that are there, 0 without any."""
        medians = []
        for values, valid in self.inputs:
            there = np.sort(values[valid])
            medians.append(float(there[(len(there) - 1) // 2]) if len(there) else 0.0)
        return medians

    def matrix(self, nulls: list[float]) -> Floats:
        """The columns that trees read."""
        return input_matrix(self.inputs, nulls, len(self))

    def _taken(self, rows: npt.NDArray[np.int64]) -> "Sample":
        inputs = [Column(column.values[rows], column.valid[rows]) for column in self.inputs]
        return Sample(inputs, self.after[rows], self.before[rows])


def sample_of(
    model: CompiledModel, score: LearnedScore, table: FactTable, features: dict[str, Column], points: Points
) -> Sample:
    """features: of the model, at the points, all of one instant. Targets are as known when their horizon ends."""
    instant = int(points.instant[0]) if len(points) else 0
    horizon = horizon_of(score)
    return Sample(
        [numeric(features[name]) for name in score.learned],
        added_up(model, score.predict, table, points.subject, instant, instant + horizon),
        added_up(model, score.predict, table, points.subject, instant - horizon, instant),
    )


def joined(samples: Sequence[Sample]) -> Sample:
    """All of them as one; there is at least one."""
    inputs = [
        Column(np.concatenate([c.values for c in columns]), np.concatenate([c.valid for c in columns]))
        for columns in zip(*(sample.inputs for sample in samples), strict=True)
    ]
    return Sample(
        inputs,
        np.concatenate([sample.after for sample in samples]),
        np.concatenate([sample.before for sample in samples]),
    )


def horizon_of(score: LearnedScore) -> int:
    """Microseconds: days of 24 hours."""
    return (score.horizon.days or 0) * DAY


def quality_of(foretold: Floats, actual: Floats) -> Quality:
    """Spearman's rank correlation, and the Gini of the actual values in the foretold order over that in their own.

    Ties have their mean rank. None where either does not differ.
    """
    ranks, own = _ranks(foretold), _ranks(actual)
    spread, best = float(np.sqrt((ranks @ ranks) * (own @ own))), float(actual @ own)
    if not spread or not best:
        return Quality(spearman=None, gini=None)
    return Quality(spearman=round(float(ranks @ own) / spread, 4), gini=round(float(actual @ ranks) / best, 4))


def added_up(
    model: CompiledModel, target: Target, table: FactTable, subjects: npt.NDArray[np.int32], after: int, until: int
) -> Floats:
    """The target of the facts that occurred in (after, until], as known at `until`; float64, one a subject."""
    rows = np.flatnonzero((table.occurred_at > after) & (table.occurred_at <= until))
    facts = table.taken(rows, table.subject[rows], table.subjects).in_currency(model.spec.currency)
    plan = FeaturePlan(
        name="target",
        aggregate="sum",
        of=_reading(target.sum),
        window=WindowPlan(),
        minus=_reading(target.minus) if target.minus is not None else None,
        where=compile_fact_condition(target.where, model.spec.currency) if target.where else None,
    )
    points = Points(subjects, np.full(len(subjects), until, dtype=np.int64))
    sums = FeatureColumns(plan, facts, model.calendar).values(points, PointIndex(points))
    return np.where(sums.valid, sums.values, 0).astype(np.float64)


def _ranks(values: Floats) -> Floats:
    """Around 0; ties have their mean rank."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    mean = (2 * ends - counts + 1) / 2
    return np.asarray(mean[group.reshape(-1)] - (len(values) + 1) / 2)


def _reading(field: FieldReference) -> Reading:
    return Reading(field.kind, field.field, field.of_lines)
