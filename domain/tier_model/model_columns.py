"""A compiled model over the facts of many subjects: features, scores and rules at many points at once."""

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from domain.facts.table import FactTable
from domain.tier_model.column import Column, Scalar
from domain.tier_model.columns import FeatureColumns
from domain.tier_model.compiled import CompiledModel, Truth
from domain.tier_model.expression import Condition, tag_column
from domain.tier_model.fit import score
from domain.tier_model.growth import GrowthColumns
from domain.tier_model.names import TIER
from domain.tier_model.outside import NOTHING_OUTSIDE, Outside
from domain.tier_model.spans import Int64s, PointIndex, Points
from domain.tier_model.spec import GROWTH, CutScore, LearnedScore, WeightedScore

_WORD = 8  # bytes
_FEW = 1_024  # kinds that a table is made for in any case


@dataclass(frozen=True)
class Evaluated:
    """Features, scores and rules at points. codes index truths, one a point.

    outside: what the rules read besides, by tier.SCHEME and tag('NAME').
    """

    features: dict[str, Column]
    scores: dict[str, Column]
    outside: dict[str, Column]
    codes: Int64s
    truths: list[Truth]

    def taken(self, rows: Int64s) -> "Evaluated":
        """At some of the points."""
        features, scores, outside = (
            {name: Column(column.values[rows], column.valid[rows]) for name, column in part.items()}
            for part in (self.features, self.scores, self.outside)
        )
        return Evaluated(features, scores, outside, self.codes[rows], self.truths)

    def rows(self) -> "list[Row]":
        """Plain values at each point. Rows are turned over all at once: that is much quicker than one by one."""
        parts = (self.features, self.scores, self.outside)
        nothing: list[tuple[Scalar, ...]] = [()] * len(self.codes)
        features, scores, outside = (
            list(zip(*[column.plain() for column in part.values()], strict=True)) if part else nothing for part in parts
        )
        own, cut, read = map(tuple, parts)
        return [
            Row(
                dict(zip(own, mine, strict=True)),
                dict(zip(cut, cuts, strict=True)),
                dict(zip(read, there, strict=True)) if read else {},
            )
            for mine, cuts, there in zip(features, scores, outside, strict=True)
        ]


class Row(msgspec.Struct, frozen=True):
    """One subject's values at one instant."""

    features: dict[str, Scalar]
    scores: dict[str, Scalar]
    outside: dict[str, Scalar]

    @property
    def all(self) -> dict[str, Scalar]:
        """Everything that a rule may read."""
        return {**self.features, **self.scores, **self.outside}


