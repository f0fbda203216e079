"""The tier model as types: what can be written in a model file, read, checked for structure, and hashed."""

from domain.tier_model.spec.faults import ModelFault, ModelInvalid
from domain.tier_model.spec.features import (
    Avg,
    Count,
    DaysSince,
    Distinct,
    Feature,
    Latest,
    Max,
    Min,
    Rate,
    Share,
    Sum,
    Top,
    Trend,
)
from domain.tier_model.spec.growth import GROWTH, Earn, Growth
from domain.tier_model.spec.model import (
    Fitting,
    TierModelSpec,
    canonical_json,
    content_hash,
    json_schema,
    with_cuts,
    without_fitted_cuts,
)
from domain.tier_model.spec.parse import parse_model, read_model
from domain.tier_model.spec.policy import Downgrade, PolicySpec, ReviewEvery
from domain.tier_model.spec.scores import CutScore, Label, Rule, Score, WeightedScore
from domain.tier_model.spec.values import FieldReference, Length, Window

__all__ = [
    "GROWTH",
    "Avg",
    "Count",
    "CutScore",
    "DaysSince",
    "Distinct",
    "Downgrade",
    "Earn",
    "Feature",
    "FieldReference",
    "Fitting",
    "Growth",
    "Label",
    "Latest",
    "Length",
    "Max",
    "Min",
    "ModelFault",
    "ModelInvalid",
    "PolicySpec",
    "Rate",
    "ReviewEvery",
    "Rule",
    "Score",
    "Share",
    "Sum",
    "TierModelSpec",
    "Top",
    "Trend",
    "WeightedScore",
    "Window",
    "canonical_json",
    "content_hash",
    "json_schema",
    "parse_model",
    "read_model",
    "with_cuts",
    "without_fitted_cuts",
]
