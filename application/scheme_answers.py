"""Sizes and flows of a scheme's tiers as they are answered, over HTTP and at the command line."""

from typing import Any

from application.queries import Distribution, Flows
from domain.facts.instants import format_instant


def distribution_json(found: Distribution) -> dict[str, Any]:
    """Sizes out of the log."""
    return {
        **asked_of(found.scheme, found.scope),
        "as_of": format_instant(found.as_of),
        "known_at": format_instant(found.known_at),
        "tiers": dict(found.tiers),
        "position": found.position,
    }


def flows_json(found: Flows) -> dict[str, Any]:
    """`from` null: no tier yet."""
    return {
        **asked_of(found.scheme, found.scope),
        "from": format_instant(found.since),
        "to": format_instant(found.until),
        "known_at": format_instant(found.known_at),
        "flows": [{"from": flow.from_tier, "to": flow.to_tier, "users": flow.count} for flow in found.flows],
        "moves": [{"from": move.from_tier, "to": move.to_tier, "count": move.count} for move in found.moves],
        "position": found.position,
    }


def asked_of(scheme: str, scope: str | None) -> dict[str, Any]:
    """What was asked about."""
    return {"scheme": scheme} | ({} if scope is None else {"scope": scope})
