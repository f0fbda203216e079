"""Read everybody's facts once, for all that fitting asks of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from application.tier_models.ports import TierModels
from domain.facts.table import NEVER
from domain.tier_model.column import Column
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.learned_training import Sample, horizon_of, joined, sample_of
from domain.tier_model.model_columns import ModelColumns, everybody_at
from domain.tier_model.spec import LearnedScore, TierModelSpec
from domain.user_tier.scheme_walk import standers_of


@dataclass(slots=True)
class Observed:
    """Everybody with a visible fact at the instant: features (all of one length), and samples of each learned score.

    training: features two horizons before the instant. validation: one horizon before it. first_fact: microseconds,
    NEVER without any.
    """

    subjects: int = 0
    features: dict[str, Column] = field(default_factory=dict)
    training: dict[str, Sample] = field(default_factory=dict)
    validation: dict[str, Sample] = field(default_factory=dict)
    first_fact: int = NEVER


def observe(
    models: TierModels,
    compiled: CompiledModel,
    learned: dict[str, LearnedScore],
    instant: int,
    progress: Callable[[int, int], None],
) -> Observed:
    """learned: the scores to collect samples for. A scheme per an attribute has a row for each user and value."""
    features: dict[str, list[Column]] = {}
    training: dict[str, list[Sample]] = {name: [] for name in learned}
    validation: dict[str, list[Sample]] = {name: [] for name in learned}
    found = Observed()
    for facts in models.facts(_kinds(compiled, learned), progress):
        table = standers_of(facts, compiled.spec.per).table
        columns = ModelColumns(compiled, table)
        points = everybody_at(table, instant)
        found.subjects += len(points)
        found.first_fact = min([found.first_fact, *table.occurred_at.tolist()])
        for name, column in columns.features(points).items():
            features.setdefault(name, []).append(column)
        for name, score in learned.items():
            for samples, horizons in ((training, 2), (validation, 1)):
                then = everybody_at(table, instant - horizons * horizon_of(score))
                samples[name].append(sample_of(compiled, score, table, columns.features(then), then))
    found.features = {name: _stacked(parts) for name, parts in features.items()}
    found.training = {name: joined(parts) for name, parts in training.items() if parts}
    found.validation = {name: joined(parts) for name, parts in validation.items() if parts}
    return found


def _kinds(compiled: CompiledModel, learned: dict[str, LearnedScore]) -> frozenset[str] | None:
    """Kinds of facts whose attributes (or lines) are read; None: of all."""
    if compiled.attribute_kinds is None:
        return None
    return compiled.attribute_kinds.union(*(score.predict.attribute_kinds for score in learned.values()))


def _stacked(parts: list[Column]) -> Column:
    return Column(np.concatenate([part.values for part in parts]), np.concatenate([part.valid for part in parts]))


def learned_in(spec: TierModelSpec) -> dict[str, LearnedScore]:
    """The learned scores that are still to be learned."""
    return {name: score for name in spec.needs_fitting if isinstance(score := spec.scores[name], LearnedScore)}
