"""End a shadow run. What was found stays to be read until another begins."""

from application.shadow.ports import NoShadow
from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels, TierModelView, by, views_of


class StopShadow:
    """Ending what has ended changes nothing."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(self, scheme: str, version: int | None, actor: str, *, command_id: str = "") -> TierModelView:
        """version None: whichever runs. Raises UnknownScheme, VersionUnknown, NoShadow."""
        view = chosen(self._models, scheme, version)
        with self._models.change(scheme) as change:
            model = change.model
            assert model is not None
            runs = next((number for number, one in model.versions.items() if one.shadowed), None)
            if None not in (version, runs) and runs != version:
                raise NoShadow(scheme, view.version)
            model.unshadow(by=by(change, actor, command_id))
            change.save(model)
            return views_of(model)[view.version - 1]
