"""Lay a version of a benefit before somebody else, who may approve it."""

from application.benefits.definitions.lint_benefit import require_ready
from application.benefits.definitions.ports import Benefits, BenefitView, change_version
from domain.benefits.aggregate import Benefit
from domain.tier_model.reviewing import require_words
from domain.tier_model.version import By


class SubmitBenefit:
    """What is submitted is the version as it is: a change takes the submission back. Twice is once."""

    def __init__(self, benefits: Benefits) -> None:
        self._benefits = benefits

    def __call__(
        self, name: str, version: int | None, actor: str, *, note: str = "", command_id: str = ""
    ) -> BenefitView:
        """version None: the latest. Raises UnknownBenefit, VersionUnknown, VersionPublished, BenefitInvalid,
        WordsInvalid."""
        require_words("note", note)
        beside = self._benefits.surroundings()

        def submit(benefit: Benefit, number: int, by: By) -> None:
            require_ready(benefit, number, beside)
            benefit.submit(number, note=note, by=by)

        return change_version(self._benefits, name, version, submit, actor=actor, command_id=command_id)[0]
