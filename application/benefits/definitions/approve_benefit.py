"""Agree to a version of a benefit that others have made."""

from application.benefits.definitions.ports import Benefits, BenefitView, change_version
from domain.benefits.aggregate import Benefit
from domain.tier_model.reviewing import require_words
from domain.tier_model.version import By


class ApproveBenefit:
    """Who drafted, changed or submitted the version cannot. Approving what is approved changes nothing."""

    def __init__(self, benefits: Benefits) -> None:
        self._benefits = benefits

    def __call__(
        self,
        name: str,
        version: int | None,
        actor: str,
        *,
        content_hash: str | None,
        note: str = "",
        command_id: str = "",
    ) -> BenefitView:
        """content_hash: of what was looked at; None: whatever it is now (where a person has it before them).

        Raises UnknownBenefit, VersionUnknown, StaleDraft, OwnDraft, NotSubmitted, WordsInvalid.
        """
        require_words("note", note)

        def approve(benefit: Benefit, number: int, by: By) -> None:
            there = benefit.versions.get(number)
            seen = content_hash or (there.content_hash if there else "")
            benefit.approve(number, content_hash=seen, note=note, by=by)

        return change_version(self._benefits, name, version, approve, actor=actor, command_id=command_id)[0]
