"""Finds what is wrong with a model beyond its structure, and says where."""

from collections.abc import Collection, Mapping
from itertools import chain

from domain.tier_model.lint.features import days_back, feature_faults
from domain.tier_model.lint.growth import growth_faults
from domain.tier_model.lint.kinds import kind_faults
from domain.tier_model.lint.places import Places
from domain.tier_model.lint.policy import label_faults, policy_faults
from domain.tier_model.lint.reach import reaches_of
from domain.tier_model.lint.rules import rule_faults
from domain.tier_model.lint.scores import score_faults
from domain.tier_model.lint.together import scheme_circle, together_faults
from domain.tier_model.spec import ModelFault, ModelInvalid, TierModelSpec, read_model
from domain.tier_model.spec.source import Source


def lint(
    spec: TierModelSpec,
    source: Source | None = None,
    others: Mapping[str, TierModelSpec] | None = None,
    *,
    history_days: int | None = None,
    kinds: Collection[str] | None = None,
    activating: bool = False,
) -> list[ModelFault]:
    """Every fault, errors first. A model with an error must not be put in force; a warning says that something has no
    effect or may not be meant. Never raises.

    source: of the text that the spec was read from, for lines and columns. others: the other schemes, by name (in
    force, or else the latest version); None: not known. history_days: how far back the facts go that there are; None:
    not known. kinds: of facts that there are; None: not known. activating: with others, reading a scheme that is not
    there is an error.
    """
    places = Places(source)
    reaches = reaches_of(spec, others or {})
    found = chain(
        feature_faults(spec, history_days, places),
        score_faults(spec, reaches, places),
        growth_faults(spec, places),
        kind_faults(spec, kinds, places),
        rule_faults(spec, reaches, places),
        together_faults(spec, others, activating, places),
        policy_faults(spec, places),
        label_faults(spec, places),
    )
    return sorted(found, key=lambda fault: (fault.severity != "error", fault.line or 0, fault.column or 0))


def lint_text(
    text: str | bytes, others: Mapping[str, TierModelSpec] | None = None, *, history_days: int | None = None
) -> list[ModelFault]:
    """lint of a model file; what cannot be read is a list of faults too. Never raises."""
    try:
        spec, source = read_model(text)
    except ModelInvalid as problem:
        return problem.errors
    return lint(spec, source, others, history_days=history_days)


__all__ = ["Places", "days_back", "lint", "lint_text", "scheme_circle", "together_faults"]
