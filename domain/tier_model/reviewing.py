"""What people write beside a submission, an approval or a rejection."""

import re

from domain.refusal import Complaint, Refusal

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