class ModelColumns:
    """A compiled model over one table of facts."""

    def __init__(
        self,
        model: CompiledModel,
        table: FactTable,
        outside: Outside = NOTHING_OUTSIDE,
        since: Int64s | None = None,
    ) -> None:
        """since: per subject, an instant before which nothing is asked; None: anything may be."""
        self.model = model
        self._table, self._outside, self._since = table, outside, since
        in_currency = table.in_currency(model.spec.currency)
        self._features = [FeatureColumns(plan, in_currency, model.calendar, since) for plan in model.features]
        self.walked: tuple[Points, Evaluated] | None = None  # what a walk has evaluated last, of nobody's standing
        self.growth = GrowthColumns(model.growth, in_currency, model.calendar) if model.growth is not None else None

    def instants(self, until: Int64s) -> tuple[npt.NDArray[np.int32], Int64s]:
        """(subjects, instants) of every decision that facts and windows ask for; until: exclusive, per subject.

        Those before `since` may be missing.
        """
        table = self._table
        known: Any = slice(None) if self._since is None else table.known_at >= self._since[table.subject]
        ahead = table.occurred_at > table.known_at
        pairs = [feature.instants(until) for feature in self._features]
        pairs += self._outside.moments(self.model.reads_schemes, self.model.reads_tags, table.subjects)
        if self.growth is not None:
            pairs.append(self.growth.instants())
        voided = table.voided_at < until[table.subject]
        subjects = [table.subject[known], table.subject[ahead], table.subject[voided], *(pair[0] for pair in pairs)]
        instants = [
            table.known_at[known],
            table.occurred_at[ahead],
            table.voided_at[voided],
            *(pair[1] for pair in pairs),
        ]
        return np.concatenate(subjects), np.concatenate(instants)

    def evaluate(self, points: Points) -> Evaluated:
        """Features, scores and rules at the points."""
        features = self.features(points)
        scores = self._scores(features, len(points))
        outside = self._read_outside(points)
        codes, truths = self._truths({**features, **scores, **outside}, len(points))
        return Evaluated(features, scores, outside, codes, truths)

    def features(self, points: Points) -> dict[str, Column]:
        """The features alone, growth value among them: what cuts are fitted on."""
        index = PointIndex(points)
        features = {feature.plan.name: feature.values(points, index) for feature in self._features}
        if self.growth is not None:
            features[GROWTH] = self.growth.balance(points)
        return features

    def _read_outside(self, points: Points) -> dict[str, Column]:
        tiers = {TIER + scheme: self._outside.tier(scheme, points) for scheme in self.model.reads_schemes}
        return tiers | {tag_column(tag): self._outside.tag(tag, points) for tag in self.model.reads_tags}

    def _scores(self, features: dict[str, Column], size: int) -> dict[str, Column]:
        scores = {name: learned.values(features, size) for name, learned in sorted(self.model.learned.items())}
        columns = {**features, **scores}
        plans = sorted(self.model.spec.scores.items())
        waiting = {name: plan for name, plan in plans if not isinstance(plan, LearnedScore)}
        while waiting:
            ready = [
                name
                for name, plan in waiting.items()
                if isinstance(plan, CutScore) or not any(part in waiting for part in plan.weighted)
            ]
            for name in ready:
                plan = waiting.pop(name)
                if isinstance(plan, CutScore):
                    assert plan.cuts != "fitted"
                    scores[name] = score(columns[plan.of], plan.cuts, plan.best)
                else:
                    scores[name] = _weighted(plan, scores, size)
        return scores

    def _truths(self, columns: dict[str, Column], size: int) -> tuple[Int64s, list[Truth]]:
        tiers = len(self.model.tiers)
        matrix, known = np.zeros((size, 2 * tiers), dtype=np.bool_), dict[int, Column]()
        for rule in self.model.rules:
            enter = _true(rule.enter, columns, size, known)
            matrix[:, rule.rank] = enter
            matrix[:, tiers + rule.rank] = enter if rule.keep is None else _true(rule.keep, columns, size, known)
        first, codes = _kinds_of_rows(matrix)
        return codes, [self.model.truth(row[:tiers], row[tiers:]) for row in matrix[first]]


def _kinds_of_rows(matrix: npt.NDArray[np.bool_]) -> tuple[Int64s, Int64s]:
    """One row of each kind that there is, and each row's kind."""
    size, width = matrix.shape
    rows: npt.NDArray[Any] = np.packbits(matrix, axis=1, bitorder="little")
    if rows.shape[1] <= _WORD:  # as one integer they are told apart much sooner
        words = np.zeros((size, _WORD), dtype=np.uint8)
        words[:, : rows.shape[1]] = rows
        rows = words.view("<i8").reshape(-1)
    if 1 << width <= max(size, _FEW):
        return _kinds_of_few(rows, 1 << width)
    _, first, codes = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return first.astype(np.int64), codes.reshape(-1).astype(np.int64)


def _kinds_of_few(words: Int64s, limit: int) -> tuple[Int64s, Int64s]:
    """The same for words below a limit that a table holds: nothing is sorted."""
    table = np.full(limit, -1, dtype=np.int64)
    table[words] = np.arange(len(words))
    kinds = np.flatnonzero(table >= 0)
    rows = table[kinds]
    table[kinds] = np.arange(len(kinds))
    return rows, table[words]


def everybody_at(table: FactTable, instant: int) -> Points:
    """Whoever has a visible fact at the instant (microseconds), there."""
    visible = (np.maximum(table.occurred_at, table.known_at) <= instant) & (table.voided_at > instant)
    subjects = np.unique(table.subject[visible])
    return Points(subjects.astype(np.int32), np.full(len(subjects), instant, dtype=np.int64))


def _true(
    condition: Condition, columns: dict[str, Column], size: int, known: dict[int, Column]
) -> npt.NDArray[np.bool_]:
    column = condition.evaluate(columns, size, known)
    return np.asarray(column.valid & column.values.astype(np.bool_, copy=False))


def _weighted(plan: WeightedScore, scores: dict[str, Column], size: int) -> Column:
    total: npt.NDArray[Any] = np.zeros(size, dtype=np.int64)
    valid = np.ones(size, dtype=np.bool_)
    for name, weight in sorted(plan.weighted.items()):
        part = scores[name]
        total = total + np.where(part.valid, part.values, 0) * weight
        if plan.missing is None:
            valid &= part.valid
    return Column(total, valid)
