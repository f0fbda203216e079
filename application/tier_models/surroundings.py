"""What lint is told of a model's surroundings: the other schemes, kinds of facts, and how far back these go."""

from collections.abc import Mapping

from application.facts.ports import FactKinds
from application.tier_models.ports import TierModels, TierModelView
from domain.tier_model.lint import days_back, lint
from domain.tier_model.spec import ModelFault, TierModelSpec
from domain.tier_model.spec.source import Source

_DAY = 86_400_000_000  # microseconds


def other_schemes(models: TierModels, scheme: str) -> dict[str, TierModelSpec]:
    """The other schemes: the version in force, or else the latest, which then reads nothing: it decides nothing yet."""
    views: dict[str, TierModelView] = {}
    for view in models.versions():
        known = views.get(view.scheme)
        if view.scheme != scheme and (known is None or _rank(view) >= _rank(known)):
            views[view.scheme] = view
    specs = {name: TierModelSpec.model_validate(view.spec) for name, view in views.items()}
    return {
        name: spec if views[name].status == "active" else spec.model_copy(update={"rules": {}})
        for name, spec in specs.items()
    }


def _rank(view: TierModelView) -> tuple[bool, int]:
    """In force comes before not; of several in force (a rollout) the last."""
    active = view.status == "active"
    return active, view.activated_at or 0 if active else view.version


def history_days(models: TierModels, spec: TierModelSpec) -> int | None:
    """For how many days back there are facts, as far as the model's windows ask; None while there are none at all."""
    windows = {days for feature in spec.features.values() if (days := days_back(feature)) is not None}
    now = models.now()
    if not windows or not models.has_facts_before(now + 1):
        return None
    return next((days for days in sorted(windows, reverse=True) if models.has_facts_before(now - days * _DAY)), 0)


def faults_beside(
    models: TierModels,
    kinds: FactKinds | None,
    spec: TierModelSpec,
    source: Source,
    others: Mapping[str, TierModelSpec],
) -> list[ModelFault]:
    """What lint says of a model beside the facts that there are, and other schemes. kinds None: nobody asks whether
    those are there that it reads; they are read anew, for somebody may have registered one this moment."""
    known = None if kinds is None else kinds.refreshed()
    return lint(spec, source, others, history_days=history_days(models, spec), kinds=known)
