"""Grant a version of a benefit no more."""

from application.benefits.definitions.ports import Benefits, BenefitView, change_version
from application.benefits.definitions.show_benefit import ShowBenefit


class RetireBenefit:
    """What was granted stays, and can be redeemed. Retiring twice changes nothing."""

    def __init__(self, benefits: Benefits) -> None:
        self._benefits = benefits

    def __call__(self, name: str, version: int | None, actor: str, *, command_id: str = "") -> BenefitView:
        """version None: the one in force. Raises UnknownBenefit, VersionUnknown."""
        number = ShowBenefit(self._benefits)(name, version).version
        view, _ = change_version(
            self._benefits,
            name,
            number,
            lambda benefit, number, by: benefit.retire(number, by=by),
            actor=actor,
            command_id=command_id,
            in_force=True,
        )
        return view
