"""Let a version of a benefit be granted, instead of the one before."""

from application.benefits.definitions.lint_benefit import require_ready
from application.benefits.definitions.ports import Benefits, BenefitView, change_version
from application.tier_models.coming_into_force import Approvals
from domain.benefits.aggregate import Benefit
from domain.tier_model.version import By


class ActivateBenefit:
    """Grants keep the version they were made under. Activating the one in force changes nothing; one that was in force
    before comes back. Its stock is what can be promised from now on."""

    def __init__(self, benefits: Benefits, approvals: Approvals = "admin-may-skip") -> None:
        self._benefits, self._approvals = benefits, approvals

    def __call__(
        self, name: str, version: int | None, actor: str, *, as_admin: bool = True, command_id: str = ""
    ) -> tuple[BenefitView, int]:
        """version None: the latest. as_admin: who may leave out approvals asks. The version and the position.

        Raises UnknownBenefit, VersionUnknown, VersionRetired, NotApproved, BenefitInvalid, StockBelowPromised.
        """
        may_skip = as_admin and self._approvals == "admin-may-skip"
        beside = self._benefits.surroundings()

        def activate(benefit: Benefit, number: int, by: By) -> None:
            require_ready(benefit, number, beside)
            benefit.activate(number, may_skip=may_skip, by=by)

        return change_version(
            self._benefits, name, version, activate, actor=actor, command_id=command_id, in_force=True
        )
