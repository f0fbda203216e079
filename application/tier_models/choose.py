"""Name a version: by its number, or the latest of its scheme."""

from application.queries import UnknownScheme
from application.tier_models.ports import TierModels, TierModelView
from domain.tier_model.refusals import VersionUnknown


def chosen(models: TierModels, scheme: str, version: int | None) -> TierModelView:
    """The version, or the latest. Raises UnknownScheme, VersionUnknown."""
    views = models.versions(scheme)
    if not views:
        raise UnknownScheme(scheme)
    if version is None:
        return views[-1]
    found = next((view for view in views if view.version == version), None)
    if found is None:
        raise VersionUnknown(scheme, version, [view.version for view in views])
    return found
