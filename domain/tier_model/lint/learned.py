"""Learned scores, and what fitting has frozen into a version: a file can bring both."""

from collections.abc import Iterator

from domain.tier_model.column import Type
from domain.tier_model.lint.cases import Reaches
from domain.tier_model.lint.features import fact_condition_faults
from domain.tier_model.lint.places import Places
from domain.tier_model.spec import CutScore, LearnedScore, ModelFault, TierModelSpec
from domain.tier_model.spec.source import Path

_REFIT = "Leave fitted out, and fit the version"


def learned_faults(
    path: Path, score: LearnedScore, spec: TierModelSpec, reaches: Reaches, places: Places
) -> Iterator[ModelFault]:
    """Of one learned score: what it reads and what it predicts."""
    for index, name in enumerate(score.learned):
        if name not in spec.features:
            remedy = f"Name features: {', '.join(spec.features)}"
            yield places.error((*path, "learned", index), name, "is no feature of this model", remedy)
        elif reaches[name].type is Type.text:
            remedy = "Learn from numbers: counts, sums, averages, shares"
            yield places.error((*path, "learned", index), name, "is text and cannot be learned from", remedy)
        elif spec.features[name].since == "standing":
            remedy = "Learn from a window of days, or from all facts"
            message = "restarts with the tier, and training sees nobody stand anywhere"
            yield places.error((*path, "learned", index), name, message, remedy)
    target = score.predict
    if target.minus is not None and target.minus.is_amount is not target.sum.is_amount:
        remedy = "Subtract an amount from an amount, or an attribute from an attribute"
        yield places.error((*path, "predict", "minus"), str(target.minus), "has another unit than the sum", remedy)
    if target.where is not None:
        yield from fact_condition_faults((*path, "predict", "where"), target.where, spec, places)


def fitted_faults(spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    """Of what is frozen: it must be of the scores that the model has."""
    if spec.fitted is None:
        return
    for name in spec.fitted.scores:
        score = spec.scores.get(name)
        if not isinstance(score, CutScore) or score.cuts == "fitted":
            yield places.error(("fitted", "scores"), name, f"{name} is no score with cuts", _REFIT)
    for name, counts in spec.fitted.baseline.items():
        score = spec.scores.get(name)
        if not isinstance(score, CutScore) or score.cuts == "fitted" or len(counts) != len(score.cuts) + 1:
            message = "does not count the bins of a score with cuts"
            yield places.error(("fitted", "baseline", name), None, message, _REFIT)
    for name, model in spec.fitted.learned.items():
        score = spec.scores.get(name)
        inputs = tuple(part.name for part in model.inputs)
        if not isinstance(score, LearnedScore) or inputs != score.learned:
            message = "is trained for another score than the model has"
            yield places.error(("fitted", "learned", name), None, message, _REFIT)
