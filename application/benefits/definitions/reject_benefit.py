"""Send a version of a benefit back to its makers."""

from application.benefits.definitions.ports import Benefits, BenefitView, change_version
from domain.tier_model.reviewing import require_words


class RejectBenefit:
    """Also one that was approved, until it is in force. It can be submitted again."""

    def __init__(self, benefits: Benefits) -> None:
        self._benefits = benefits

    def __call__(self, name: str, version: int | None, actor: str, *, reason: str, command_id: str = "") -> BenefitView:
        """Raises UnknownBenefit, VersionUnknown, NotSubmitted, WordsInvalid."""
        require_words("reason", reason, needed=True)
        view, _ = change_version(
            self._benefits,
            name,
            version,
            lambda benefit, number, by: benefit.reject(number, reason=reason, by=by),
            actor=actor,
            command_id=command_id,
        )
        return view
