"""Say what is wrong with a model file, beside the schemes and facts that there are. Stores nothing."""

from collections.abc import Mapping

from application.facts.ports import FactKinds
from application.tier_models.dependents import Dependents, warnings_of
from application.tier_models.ports import TierModels
from application.tier_models.surroundings import faults_beside, other_schemes
from domain.tier_model.spec import ModelFault, ModelInvalid, TierModelSpec, read_model


class LintTierModel:
    """Reads only."""

    def __init__(
        self, models: TierModels, dependents: Dependents | None = None, kinds: FactKinds | None = None
    ) -> None:
        """dependents None: nobody asks what else the file would leave without a meaning; kinds None: nor whether the
        kinds of facts are there that it reads."""
        self._models, self._dependents, self._kinds = models, dependents, kinds

    def __call__(self, text: str | bytes, beside: Mapping[str, TierModelSpec] | None = None) -> list[ModelFault]:
        """Every fault, errors first; what cannot be read is a list of faults too.

        beside: other schemes, by name, as they are to be; they stand in for those that there are.
        """
        try:
            spec, source = read_model(text)
        except ModelInvalid as problem:
            return problem.errors
        others = {**other_schemes(self._models, spec.scheme), **(beside or {})}
        faults = faults_beside(self._models, self._kinds, spec, source, others)
        if self._dependents is None or any(fault.severity == "error" for fault in faults):
            return faults
        return [*faults, *warnings_of(self._dependents.broken_by(spec))]
