"""Take back a version that was to come into force by itself."""

from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView, by, views_of
from domain.tier_model.reviewing import require_words


class UnscheduleTierModel:
    """Only before its instant; after that it was in force, and another version has to take its place."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(
        self, scheme: str, version: int | None, actor: str, *, reason: str = "", command_id: str = ""
    ) -> TierModelView:
        """version None: the one that is scheduled. Raises UnknownScheme, VersionUnknown, NotScheduled, WordsInvalid."""
        require_words("reason", reason)
        ahead = next((view for view in self._models.versions(scheme) if view.scheduled_at is not None), None)
        if version is None and ahead is not None:
            version = ahead.version
        view = chosen(self._models, scheme, version)
        with self._models.change(scheme, activating=True) as change:
            model = change.model
            assert model is not None
            model.unschedule(view.version, reason=reason, by=by(change, actor, command_id))
            change.save(model)
            return views_of(model)[view.version - 1]
