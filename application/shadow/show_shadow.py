"""Read how a candidate compares: what both the page and the command line ask before they ask for numbers."""

from application.shadow.ports import Differences, NoShadow, ShadowQueries, ShadowStatus, UnknownTier
from application.tier_models.choose import chosen
from application.tier_models.ports import TierModels


class ShowShadow:
    """Of the scheme's last candidate."""

    def __init__(self, models: TierModels, shadows: ShadowQueries) -> None:
        self._models, self._shadows = models, shadows

    def status(self, scheme: str, version: int | None) -> ShadowStatus:
        """version None: whichever was the last. Raises UnknownScheme, VersionUnknown, NoShadow."""
        view = chosen(self._models, scheme, version)
        status = self._shadows.status(scheme)
        if status is None or version not in (None, status.version):
            raise NoShadow(scheme, view.version)
        return status

    def differences(
        self,
        scheme: str,
        version: int | None,
        live_tier: str | None,
        shadow_tier: str | None,
        size: int,
        cursor: str | None,
    ) -> Differences:
        """See ShadowQueries. Raises what status does, UnknownTier, CursorInvalid."""
        self.status(scheme, version)
        views = self._models.versions(scheme)
        tiers = list(dict.fromkeys(tier for view in reversed(views) for tier in view.spec["tiers"]))
        for field, tier in (("live_tier", live_tier), ("shadow_tier", shadow_tier)):
            if tier is not None and tier not in tiers:
                raise UnknownTier(field, tier, tiers)
        return self._shadows.differences(scheme, live_tier, shadow_tier, size, cursor)
