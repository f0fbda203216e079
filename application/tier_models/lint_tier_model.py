"""Say what is wrong with a model file, beside the schemes and facts that there are. Stores nothing."""

from application.tier_models.ports import TierModels
from application.tier_models.surroundings import history_days, other_schemes
from domain.tier_model.lint import lint
from domain.tier_model.spec import ModelFault, ModelInvalid, read_model


class LintTierModel:
    """Reads only."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(self, text: str | bytes) -> list[ModelFault]:
        """Every fault, errors first; what cannot be read is a list of faults too."""
        try:
            spec, source = read_model(text)
        except ModelInvalid as problem:
            return problem.errors
        others = other_schemes(self._models, spec.scheme)
        return lint(spec, source, others, history_days=history_days(self._models, spec))
