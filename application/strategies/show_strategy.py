"""A strategy as people see it: what it is, how far it has come, and whether its arms are what they should be."""

from collections.abc import Mapping
from typing import Any

from application.strategies.message_ports import MESSAGE_STATES, ListedMessage
from application.strategies.outcome_ports import AssignmentView
from application.strategies.ports import ArmProgress, Progress, StrategyView
from domain.facts.instants import format_instant
from domain.strategies.outcomes import REPORTED
from domain.strategies.sample_ratio import sample_ratio_p
from domain.strategies.spec import StrategySpec

_REPORTED = (*REPORTED, "ordered")


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
        "fault": _fault(view),
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
        "fault": _fault(view),
        "arms": [
            {
                "arm": one.arm,
                "holdout": one.holdout or None,
                "assigned": one.assigned,
                "live": one.live,
                "exposed": one.exposed,
                "reported": {outcome: one.outcomes.get(outcome, 0) for outcome in _REPORTED},
                "redeemed": one.outcomes.get("redeemed", 0),
                "converted": one.outcomes.get("converted", 0),
            }
            for one in progress.arms
        ],
        "findings": [finding for one in progress.arms for finding in _findings(one)],
        "skipped": dict(progress.skipped),
        "waiting": progress.waiting,
        "messages": _messages(progress.messages),
        "sample_ratio_p": {
            "arms": sample_ratio_p(counts, weights),
            "holdout": sample_ratio_p(held, of_holdout) if 0 < spec.holdout < 100 else 1.0,
        },
        "position": progress.position,
    }


def _fault(view: StrategyView) -> dict[str, Any] | None:
    """What it says that cannot be read any more, and since when."""
    fault = view.fault
    return None if fault is None else fault._asdict() | {"since": format_instant(fault.since)}


def _findings(arm: ArmProgress) -> list[dict[str, Any]]:
    """What must not be: somebody was reached who was to be left alone."""
    if arm.arm is not None:
        return []
    found = {outcome: arm.outcomes.get(outcome, 0) for outcome in REPORTED}
    return [
        {"finding": "held-out-but-reached", "holdout": arm.holdout, "reported": outcome, "assignments": count}
        for outcome, count in found.items()
        if count
    ]


def _messages(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """How many are in each state, and of those with a reason how many have which."""
    why = {state: {reason: users for reason, users in reasons.items() if reason} for state, reasons in counts.items()}
    return {
        **{state: sum(counts.get(state, {}).values()) for state in MESSAGE_STATES},
        "why": {state: reasons for state, reasons in why.items() if reasons},
    }


def shown_message(message: ListedMessage) -> dict[str, Any]:
    """As it is answered."""
    return {
        "message_id": message.message_id,
        "user_id": message.user_id,
        "strategy": message.strategy,
        "assignment_id": message.assignment_id,
        "arm": message.arm,
        "channel": message.channel,
        "template": message.template,
        "state": message.state,
        "reason": message.reason or None,
        "attempts": message.attempts,
        "created_at": format_instant(message.created_at),
        "next_at": format_instant(message.due_at) if message.state == "waiting" and message.due_at else None,
        "settled_at": None if message.settled_at is None else format_instant(message.settled_at),
    }


def shown_assignment(view: AssignmentView) -> dict[str, Any]:
    """As it is answered."""
    instants = {"assigned": view.assigned_at, "ends": view.ends_at, "done": view.done_at, "ended": view.ended_at}
    outcomes = {outcome: view.outcomes.get(outcome) for outcome in (*_REPORTED, "redeemed", "converted")}
    return {
        "assignment_id": view.assignment_id,
        "strategy": view.strategy,
        "strategy_version": view.version,
        "arm": view.arm,
        "holdout": view.holdout or None,
        "campaign": view.campaign or None,
        **{f"{name}_at": _text(at) for name, at in instants.items()},
        "end_reason": view.end_reason,
        "outcomes": {f"{outcome}_at": _text(at) for outcome, at in outcomes.items()},
    }


def _text(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
