"""Put a version away that is not to be used any more."""

from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView, by, views_of


class RetireTierModel:
    """Not the one in force: that is retired by what takes its place. Retiring twice changes nothing."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(self, scheme: str, version: int | None, actor: str, *, command_id: str = "") -> TierModelView:
        """Raises UnknownScheme, VersionUnknown, InForceStays."""
        view = chosen(self._models, scheme, version)
        with self._models.change(scheme) as change:
            model = change.model
            assert model is not None
            model.retire(view.version, by=by(change, actor, command_id))
            change.save(model)
            return views_of(model)[view.version - 1]
