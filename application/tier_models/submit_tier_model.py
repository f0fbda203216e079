"""Lay a version before somebody else, who may approve it."""

from application.tier_models.choose import chosen
from application.tier_models.coming_into_force import require_ready
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from domain.tier_model.reviewing import require_words


class SubmitTierModel:
    """What is submitted is the version as it is: a change takes the submission back. Twice is once."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(
        self, scheme: str, version: int | None, actor: str, *, note: str = "", command_id: str = ""
    ) -> TierModelView:
        """version None: the latest. Raises UnknownScheme, VersionUnknown, VersionPublished, CutsNotFitted,
        ModelInvalid, WordsInvalid."""
        require_words("note", note)
        view = chosen(self._models, scheme, version)
        require_ready(self._models, view)
        with self._models.change(scheme) as change:
            model = change.model
            assert model is not None
            model.submit(view.version, note=note, by=by(change, actor, command_id))
            change.save(model)
            return views_of(model)[view.version - 1]
