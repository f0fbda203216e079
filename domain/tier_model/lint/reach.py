"""What a name can be: the values that features, scores and what rules read besides them can have at all."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.tier_model.column import Type
from domain.tier_model.names import TIER, types_of
from domain.tier_model.spec import (
    GROWTH,
    Avg,
    Count,
    CutScore,
    DaysSince,
    Distinct,
    Feature,
    FieldReference,
    Latest,
    LearnedScore,
    Max,
    Min,
    Rate,
    Share,
    Sum,
    TierModelSpec,
    Trend,
    WeightedScore,
)


@dataclass(frozen=True, slots=True)
class Reach:
    """least and greatest: None where there is no bound. whole: no fractions. texts: the only ones that there are."""

    type: Type
    least: int | None = None
    greatest: int | None = None
    whole: bool = False
    null: bool = True
    texts: tuple[str, ...] | None = None

    def __str__(self) -> str:
        if self.type is Type.money:
            return "an amount, never negative" if self.least is not None else "an amount"
        if self.texts is not None:
            return f"one of {', '.join(self.texts)}"
        if self.least is not None and self.greatest is not None:
            return f"from {self.least} to {self.greatest}"
        if self.least is not None:
            return f"{'a whole number, ' if self.whole else ''}{self.least} or more"
        return "a whole number" if self.whole else f"of type {self.type}"


Others = Mapping[str, TierModelSpec]


def reaches_of(spec: TierModelSpec, others: Others) -> dict[str, Reach]:
    """Of every feature, score, the growth value and the tiers on other schemes that are known."""
    found = {name: Reach(type_) for name, type_ in types_of(spec).items()}
    found |= {name: feature_reach(feature) for name, feature in spec.features.items()}
    if spec.growth is not None:
        found[GROWTH] = Reach(Type.integer, whole=True, null=False)
    learned = [name for name, score in spec.scores.items() if isinstance(score, LearnedScore)]
    found |= {name: Reach(Type.number, null=False) for name in learned}
    for name, score in spec.scores.items():
        if isinstance(score, CutScore):
            of = found.get(score.of)
            null = of is None or of.null or of.type is Type.scalar
            found[name] = Reach(Type.integer, 1, bins_of(score), whole=True, null=null)
        elif isinstance(score, WeightedScore):
            found[name] = Reach(found[name].type, whole=found[name].type is Type.integer)
    return found | {
        f"{TIER}{scheme}": Reach(Type.text, texts=other.tiers)
        for scheme, other in others.items()
        if scheme != spec.scheme
    }


def bins_of(score: CutScore) -> int:
    """Into how many bins a score sorts."""
    return score.bins or 1 if score.cuts == "fitted" else len(score.cuts) + 1


def feature_reach(feature: Feature) -> Reach:
    """The values that a feature can have. Amounts of facts are never negative; what attributes hold is not known."""
    match feature:
        case Count() | Distinct():
            return Reach(Type.integer, 0, whole=True, null=False)
        case DaysSince():
            return Reach(Type.integer, 0, whole=True)
        case Sum(sum=field, minus=minus):
            least = 0 if minus is None and _is_own_amount(field) else None
            return Reach(Type.money if field.is_amount else Type.integer, least, whole=True, null=False)
        case Avg(avg=field):
            return Reach(Type.money if field.is_amount else Type.number, 0 if _is_own_amount(field) else None)
        case Min(min=field) | Max(max=field) | Latest(latest=field):
            if not field.is_amount:
                return Reach(Type.scalar)
            return Reach(Type.money, 0 if _is_own_amount(field) else None, whole=True)
        case Share(share=text):
            never_below_0 = "." not in text or (text.count(".") == 1 and text.endswith(".amount"))
            return Reach(Type.number, 0 if never_below_0 else None, 1 if never_below_0 else None)
        case Trend(trend=text):
            of_amounts = text.count(".") == 1 and text.endswith(".amount")
            return Reach(Type.number, 0 if text.startswith("count") or of_amounts else None)
        case Rate():
            return Reach(Type.number, 0, null=False)
        case _:
            return Reach(Type.text)


def _is_own_amount(field: FieldReference) -> bool:
    return field.is_amount and not field.of_lines
