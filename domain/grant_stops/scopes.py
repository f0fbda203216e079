"""What a stop stops: everything ('*'), or one benefit, budget (with all that lies in it), campaign or bulk run."""

import re
from uuid import UUID

from domain.refusal import Complaint, Refusal

EVERYTHING = "*"
KINDS = ("benefit", "budget", "campaign", "bulk")
_LONGEST_NAME = 500
_UNSAID = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class StopInvalid(Refusal):
    """A scope that nothing can have."""

    def __init__(self, scope: str) -> None:
        remedy = "write *, benefit:NAME, budget:NAME, campaign:NAME or bulk:ID"
        super().__init__(f"{scope[:200]!r} is nothing that can be stopped.", Complaint("scope", scope[:200], remedy))


class NotStopped(Refusal):
    """Nothing to lift."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"{scope[:200]!r} is not stopped.",
            Complaint("scope", scope[:200], "GET /v1/grant-stops and `tierline grants stops` show what is"),
        )


def scope_of(text: str) -> str:
    """As it is kept and looked up. Raises StopInvalid."""
    if text == EVERYTHING:
        return text
    kind, _, name = text.partition(":")
    if kind not in KINDS or not 1 <= len(name) <= _LONGEST_NAME or _UNSAID.search(name):
        raise StopInvalid(text)
    if kind != "bulk":
        return text
    try:
        return f"bulk:{UUID(name)}"
    except ValueError:
        raise StopInvalid(text) from None
