"""Shadow runs as they are answered and printed."""

from typing import Any

from application.shadow.ports import Difference, ShadowStatus
from domain.facts.instants import format_instant


def status_json(status: ShadowStatus) -> dict[str, Any]:
    """As answered and printed."""
    return {
        "scheme": status.scheme,
        "version": status.version,
        "running": status.running,
        "fault": status.fault,
        "started_at": format_instant(status.started_at),
        "migration": dict(status.migration),
        "standings": status.standings,
        "apart": status.apart,
        "tiers": [{"live": one, "shadow": other, "count": n} for (one, other), n in status.tiers.items()],
        "live_moves": status.live_moves,
        "shadow_moves": status.shadow_moves,
    }


def difference_json(one: Difference) -> dict[str, Any]:
    """As answered and printed."""
    return {
        "user_id": one.user_id,
        "scope": one.scope,
        "live_tier": one.live_tier,
        "shadow_tier": one.shadow_tier,
        "apart_since": format_instant(one.apart_since),
        "features": dict(one.features),
        "live": one.live,
        "shadow": one.shadow,
    }
