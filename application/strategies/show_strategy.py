"""A strategy as people see it: what it is, how far it has come, and whether its arms are what they should be."""

from typing import Any

from application.strategies.ports import Progress, StrategyView
from domain.facts.instants import format_instant
from domain.strategies.sample_ratio import sample_ratio_p
from domain.strategies.spec import StrategySpec


def shown(view: StrategyView) -> dict[str, Any]:
    """Without its spec. Instants as text."""
    return {
        "strategy": view.strategy,
        "version": view.version,
        "status": view.status,
        "content_hash": view.content_hash,
        "needs_approval": StrategySpec.model_validate(view.spec).needs_approval,
        "makers": list(view.makers),
        "approved_by": view.approved_by,
        "running_version": view.running_version or None,
        "global_holdout": view.global_holdout,
        "campaign": view.campaign or None,
        "started_at": None if view.started_at is None else format_instant(view.started_at),
        "changed_at": format_instant(view.changed_at),
        "changed_by": view.changed_by,
    }


def shown_whole(view: StrategyView) -> dict[str, Any]:
    """With its spec."""
    return shown(view) | {"spec": view.spec}


def shown_progress(view: StrategyView, progress: Progress) -> dict[str, Any]:
    """By arm, with those held out; sample_ratio_p: how likely a split at least as uneven is by chance (below 0.001
    something has gone wrong)."""
    spec = StrategySpec.model_validate(view.spec)
    treated = [one for one in progress.arms if one.arm is not None]
    counts = {one.arm or "": one.assigned for one in treated}
    drawn = sum(counts.values()) + sum(one.assigned for one in progress.arms if one.holdout == "strategy")
    held = {"held": drawn - sum(counts.values()), "treated": sum(counts.values())}
    weights = {name: arm.weight for name, arm in spec.treatments.items()}
    of_holdout = {"held": spec.holdout, "treated": 100 - spec.holdout}
    return {
        "strategy": view.strategy,
        "status": view.status,
        "arms": [
            {
                "arm": one.arm,
                "holdout": one.holdout or None,
                "assigned": one.assigned,
                "live": one.live,
                "exposed": one.exposed,
            }
            for one in progress.arms
        ],
        "skipped": dict(progress.skipped),
        "waiting": progress.waiting,
        "sample_ratio_p": {
            "arms": sample_ratio_p(counts, weights),
            "holdout": sample_ratio_p(held, of_holdout) if 0 < spec.holdout < 100 else 1.0,
        },
        "position": progress.position,
    }
