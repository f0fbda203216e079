"""A grant as it is answered."""

from typing import Any

from domain.benefits.grant import Grant
from domain.facts.instants import format_instant


def grant_json(grant: Grant) -> dict[str, Any]:
    """Instants as text, amounts in minor units."""
    return {
        "grant_id": grant.grant_id,
        "benefit": grant.benefit,
        "benefit_version": grant.version,
        "kind": grant.kind,
        "status": grant.status,
        "units": grant.units,
        "redeemed": grant.redeemed,
        "released": grant.released,
        "reclaimed": grant.reclaimed,
        "left": grant.left,
        "unit_cost": grant.unit_cost,
        "currency": grant.currency,
        "granted_at": format_instant(grant.granted_at),
        "expires_at": None if grant.expires_at is None else format_instant(grant.expires_at),
        "ended_at": None if grant.ended_at is None else format_instant(grant.ended_at),
        "cause": grant.cause,
        "campaign": grant.campaign,
        "strategy": grant.strategy,
        "assignment_id": grant.assignment_id,
        "run_id": grant.run_id,
    }
