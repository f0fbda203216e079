"""What is asked of shadow runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from domain.refusal import Complaint, Refusal


@dataclass(frozen=True, slots=True)
class ShadowStatus:
    """How a candidate compares so far. Instants in microseconds.

    standings: that came by since the start; apart: of these, that stand elsewhere by the candidate. tiers: (by the
    version in force, by the candidate) -> how many. live_moves, shadow_moves: tier changes by each since then.
    """

    scheme: str
    version: int
    running: bool
    fault: str
    started_at: int
    migration: Mapping[str, Any]
    standings: int
    apart: int
    tiers: Mapping[tuple[str, str], int]
    live_moves: int
    shadow_moves: int


@dataclass(frozen=True, slots=True)
class Difference:
    """One standing on which the two do not agree, and why each has it where it has. live, shadow: the last receipts,
    None where nothing moved since the start. features: by the candidate."""

    user_id: str
    scope: str
    live_tier: str
    shadow_tier: str
    apart_since: int
    features: Mapping[str, Any]
    live: Mapping[str, Any] | None
    shadow: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Differences:
    """The latest first. next_cursor: for the page after; None at the end."""

    differences: Sequence[Difference]
    next_cursor: str | None


class ShadowQueries(Protocol):
    """Reads them."""

    def status(self, scheme: str) -> ShadowStatus | None:
        """Of the last candidate; None when there never was one."""
        ...

    def differences(
        self, scheme: str, live_tier: str | None, shadow_tier: str | None, size: int, cursor: str | None
    ) -> Differences:
        """Those on which they do not agree (of one tier by either). Raises CursorInvalid."""
        ...


class NoShadow(Refusal):
    """The version was not the scheme's last candidate."""

    def __init__(self, scheme: str, version: int) -> None:
        super().__init__(
            f"Version {version} of scheme {scheme!r} is not decided beside the one in force, and was not last.",
            Complaint("version", version, "start it: POST …/shadow, or `tierline model shadow start`"),
        )


class UnknownTier(Refusal):
    """No version of the scheme has such a tier."""

    def __init__(self, field: str, tier: str, tiers: Sequence[str]) -> None:
        super().__init__(
            f"The scheme has no tier {tier[:200]!r}.", Complaint(field, tier, f"use one of {', '.join(tiers)}")
        )
