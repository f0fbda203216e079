"""The names that a model's rules may read, and the type of each."""

from domain.tier_model.column import Type
from domain.tier_model.spec import (
    Avg,
    Count,
    DaysSince,
    Distinct,
    Feature,
    Latest,
    Max,
    Min,
    Score,
    Sum,
    TierModelSpec,
    Top,
    WeightedScore,
)


def types_of(spec: TierModelSpec) -> dict[str, Type]:
    """Types of all features and scores, by name."""
    features = {name: feature_type(feature) for name, feature in spec.features.items()}
    return features | {name: score_type(score) for name, score in spec.scores.items()}


def feature_type(feature: Feature) -> Type:
    """What a feature's column holds. Amounts are money; a value taken from an attribute is whatever the fact says."""
    match feature:
        case Count() | Distinct() | DaysSince():
            return Type.integer
        case Sum(sum=field):
            return Type.money if field.is_amount else Type.integer
        case Avg(avg=field):
            return Type.money if field.is_amount else Type.number
        case Min(min=field) | Max(max=field) | Latest(latest=field):
            return Type.money if field.is_amount else Type.scalar
        case Top():
            return Type.text
        case _:
            return Type.number


def score_type(score: Score) -> Type:
    """Integer, but for weights with a fraction."""
    if isinstance(score, WeightedScore) and any(isinstance(weight, float) for weight in score.weighted.values()):
        return Type.number
    return Type.integer
