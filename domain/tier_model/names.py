"""The names that a model's rules may read, and the type of each."""

from collections.abc import Iterator
from contextlib import suppress

from domain.tier_model.column import Type
from domain.tier_model.expression import Condition, ConditionInvalid, compile_segment
from domain.tier_model.spec import (
    GROWTH,
    Avg,
    Count,
    DaysSince,
    Distinct,
    Feature,
    Latest,
    LearnedScore,
    Max,
    Min,
    Score,
    Sum,
    TierModelSpec,
    Top,
    WeightedScore,
)

TIER = "tier."  # before a scheme's name: the tier on it


def types_of(spec: TierModelSpec) -> dict[str, Type]:
    """Types of all features and scores, by name; of the growth value, where there is one."""
    types = {name: feature_type(feature) for name, feature in spec.features.items()}
    if spec.growth is not None:
        types[GROWTH] = Type.integer
    return types | {name: score_type(score) for name, score in spec.scores.items()}


class _RuleNames(dict[str, Type]):
    """A model's own names, and every tier.SCHEME: which schemes there are is not the model's to say."""

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and name.startswith(TIER))

    def __missing__(self, name: str) -> Type:
        return Type.text


def compile_rule(spec: TierModelSpec, text: str) -> Condition:
    """A rule's condition over the model's names, tier.SCHEME of other schemes, and tags. Raises ConditionInvalid."""
    return compile_segment(text, _RuleNames(types_of(spec)), currency=spec.currency)


def schemes_in(condition: Condition) -> frozenset[str]:
    """The schemes whose tiers a rule's condition reads."""
    return frozenset(name.removeprefix(TIER) for name in condition.names if name.startswith(TIER))


def schemes_read(spec: TierModelSpec) -> frozenset[str]:
    """The schemes whose tiers a model's rules read. A rule that is no condition reads none."""
    return frozenset[str]().union(*map(schemes_in, _rules_of(spec)))


def tags_read(spec: TierModelSpec) -> frozenset[str]:
    """The tags that a model's rules read, likewise."""
    return frozenset[str]().union(*(condition.tags for condition in _rules_of(spec)))


def _rules_of(spec: TierModelSpec) -> Iterator[Condition]:
    for rule in spec.rules.values():
        for text in (rule.enter, rule.keep):
            with suppress(ConditionInvalid):
                if text is not None:
                    yield compile_rule(spec, text)


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
    """Integer, but for weights with a fraction and what is learned."""
    if isinstance(score, LearnedScore):
        return Type.number
    if isinstance(score, WeightedScore) and any(isinstance(weight, float) for weight in score.weighted.values()):
        return Type.number
    return Type.integer
