"""One version of a benefit: the one in force, or a numbered one."""

from application.benefits.definitions.ports import Benefits, BenefitView
from domain.benefits.refusals import UnknownBenefit
from domain.benefits.version import BENEFIT
from domain.tier_model.refusals import VersionUnknown


class ShowBenefit:
    """Without a number the version in force, or the latest while none is."""

    def __init__(self, benefits: Benefits) -> None:
        self._benefits = benefits

    def __call__(self, name: str, version: int | None = None) -> BenefitView:
        """Raises UnknownBenefit, VersionUnknown."""
        views = self._benefits.versions(name)
        if not views:
            raise UnknownBenefit(name, sorted({view.benefit for view in self._benefits.versions()}))
        if version is None:
            return next((view for view in views if view.status == "active"), views[-1])
        found = next((view for view in views if view.version == version), None)
        if found is None:
            raise VersionUnknown(name, version, [view.version for view in views], BENEFIT)
        return found
