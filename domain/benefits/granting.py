"""Whether a benefit is granted to a user, and on what terms. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from domain.benefits.periods import end_of_grant, start_of_period
from domain.benefits.refusals import CapReached, GrantEndsInPast, GrantRequestInvalid, NotEntitled
from domain.benefits.spec import LARGEST, BenefitSpec
from domain.user_tier.observation import Observation

GRANTED = "user-tier.benefit-granted.v1"
LONGEST_TEXT = 500
_UNSAID = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_PLATFORM = ""


class GrantWanted(msgspec.Struct, frozen=True):
    """What is asked for. grant_id: chosen by whoever asks, so that asking twice grants once; 32 hex digits.

    budgets: to be charged beside the benefit's own. cause: what asks (command, bulk, strategy, issuance, ...).
    """

    grant_id: str
    user_id: str
    benefit: str
    units: int = 1
    reason: str = ""
    order_id: str = ""
    budgets: tuple[str, ...] = ()
    cause: str = "command"
    causation: str = ""
    campaign: str = ""
    strategy: str = ""
    assignment_id: str = ""
    run_id: str | None = None
    actor: str = ""
    command_id: str = ""


class Held(msgspec.Struct, frozen=True):
    """What the user has had of the benefit, released units left out: in all, and in the cap's period up to now."""

    units: int = 0
    in_period: int = 0


class Terms(msgspec.Struct, frozen=True):
    """On what terms it is granted. cost: minor units; tiers: where the user stands, by scheme."""

    expires_at: int | None
    cost: int
    tiers: dict[str, str]


def require_wanted(wanted: GrantWanted) -> None:
    """Raises GrantRequestInvalid."""
    if not 1 <= wanted.units <= LARGEST:
        raise GrantRequestInvalid("units", wanted.units, f"give a whole number from 1 to {LARGEST}")
    for budget in wanted.budgets:
        require_line("budgets", budget, LONGEST_TEXT)
    for field in ("benefit", "reason", "order_id", "campaign", "strategy", "assignment_id"):
        require_line(field, getattr(wanted, field), LONGEST_TEXT)


def require_line(field: str, text: str, longest: int) -> None:
    """Raises GrantRequestInvalid."""
    if len(text) > longest or _UNSAID.search(text):
        raise GrantRequestInvalid(field, text[:100], f"give at most {longest} characters on one line")


def terms_of(spec: BenefitSpec, wanted: GrantWanted, standing: Mapping[str, str], held: Held, now: int) -> Terms:
    """Raises NotEntitled, CapReached, GrantEndsInPast, GrantRequestInvalid."""
    require_entitled(spec, standing)
    require_room(spec, wanted.units, held)
    cost = wanted.units * spec.unit_cost
    if cost > LARGEST:
        raise GrantRequestInvalid("units", wanted.units, "grant fewer: their cost is larger than an amount can be")
    expires_at = end_of_grant(spec, now)
    if expires_at is not None and expires_at <= now:
        raise GrantEndsInPast(spec.benefit, expires_at)
    return Terms(expires_at, cost, dict(standing))


def require_room(spec: BenefitSpec, units: int, held: Held) -> None:
    """Raises CapReached."""
    if spec.caps.per_user is not None and held.units + units > spec.caps.per_user:
        raise CapReached(spec.benefit, spec.caps.per_user, held.units, units, None)
    cap = spec.caps.per_period
    if cap is not None and held.in_period + units > cap.units:
        raise CapReached(spec.benefit, cap.units, held.in_period, units, cap.period)


def require_entitled(spec: BenefitSpec, standing: Mapping[str, str]) -> None:
    """standing: tier by scheme. Raises NotEntitled."""
    for scheme, tiers in spec.entitlement.items():
        if standing.get(scheme) not in tiers:
            raise NotEntitled(spec.benefit, scheme, standing.get(scheme), tiers)


def cap_starts(spec: BenefitSpec, now: int) -> int | None:
    """From when on the cap per period counts; None without one."""
    cap = spec.caps.per_period
    return None if cap is None else start_of_period(cap.period, spec.time_zone, now)


def standing_of(observation: Observation) -> dict[str, str]:
    """Tier by scheme, of the schemes that are kept for the platform as a whole."""
    return {
        scheme: scopes[_PLATFORM].standing.tier for scheme, scopes in observation.schemes.items() if _PLATFORM in scopes
    }


def granted_data(spec: BenefitSpec, version: int, wanted: GrantWanted, terms: Terms, budgets: Iterable[str]) -> Any:
    """The own fields of the event."""
    return {
        "grant_id": wanted.grant_id,
        "benefit": spec.benefit,
        "benefit_version": version,
        "kind": spec.kind,
        "units": wanted.units,
        "cost": terms.cost,
        "currency": spec.currency,
        "expires_at": terms.expires_at,
        "tiers": terms.tiers,
        "budgets": list(budgets),
        "cause": wanted.cause,
        "reason": wanted.reason,
        "order_id": wanted.order_id,
        "campaign": wanted.campaign,
        "strategy": wanted.strategy,
        "assignment_id": wanted.assignment_id,
        "run_id": wanted.run_id,
    }
