"""Putting a tag on a subject and taking it off: what is allowed, and what is there already."""

import re
from collections.abc import Iterable

from domain.facts.instants import format_instant
from domain.facts.table import NEVER
from domain.refusal import Complaint, Refusal
from domain.user_tier.tags import TagSpan

LONGEST_REASON = 500
# As a tier's name: it has to be written in conditions, between quotes.
_NAME = re.compile(r"[^\s'\"\\\x00-\x1f\x7f]([^'\"\\\x00-\x1f\x7f]{0,62}[^\s'\"\\\x00-\x1f\x7f])?")
_UNSAID = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class TagInvalid(Refusal):
    """A tag that no condition could name, or a reason that cannot be kept."""


class TagEndsInPast(Refusal):
    """A tag that would be over before it began."""

    def __init__(self, until: int, now: int) -> None:
        super().__init__(
            f"The tag would end on {format_instant(until)}, which has passed.",
            Complaint("until", format_instant(until), f"give an instant after {format_instant(now)}, or leave it out"),
        )


def require_tag(tag: str, reason: str) -> None:
    """Raises TagInvalid."""
    if _NAME.fullmatch(tag) is None:
        remedy = "use 1 to 64 characters, without quotes, backslashes, control characters and spaces at the ends"
        raise TagInvalid("The tag has a name that cannot be kept.", Complaint("tag", tag, remedy))
    if len(reason) > LONGEST_REASON or _UNSAID.search(reason):
        remedy = f"give at most {LONGEST_REASON} characters on one line"
        raise TagInvalid("The reason cannot be kept.", Complaint("reason", reason, remedy))


def held(spans: Iterable[TagSpan], tag: str, at: int) -> TagSpan | None:
    """The tag as it is there at an instant; None: it is not."""
    there = (span for span in spans if span.tag == tag and span.start <= at < span.end)
    return max(there, key=lambda span: span.end, default=None)


def ends_at(until: int | None) -> int:
    """As spans tell it: NEVER for a tag that does not end by itself."""
    return NEVER if until is None else until
