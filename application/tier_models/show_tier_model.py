"""One version of a scheme's model: the one in force, or a numbered one."""

from application.queries import UnknownScheme
from application.tier_models.ports import TierModels, TierModelView
from domain.tier_model.refusals import VersionUnknown


class ShowTierModel:
    """Without a number the version in force, or the latest while none is."""

    def __init__(self, models: TierModels) -> None:
        self._models = models

    def __call__(self, scheme: str, version: int | None = None) -> TierModelView:
        """Raises UnknownScheme, VersionUnknown."""
        views = self._models.versions(scheme)
        if not views:
            raise UnknownScheme(scheme, sorted({view.scheme for view in self._models.versions()}))
        if version is None:
            return next((view for view in reversed(views) if view.status == "active"), views[-1])
        for view in views:
            if view.version == version:
                return view
        raise VersionUnknown(scheme, version, [view.version for view in views])
