"""How a version is looked at by a second person: what they write, and when it counts. of: as in refusals."""

import re
from typing import Protocol

from msgspec.structs import replace

from domain.refusal import Complaint, Refusal
from domain.tier_model.refusals import NotSubmitted, OwnDraft, StaleDraft
from domain.tier_model.version import By, Review

LONGEST = 2_000
_UNSAID = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class WordsInvalid(Refusal):
    """A note or reason that cannot be kept, or is missing."""


def require_words(field: str, text: str, *, needed: bool = False) -> None:
    """Raises WordsInvalid."""
    if needed and not text.strip():
        raise WordsInvalid(f"The {field} is missing.", Complaint(field, text, "say why, for those who read it later"))
    if len(text) > LONGEST or _UNSAID.search(text):
        remedy = f"give at most {LONGEST} characters, without control characters"
        raise WordsInvalid(f"The {field} cannot be kept.", Complaint(field, text[:100], remedy))


class Reviewed(Protocol):
    """A version of something that is submitted and approved. makers: who drafted, changed or submitted it."""

    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def content_hash(self) -> str: ...  # noqa: D102
    @property
    def makers(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def review(self) -> Review: ...  # noqa: D102


def to_be_approved(name: str, version: Reviewed, content_hash: str, by: By, of: str = "scheme") -> bool:
    """Whether an approval is to be recorded; not where it is approved already. content_hash: of what was looked at.

    Raises StaleDraft, OwnDraft, NotSubmitted.
    """
    if version.content_hash != content_hash:
        raise StaleDraft(name, version.number, content_hash, version.content_hash, of)
    if by.actor in version.makers:
        raise OwnDraft(name, version.number, by.actor, of)
    if version.status not in ("submitted", "approved"):
        raise NotSubmitted(name, version.number, version.status, of)
    return version.status == "submitted"


def require_rejectable(name: str, version: Reviewed, of: str = "scheme") -> None:
    """Submitted, or approved and not in force. Raises NotSubmitted."""
    if version.status not in ("submitted", "approved"):
        raise NotSubmitted(name, version.number, version.status, of)


def submitted(who: str, at: int, note: str) -> Review:
    """The review of a version that is laid before somebody."""
    return Review(submitted_by=who, submitted_at=at, note=note)


def approved(review: Review, who: str, at: int, approval: str) -> Review:
    """The same, agreed to."""
    return replace(review, approved_by=who, approved_at=at, approval=approval)


def rejected(review: Review, who: str, at: int, reason: str) -> Review:
    """The same, sent back; an approval is gone."""
    told = {"rejected_by": who, "rejected_at": at, "reason": reason}
    return replace(review, approved_by="", approved_at=None, approval="", **told)
