"""Pins and freezes by hand: what is allowed, and what is there already."""

from domain.facts.instants import format_instant
from domain.refusal import Complaint, Refusal
from domain.tier_model.spec import TierModelSpec
from domain.user_tier.holds import PIN_MODES, Pin
from domain.user_tier.observation import Standing


class HoldInvalid(Refusal):
    """A pin or a freeze of something that there is not: a mode, a tier, a scope."""


class HoldEndsInPast(Refusal):
    """A pin or a freeze that would be over before it began."""

    def __init__(self, until: int, now: int) -> None:
        super().__init__(
            f"It would end on {format_instant(until)}, which has passed.",
            Complaint("until", format_instant(until), f"give an instant after {format_instant(now)}, or leave it out"),
        )


class NoStanding(Refusal):
    """A user who stands nowhere on the scheme, or not in that scope."""

    def __init__(self, user_id: str, scheme: str, scope: str) -> None:
        place = f"scheme {scheme!r}" + (f" in {scope[:200]!r}" if scope else "")
        super().__init__(
            f"User {user_id[:200]!r} has no standing on {place}.",
            Complaint(
                "scope" if scope else "scheme",
                scope or scheme,
                "there is one from the user's first fact on, or from `tierline standings import` on",
            ),
        )


def require_place(spec: TierModelSpec, scope: str) -> None:
    """Whether the scheme keeps its standings in scopes, or does not. Raises HoldInvalid."""
    if spec.per is not None and not scope:
        remedy = f"scheme {spec.scheme} is kept per {spec.per}: name one"
        raise HoldInvalid("A scope is needed.", Complaint("scope", scope, remedy))
    if spec.per is None and scope:
        remedy = f"leave it out: scheme {spec.scheme} is kept for the platform as a whole"
        raise HoldInvalid("The scheme has no scopes.", Complaint("scope", scope, remedy))


def require_pin(spec: TierModelSpec, mode: str, tier: str) -> None:
    """Raises HoldInvalid."""
    if mode not in PIN_MODES:
        raise HoldInvalid("There is no such mode.", Complaint("mode", mode, f"use one of {', '.join(PIN_MODES)}"))
    if tier not in spec.tiers:
        remedy = f"use one of {', '.join(spec.tiers)}"
        raise HoldInvalid(f"Scheme {spec.scheme} has no tier {tier[:200]!r}.", Complaint("tier", tier, remedy))
    if spec.unordered and mode != "exact":
        remedy = f"use exact: the tiers of {spec.scheme} have no order"
        raise HoldInvalid("There is nothing above or below.", Complaint("mode", mode, remedy))


def require_ahead(until: int | None, now: int) -> None:
    """Raises HoldEndsInPast."""
    if until is not None and until <= now:
        raise HoldEndsInPast(until, now)


def is_pinned_so(standing: Standing, wanted: Pin) -> bool:
    """Whether a pin of the same mode, tier and end holds already."""
    pin = standing.pin
    return pin is not None and (pin.mode, pin.tier, pin.until) == (wanted.mode, wanted.tier, wanted.until)


def needs_approval(spec: TierModelSpec, mode: str, tier: str, threshold: str | None) -> bool:
    """Whether a pin lifts somebody to the rank from which a second person agrees. threshold: the lowest such tier;
    one that the scheme does not have asks for approval of every pin, rather than of none."""
    if threshold is None or mode == "ceiling":
        return False
    if spec.unordered or threshold not in spec.tiers:
        return threshold not in spec.tiers or tier == threshold
    return spec.tiers.index(tier) >= spec.tiers.index(threshold)
