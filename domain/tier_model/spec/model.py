"""The whole model as one frozen value, its canonical text and its hash."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from domain.tier_model.spec.features import Feature
from domain.tier_model.spec.growth import Growth
from domain.tier_model.spec.learned import LearnedModel, LearnedScore
from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.policy import PolicySpec
from domain.tier_model.spec.scores import CutScore, Label, RuleText, Score
from domain.tier_model.spec.values import Currency, Name, Tier, TimeZone

Counts = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
]


class Fitting(Part):
    """What fitting froze: the instant (microseconds), the history, the scores whose cuts it fitted, and trained models.

    baseline: how many users each score with cuts had in each of its bins then, from bin 1 up.
    """

    at: Annotated[int, Field(ge=-(2**63), lt=2**63)]
    history: Annotated[str, Field(max_length=1_000)]
    scores: Annotated[
        tuple[Name, ...],
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
    ] = ()
    baseline: dict[Name, Counts] = Field(default_factory=dict)
    learned: dict[Name, LearnedModel] = Field(default_factory=dict)


class TierModelSpec(Part):
    """A tier model, as written. Two models are equal when they say the same; defaults written out change nothing."""

    scheme: Name
    dimension: Literal["value", "behaviour", "feature"]
    time_zone: TimeZone
    currency: Currency
    labels: dict[str, Label] = Field(default_factory=dict)
    tiers: Annotated[
        tuple[Tier, ...],
        BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),
        Field(min_length=1, max_length=200),
    ]
    unordered: bool = False
    default: Tier | None = None
    per: Name | None = None
    features: dict[Name, Feature]
    scores: dict[Name, Score] = Field(default_factory=dict)
    rules: dict[Tier, RuleText] = Field(default_factory=dict)
    policy: PolicySpec = PolicySpec()
    growth: Growth | None = None
    fitted: Fitting | None = None

    @model_validator(mode="after")
    def _whole(self) -> "TierModelSpec":
        if len(set(self.tiers)) < len(self.tiers):
            raise ValueError("names a tier twice under tiers: keep one")
        if self.unordered and self.default not in self.tiers:
            raise ValueError("is unordered and needs a default: one of its tiers")
        if not self.unordered and self.default is not None:
            raise ValueError("is ordered and takes no default: its lowest tier needs no rule")
        return self

    @property
    def needs_fitting(self) -> tuple[str, ...]:
        """Names of the scores whose cuts are still to be fitted, or that are still to be learned."""
        return tuple(name for name, score in self.scores.items() if self._is_open(name, score))

    def _is_open(self, name: str, score: Score) -> bool:
        if isinstance(score, LearnedScore):
            return self.fitted is None or name not in self.fitted.learned
        return isinstance(score, CutScore) and not score.fitted


def canonical_json(spec: TierModelSpec) -> str:
    """One text for one meaning: keys by code point, no spaces, defaults left out. parse_model reads it back."""
    data = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(spec: TierModelSpec) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(spec).encode()).hexdigest()


def with_cuts(
    spec: TierModelSpec,
    cuts: Mapping[str, Sequence[int | float]],
    fitted_at: int,
    history: str,
    baseline: Mapping[str, Sequence[int]] | None = None,
    learned: Mapping[str, LearnedModel] | None = None,
) -> TierModelSpec:
    """The spec with what was fitted frozen into it, its instant (microseconds) and the history it comes from.

    Raises KeyError for a score that is not there or has fixed cuts, ValueError when a cut list is empty.
    """
    scores = dict(spec.scores)
    for name, values in cuts.items():
        score = scores[name]
        if name not in spec.needs_fitting or not isinstance(score, CutScore):
            raise KeyError(name)
        if not values:
            raise ValueError(f"no cuts for score {name}")
        scores[name] = score.model_copy(update={"cuts": tuple(values)})
    fitting = Fitting(
        at=fitted_at,
        history=history,
        scores=tuple(sorted({*cuts, *(spec.fitted.scores if spec.fitted is not None else ())})),
        baseline={name: tuple(counts) for name, counts in (baseline or {}).items()},
        learned=dict(learned or {}),
    )
    return spec.model_copy(update={"scores": scores, "fitted": fitting})


def without_fitted_cuts(spec: TierModelSpec) -> TierModelSpec:
    """The spec as it was before it was fitted."""
    fitted = spec.fitted.scores if spec.fitted is not None else ()
    scores = {
        name: score.model_copy(update={"cuts": "fitted"}) if name in fitted else score
        for name, score in spec.scores.items()
    }
    return spec.model_copy(update={"scores": scores, "fitted": None})


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a model file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **TierModelSpec.model_json_schema(mode="validation"),
    }
