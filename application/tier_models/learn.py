"""Train a learned score on the past of the fitting instant, and measure it on the part nearest to it."""

from application.tier_models.observe import Observed
from application.tier_models.ports import Learner
from domain.facts.instants import format_instant
from domain.facts.table import NEVER
from domain.refusal import Complaint, Refusal
from domain.tier_model.learned import Forest
from domain.tier_model.learned_training import Sample, horizon_of, quality_of
from domain.tier_model.spec import LearnedInput, LearnedModel, LearnedScore, Tree, Validation, trees_hash

LEAST_SUBJECTS = 100


class TooLittleHistory(Refusal):
    """There is not enough past to train on and to measure against."""

    def __init__(self, name: str, score: LearnedScore, instant: int, why: str, first_fact: int) -> None:
        begin = f"The first fact is of {format_instant(first_fact)}." if first_fact != NEVER else "There is no fact."
        super().__init__(
            f"score {name!r} cannot be learned at {format_instant(instant)}: it needs two horizons of {score.horizon} "
            f"before that, and {why}. {begin}",
            Complaint(
                f"scores.{name}.horizon",
                str(score.horizon),
                "fit at a later instant, import older history, or write a shorter horizon",
            ),
        )


def learn(name: str, score: LearnedScore, learner: Learner, observed: Observed, instant: int) -> LearnedModel:
    """Trained on the features two horizons before the instant and the target of the first; measured on the features one
    horizon before it and the target of the second. What was measured is what is frozen: it is not trained again.

    Raises TooLittleHistory, LearnerNotInstalled.
    """
    horizon = horizon_of(score)
    for samples, back in ((observed.training, 2), (observed.validation, 1)):
        sample, then = samples.get(name), format_instant(instant - back * horizon)
        if sample is None or len(sample) < LEAST_SUBJECTS:
            why = f"only {len(sample or ())} users had facts by {then}, at least {LEAST_SUBJECTS} must have"
            raise TooLittleHistory(name, score, instant, why, observed.first_fact)
        if sample.after.min() == sample.after.max():
            why = f"what is predicted is the same for everybody in the {score.horizon} after {then}"
            raise TooLittleHistory(name, score, instant, why, observed.first_fact)
    training = observed.training[name].ordered.thinned
    nulls = training.nulls()
    base, trees = learner.train(training.matrix(nulls), training.after)
    inputs = tuple(LearnedInput(name=part, null=null) for part, null in zip(score.learned, nulls, strict=True))
    validation = observed.validation[name].ordered
    return LearnedModel(
        learner="gradient-boosting",
        inputs=inputs,
        base=base,
        trees=trees,
        sha256=trees_hash(inputs, base, trees),
        trained_at=instant - 2 * horizon,
        subjects=len(training),
        validation=_measured(validation, nulls, base, trees),
    )


def _measured(sample: Sample, nulls: list[float], base: float, trees: tuple[Tree, ...]) -> Validation:
    columns = sample.matrix(nulls)
    foretold = Forest(base, trees, len(columns)).predict(columns)
    return Validation(
        subjects=len(sample),
        model=quality_of(foretold, sample.after),
        plain=quality_of(sample.before, sample.after),
    )
