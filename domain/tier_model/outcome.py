"""What one decision records, and what it has to make up for."""

from typing import Literal

import msgspec

from domain.user_tier.holds import Opening

Kind = Literal[
    "tier-changed",
    "tier-requalified",
    "downgrade-deferred",
    "tier-at-risk",
    "growth-settled",
    "tier-unpinned",
    "tier-unfrozen",
]


class Outcome(msgspec.Struct, frozen=True):
    """One thing a decision records. until: the end of the grace, or the review that is warned of. growth: of a
    settlement. cause: where the clause alone says it. opening: the standing that was taken over."""

    kind: Kind
    clause: str
    from_tier: str | None
    to_tier: str
    until: int | None = None
    growth: "Settlement | None" = None
    cause: str = ""
    opening: Opening | None = None
    keeps_since: bool = False


class Missed(msgspec.Struct, frozen=True):
    """What fell due while a standing was held: reviews since one instant, warnings since another (None: none)."""

    reviews_since: int | None = None
    warnings_since: int | None = None


NOTHING_MISSED = Missed()


class Settlement(msgspec.Struct, frozen=True):
    """Growth value when validity ended: what was carried in and earned since, what was deducted, what is carried on."""

    carried: int
    earned: int
    deducted: int
    balance: int
