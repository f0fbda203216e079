"""Take a model file in as a version of its scheme."""

import json

from application.facts.ports import FactKinds
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from application.tier_models.surroundings import faults_beside, other_schemes
from domain.tier_model.aggregate import TierModel
from domain.tier_model.spec import (
    ModelFault,
    ModelInvalid,
    TierModelSpec,
    canonical_json,
    content_hash,
    read_model,
    without_fitted_cuts,
)


class CreateTierModel:
    """Drafts a version from YAML or JSON. The content of a version that is not retired is that version again."""

    def __init__(self, models: TierModels, kinds: FactKinds | None = None) -> None:
        """kinds None: nobody asks whether the kinds of facts are there that it reads."""
        self._models, self._kinds = models, kinds

    def __call__(self, text: str | bytes, actor: str) -> tuple[TierModelView, list[ModelFault]]:
        """The version and the lint's warnings. Raises ModelInvalid when the model has an error."""
        spec, source = read_model(text)
        others = other_schemes(self._models, spec.scheme)
        faults = faults_beside(self._models, self._kinds, spec, source, others)
        errors = [fault for fault in faults if fault.severity == "error"]
        if errors:
            raise ModelInvalid(errors)
        with self._models.change(spec.scheme) as change:
            model, digest = change.model, content_hash(spec)
            content = {
                "spec": json.loads(canonical_json(spec)),
                "content_hash": digest,
                "unfitted": list(spec.needs_fitting),
            }
            if model is None:
                model = TierModel.first_draft(spec.scheme, **content, by=by(change, actor))
            else:
                known = [
                    view
                    for view in views_of(model)
                    if view.status != "retired" and digest in (view.content_hash, _drafted_hash(view))
                ]
                if known:
                    return known[-1], faults
                model.draft(**content, by=by(change, actor))
            change.save(model)
            return views_of(model)[-1], faults


def _drafted_hash(view: TierModelView) -> str:
    """The hash of the file that a version was drafted from: without the cuts that were fitted since."""
    spec = TierModelSpec.model_validate(view.spec)
    return view.content_hash if spec.fitted is None else content_hash(without_fitted_cuts(spec))
